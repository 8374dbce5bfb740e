/**
 * A block: changes that two thirds of an electorate signed to be the next ones of a ledger. Pure.
 *
 *   draft   what is put to the electorate: all but the signatures
 *   head    what stands for a block in the chain: all but the changes, for which `root` and `size` stand
 *
 * Invariants
 *  B1  Members sign the draft without its changes: `root` and `size` bind them, `prevHash` the whole past, `electorate` who must sign.
 *  B2  The hash is that of the head, signatures included: once a block has a successor, not even a signature too many can be taken away.
 */
import {
  canonicalBytes,
  digestOf,
  isId,
  isPublicKey,
  isSignedBy,
  parseId,
  parseToken,
  type Identity,
} from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import { exactValue } from '../exact-text.ts';
import { isDigest, leafOf, rootOf } from './merkle-tree.ts';

/** What a block is signed as. */
const purpose = 'mabeam.block.1';

const maxChanges = 1_024;
/** Of the changes of a block: it travels as a question, as an entry, and twice in the event of its round, which has a limit of 1 MiB. */
const maxBytes = 262_144;
/** Of a change: a block adds levels of its own to it, and a canonical text has at most 64. */
const maxDepth = 48;

export const digestSchema = z.string().refine(isDigest, 'no digest');
/** JSON that has a canonical text, also inside of a block. */
export const changeSchema = z.custom<Json>(
  (value) => isJson(value, maxDepth) && exactValue([value]) !== undefined,
  'not JSON',
);
const wordSchema = z.string().max(256);
export const membersSchema = z
  .array(z.strictObject({ party: wordSchema.refine(isId), key: wordSchema }))
  .min(1)
  .max(1_000);
const headFields = {
  v: z.literal(1),
  space: wordSchema,
  ledger: wordSchema,
  /** 0 for the first block, whose `members` found the ledger. */
  height: z.int().min(0),
  /** The hash of the block before; `null` in the first. */
  prevHash: z.union([z.null(), digestSchema]),
  /** Who asked for it, as it called itself. */
  proposer: wordSchema,
  /** What asked for it: a ledger has one block an operation. */
  operation: wordSchema,
  /** How many changes there are, and the root of their Merkle tree. */
  size: z.int().min(0).max(maxChanges),
  root: digestSchema,
  /** The digest of the members that must sign. */
  electorate: digestSchema,
  /** Who signs from the next block on, when that changes; and in the first block, who signs. */
  members: membersSchema.exactOptional(),
};
const votesSchema = z.array(z.strictObject({ party: wordSchema, signature: wordSchema })).max(1_000);
const changesSchema = z.array(changeSchema).max(maxChanges);

export const draftSchema = z.strictObject({ ...headFields, changes: changesSchema });
export const headSchema = z.strictObject({ ...headFields, votes: votesSchema });
export const blockSchema = z.strictObject({ ...headFields, changes: changesSchema, votes: votesSchema });

/** A block. Its members and its votes are in the order of their names. */
export type Block = z.infer<typeof blockSchema>;
/** A block without its signatures. */
export type BlockDraft = z.infer<typeof draftSchema>;
/** A block without its changes. */
export type BlockHead = z.infer<typeof headSchema>;
/** A signature under a block. */
export type BlockVote = Block['votes'][number];

/** Who signs, with its public key. */
export interface LedgerMember {
  readonly party: string;
  readonly key: string;
}

/** What a draft is made of. */
export interface DraftParts {
  readonly space: string;
  readonly ledger: string;
  readonly height: number;
  readonly prevHash: string | null;
  readonly proposer: string;
  readonly operation: string;
  readonly changes: readonly Json[];
  /** Who must sign it. */
  readonly signers: readonly LedgerMember[];
  /** Who signs from the next block on. */
  readonly members?: readonly LedgerMember[] | undefined;
}

/** Writes a draft. Throws `invalid-proposal` when its changes are not JSON or too many, and `invalid-id`. */
export function draftBlock({ signers, members, changes, ...parts }: DraftParts): BlockDraft {
  parseId('ledger', parts.ledger);
  parseToken('round', parts.operation);
  const bad = changes.findIndex((change) => !changeSchema.safeParse(change).success);
  const isTooMuch = changes.length > maxChanges || (bad < 0 && canonicalBytes(changes).length > maxBytes);
  if (bad >= 0 || isTooMuch) {
    const message =
      bad < 0
        ? `this is too much for a block; give at most ${maxChanges} changes, of ${maxBytes} bytes in all`
        : `change ${bad} is not JSON, or too deep`;
    throw coordinationError('invalid-proposal', message, { details: { changes: changes.length } });
  }
  return {
    v: 1 as const,
    ...parts,
    size: changes.length,
    root: rootOfChanges(changes),
    electorate: digestOf(signers),
    ...(members === undefined ? {} : { members: [...members] }),
    changes: [...changes],
  };
}

