/**
 * The chain: what may follow what, and whether a copy of a ledger holds. Pure; no copy is trusted, whoever keeps it.
 *
 * Invariants
 *  C1  A block follows the tip: one height more, its hash as `prevHash`. A ledger has one block an operation.
 *  C2  It is signed by two thirds of the electorate that the blocks before it say; the first one by two thirds of its own members.
 *  C3  Whether a block follows depends on the blocks before it and on what the verifier knows beforehand, on nothing else: all who
 *      read the same entries have the same ledger.
 */
import { digestOf, type MabeamError } from '@mabeam/bus';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import { exactValue } from '../exact-text.ts';
import {
  blockSchema,
  hashOfBlock,
  membersProblem,
  rootOfChanges,
  votesProblem,
  type Block,
  type BlockDraft,
  type LedgerMember,
} from './block.ts';
import { leafOf, rootOf, type TreeHead } from './merkle-tree.ts';

/** What a verifier knows beforehand. Knowing nothing, it takes the first block's word for whose the keys are. */
export interface LedgerTrust {
  /** Public keys of parties; an electorate that names others for them is not valid. */
  readonly keys?: Readonly<Record<string, string>> | undefined;
  /** The hash of the first block. */
  readonly genesis?: string | undefined;
}

/** Where a ledger ends. */
export interface Tip {
  readonly height: number;
  readonly hash: string;
  /** Who signs the next block. */
  readonly members: readonly LedgerMember[];
}

/** What a block is held against. */
export interface ChainContext {
  readonly space: string;
  readonly ledger: string;
  /** Absent where there is no block yet. */
  readonly tip?: Tip | undefined;
  /** Operations that have a block. */
  readonly operations: Pick<ReadonlySet<string>, 'has'>;
  readonly trust?: LedgerTrust | undefined;
}

/** Why something is no block of a ledger. `stale-block`: it follows another block than the last one. */
export interface BlockProblem {
  readonly code: 'stale-block' | 'invalid-ledger';
  readonly problem: string;
}

/** What is wrong with a draft as the next block; undefined when it only lacks signatures. */
export function draftProblem(draft: BlockDraft | Block, context: ChainContext): BlockProblem | undefined {
  const { tip, operations, trust = {} } = context;
  if (draft.space !== context.space || draft.ledger !== context.ledger)
    return invalid('it is of another ledger');
  if (operations.has(draft.operation)) return stale(`the operation ${draft.operation} has a block already`);
  if (draft.height !== (tip?.height ?? -1) + 1 || draft.prevHash !== (tip?.hash ?? null))
    return stale(
      tip === undefined
        ? 'there is no block before it'
        : `the last block is ${tip.hash} at height ${tip.height}`,
    );
  if (draft.size !== draft.changes.length || draft.root !== rootOfChanges(draft.changes))
    return invalid('its changes do not fit its root');
  const { members } = draft;
  const signers = tip?.members ?? members;
  if (signers === undefined) return invalid('the first block has no members');
  if (draft.electorate !== digestOf(signers)) return invalid('it is put to another electorate');
  if (members === undefined) return undefined;
  const problem = membersProblem(members);
  if (problem !== undefined) return invalid(problem);
  const { keys = {} } = trust;
  const other = members.find(({ party, key }) => Object.hasOwn(keys, party) && keys[party] !== key);
  return other && invalid(`it names another key for ${other.party}`);
}

/** What is wrong with a block as the next one; undefined when it is. */
export function blockProblem(block: Block, context: ChainContext): BlockProblem | undefined {
  const problem = draftProblem(block, context);
  if (problem !== undefined) return problem;
  const { tip, trust } = context;
  const unsigned = votesProblem(block, tip?.members ?? block.members ?? []);
  if (unsigned !== undefined) return invalid(unsigned);
  const isOther = tip === undefined && trust?.genesis !== undefined && trust.genesis !== hashOfBlock(block);
  return isOther ? invalid('it is another first block than the one that is known') : undefined;
}

/** The tip that a block makes, which was found to follow. */
export function tipAfter(block: Block, tip?: Tip): Tip {
  return { height: block.height, hash: hashOfBlock(block), members: block.members ?? tip?.members ?? [] };
}

