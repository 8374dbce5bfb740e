/** Proofs for who has no copy of the ledger: that a change is in it, and that a ledger goes on where it was. Pure. */
import * as z from 'zod';
import type { Json } from '@mabeam/variables';
import { coordinationError } from '../../errors.ts';
import { exactValue } from '../exact-text.ts';
import {
  changeSchema,
  digestSchema,
  hashOfBlock,
  headOf,
  headSchema,
  membersSchema,
  votesProblem,
  type Block,
  type BlockHead,
  type LedgerMember,
} from './block.ts';
import type { LedgerTrust } from './chain.ts';
import {
  consistencyPath,
  inclusionPath,
  isContinuation,
  leafOf,
  rootByPath,
  type TreeHead,
} from './merkle-tree.ts';

export const inclusionSchema = z.strictObject({
  v: z.literal(1),
  change: changeSchema,
  /** Its place among the changes of its block. */
  index: z.int().min(0),
  /** The hashes beside its way up to the root of the block, the lowest first. */
  path: z.array(digestSchema).max(64),
  head: headSchema,
  /** Who had to sign the block. */
  signers: membersSchema,
});

/** The proof that a change is in a block that an electorate signed. */
export type InclusionProof = z.infer<typeof inclusionSchema>;

/** Proves a change of a ledger's block, by height and place. Throws `invalid-ledger` when there is no such change. */
export function proveChange(
  blocks: readonly Block[],
  { height, index }: { readonly height: number; readonly index: number },
): InclusionProof {
  const block = blocks[height];
  const change = block?.changes[index];
  if (block === undefined || change === undefined) {
    const message = `this ledger has no change ${index} at height ${height}`;
    throw coordinationError('invalid-ledger', message, { details: { height, index } });
  }
  const path = inclusionPath(
    block.changes.map((one) => leafOf(one)),
    index,
  );
  return { v: 1, change, index, path, head: headOf(block), signers: [...signersAt(blocks, height)] };
}

/** Who had to sign the block at a height: the members named last before it; in the first block its own. */
export function signersAt(blocks: readonly Block[], height: number): readonly LedgerMember[] {
  const before = blocks.slice(0, Math.max(1, height));
  return before.findLast(({ members }) => members !== undefined)?.members ?? [];
}

/** Whether a proof holds. */
export type InclusionVerification =
  | {
      readonly kind: 'valid';
      readonly change: Json;
      readonly height: number;
      readonly hash: string;
      readonly proof: InclusionProof;
    }
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Verifies a proof, offline, as a value or as its canonical text (or bytes): the change leads to the root of a block which two thirds
 * of its signers signed. `hash` is that of the block when it is known; `keys` are those of parties as far as they are. Nothing is thrown.
 */
export function verifyInclusion(
  proof: unknown,
  { keys = {}, hash }: Pick<LedgerTrust, 'keys'> & { readonly hash?: string | undefined } = {},
): InclusionVerification {
  const read = inclusionSchema.safeParse(exactValue(proof)).data;
  if (read === undefined) return { kind: 'invalid', problem: 'it does not have the form of a proof' };
  const { change, index, path, head, signers } = read;
  if (rootByPath(leafOf(change), { index, size: head.size }, path) !== head.root)
    return { kind: 'invalid', problem: 'the change does not lead to the root of the block' };
  const problem = signersProblem(head, signers, keys);
  if (problem !== undefined) return { kind: 'invalid', problem };
  const own = hashOfBlock(head);
  if (hash !== undefined && hash !== own) return { kind: 'invalid', problem: 'it is of another block' };
  return { kind: 'valid', change, height: head.height, hash: own, proof: read };
}

/** What is wrong with a block's signatures, or with whose they are said to be. */
export function signersProblem(
  head: Block | BlockHead,
  signers: readonly LedgerMember[],
  keys: Readonly<Record<string, string>>,
): string | undefined {
  const other = signers.find(({ party, key }) => Object.hasOwn(keys, party) && keys[party] !== key);
  return other === undefined ? votesProblem(head, signers) : `it names another key for ${other.party}`;
}

export const continuationSchema = z.strictObject({ v: z.literal(1), path: z.array(digestSchema).max(128) });

/** The proof that a ledger of so many blocks is the beginning of this one. */
export type ContinuationProof = z.infer<typeof continuationSchema>;

/** Proves that this ledger goes on from its first `size` blocks. */
export function proveContinuation(blocks: readonly Block[], size: number): ContinuationProof {
  const leaves = blocks.map((block) => leafOf(hashOfBlock(block)));
  return { v: 1, path: consistencyPath(leaves, size) };
}

/** Verifies, offline, that the ledger with the later head goes on where the one with the earlier head was. Nothing is thrown. */
export function verifyContinuation(proof: unknown, earlier: TreeHead, later: TreeHead): boolean {
  const read = continuationSchema.safeParse(exactValue(proof)).data;
  return read !== undefined && isContinuation(earlier, later, read.path);
}