/**
 * An electorate as blocks have it, in the order of its names. Throws `no-participants`, `duplicate-participants` (a name or a key),
 * `invalid-id` and `invalid-proposal` (a key that is none, or more than 1 000 members).
 */
export function membersOf(parties: readonly LedgerMember[]): readonly LedgerMember[] {
  if (parties.length === 0)
    throw coordinationError('no-participants', 'a ledger needs somebody to sign; name a party');
  const members = parties.map(({ party, key }) => ({ party: parseId('party', party), key }));
  const bad = members.find(({ key }) => !isPublicKey(key));
  if (bad !== undefined || members.length > 1_000) {
    const message =
      bad === undefined
        ? `${members.length} members are too many; 1 000 may sign`
        : `the key of ${bad.party} is no public key`;
    throw coordinationError('invalid-proposal', message, { details: { party: bad?.party } });
  }
  const names = members.flatMap(({ party, key }) => [party, key]);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    const message = `${twice} is in the electorate twice; nobody signs twice`;
    throw coordinationError('duplicate-participants', message, { details: { twice } });
  }
  return members.toSorted((a, b) => (a.party < b.party ? -1 : 1));
}

/** Signatures that make a block of a draft: two thirds of n, rounded up. */
export function votesNeeded(members: number): number {
  return Math.ceil((2 * members) / 3);
}

/** Puts a block together. */
export function sealBlock(draft: BlockDraft, votes: readonly BlockVote[]): Block {
  return { ...draft, votes: votes.toSorted((a, b) => (a.party < b.party ? -1 : 1)) };
}

/** Signs a draft for a member. */
export function signBlock(identity: Identity, draft: BlockDraft, party: string): BlockVote {
  return { party, signature: identity.sign(purpose, statementOf(draft)) };
}

/** The hash of a block, by which the next one names it (B2). */
export function hashOfBlock(block: Block | BlockHead): string {
  return digestOf({ ...block, changes: undefined });
}

/** A block without its changes. */
export function headOf(block: Block): BlockHead {
  const { changes: _changes, ...head } = block;
  return head;
}

/** The root over changes. Throws `malformed-message` when one is not JSON. */
export function rootOfChanges(changes: readonly Json[]): string {
  return rootOf(changes.map((change) => leafOf(change)));
}

/**
 * What is wrong with the signatures under a block, if it is these members that must sign; undefined when nothing is. A signature
 * that is not valid is a fault also where there are enough others.
 */
export function votesProblem(head: Block | BlockHead, signers: readonly LedgerMember[]): string | undefined {
  const problem = membersProblem(signers);
  if (problem !== undefined) return problem;
  if (digestOf(signers) !== head.electorate) return 'it is put to another electorate';
  const { votes } = head;
  if (!isOrdered(votes)) return 'its signatures are out of order, or somebody signed twice';
  const needed = votesNeeded(signers.length);
  if (votes.length < needed) return `${votes.length} signed of ${signers.length}; ${needed} must`;
  const keys = new Map(signers.map(({ party, key }) => [party, key]));
  const bad = votes.find((vote) => !isVoteOf(head, vote, keys.get(vote.party)));
  return bad && `the signature of ${bad.party} is not valid`;
}

/** Did the owner of the key sign the draft? */
export function isVoteOf(
  head: BlockDraft | BlockHead | Block,
  { signature }: BlockVote,
  key: string | undefined,
): boolean {
  return key !== undefined && isSignedBy(key, purpose, statementOf(head), signature);
}

/** What is wrong with an electorate that came from elsewhere. */
export function membersProblem(members: readonly LedgerMember[]): string | undefined {
  const keys = new Set(members.map(({ key }) => key));
  const isSound = keys.size === members.length && isOrdered(members) && [...keys].every(isPublicKey);
  return isSound ? undefined : 'its members are out of order, have one key or name, or a key that is none';
}

/** What members sign (B1). */
function statementOf(block: BlockDraft | BlockHead | Block): Readonly<Record<string, unknown>> {
  return { ...block, changes: undefined, votes: undefined };
}

function isOrdered(named: readonly { readonly party: string }[]): boolean {
  return named.every(({ party }, i) => i === 0 || (named[i - 1]?.party ?? '') < party);
}