/** The Merkle tree head over the hashes of blocks: one hash for the whole ledger. */
export function treeHead(blocks: readonly Block[]): TreeHead {
  return { size: blocks.length, root: rootOf(blocks.map((block) => leafOf(hashOfBlock(block)))) };
}

/** Whether a copy of a ledger holds. `height` is that of the first bad block; absent when not even blocks can be made out. */
export type LedgerVerification =
  | { readonly kind: 'valid'; readonly blocks: readonly Block[]; readonly tip: Tip }
  | ({ readonly kind: 'invalid'; readonly height?: number | undefined } & BlockProblem);

/**
 * Verifies a copy of a ledger, offline: its blocks from the first one on, as values or as the canonical text (or bytes) of their
 * list. That nothing was cut off at its end only a `head` shows that is known from elsewhere (`treeHead`). Nothing is thrown.
 */
export function verifyLedger(
  ledger: unknown,
  { head, ...trust }: LedgerTrust & { readonly head?: TreeHead | undefined } = {},
): LedgerVerification {
  const listed = z.array(z.unknown()).min(1).safeParse(exactValue(ledger)).data;
  if (listed === undefined)
    return { kind: 'invalid', ...invalid('it is no list of blocks, exactly spelled') };
  const blocks: Block[] = [];
  const operations = new Set<string>();
  let tip: Tip | undefined;
  for (const [height, thing] of listed.entries()) {
    const block = blockSchema.safeParse(thing).data;
    if (block === undefined)
      return { kind: 'invalid', height, ...invalid('it does not have the form of a block') };
    const first = blocks[0] ?? block;
    const problem = blockProblem(block, {
      space: first.space,
      ledger: first.ledger,
      tip,
      operations,
      trust,
    });
    if (problem !== undefined) return { kind: 'invalid', height, ...problem };
    tip = tipAfter(block, tip);
    operations.add(block.operation);
    blocks.push(block);
  }
  if (tip === undefined || (head !== undefined && !isHeadOf(blocks, head)))
    return { kind: 'invalid', height: blocks.length, ...invalid('it does not reach what is known of it') };
  return { kind: 'valid', blocks, tip };
}

/** The blocks of a copy that holds. Throws `invalid-ledger` (or `stale-block`) with the height of the first that does not. */
export function verifiedBlocks(
  ledger: unknown,
  trust: LedgerTrust & { readonly head?: TreeHead | undefined } = {},
): readonly Block[] {
  const verified = verifyLedger(ledger, trust);
  if (verified.kind === 'valid') return verified.blocks;
  throw problemError(verified, { height: verified.height });
}

/** A problem as an error. */
export function problemError(
  { code, problem }: BlockProblem,
  details: Readonly<Record<string, unknown>> & { readonly height?: number | undefined },
): MabeamError {
  const where = details.height === undefined ? '' : ` at height ${details.height}`;
  return coordinationError(code, `this is no block of the ledger${where}: ${problem}`, { details });
}

/**
 * Which of two valid copies of a ledger goes on: the higher one; of the same height the one with more signatures in all; of the same
 * number the one whose last hash is smaller. The order in which they are handed in does not matter.
 */
export function chooseFork(one: readonly Block[], other: readonly Block[]): readonly Block[] {
  const byHeight = one.length - other.length;
  const bySignatures = signaturesIn(one) - signaturesIn(other);
  const first = byHeight === 0 ? bySignatures : byHeight;
  if (first !== 0) return first > 0 ? one : other;
  return lastHash(one) <= lastHash(other) ? one : other;
}

function isHeadOf(blocks: readonly Block[], head: TreeHead): boolean {
  return head.size <= blocks.length && treeHead(blocks.slice(0, head.size)).root === head.root;
}

function signaturesIn(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { votes }) => sum + votes.length, 0);
}

function lastHash(blocks: readonly Block[]): string {
  const last = blocks.at(-1);
  return last === undefined ? '' : hashOfBlock(last);
}

function invalid(problem: string): BlockProblem {
  return { code: 'invalid-ledger', problem };
}

function stale(problem: string): BlockProblem {
  return { code: 'stale-block', problem };
}
