/** Ledgers without a server: an electorate with keys, blocks that it signed, and what single-bit edits of their text come to. */
import { canonicalBytes, createIdentity, type Identity } from '@mabeam/bus';
import { seededRandom } from '@mabeam/testing';
import type { Json } from '@mabeam/variables';
import {
  draftBlock,
  hashOfBlock,
  membersOf,
  sealBlock,
  signBlock,
  votesNeeded,
  type Block,
  type BlockDraft,
  type LedgerMember,
} from '../src/consensus/ledger/block.ts';
import { signersAt } from '../src/consensus/ledger/inclusion.ts';

/** Parties with the keys that they have in these tests. */
export interface Signers {
  readonly members: readonly LedgerMember[];
  readonly keys: Readonly<Record<string, string>>;
  readonly identities: ReadonlyMap<string, Identity>;
}

/** Parties of these names, with new keys. */
export function signersNamed(...names: readonly string[]): Signers {
  const identities = new Map(names.map((party) => [party, createIdentity()]));
  const members = membersOf([...identities].map(([party, { publicKey }]) => ({ party, key: publicKey })));
  const keys = Object.fromEntries(members.map(({ party, key }) => [party, key]));
  return { members, keys, identities };
}

/** How a block of these tests differs from the usual one: signed by two thirds, without a change of electorate. */
export interface BlockOptions extends Partial<BlockDraft> {
  /** Who signs it. Default: the first two thirds of its signers. */
  readonly by?: readonly string[];
}

/** The next block after these, with these changes. */
export function nextBlock(
  blocks: readonly Block[],
  { members, identities }: Signers,
  changes: readonly Json[],
  { by, ...other }: BlockOptions = {},
): Block {
  const height = blocks.length;
  const last = blocks.at(-1);
  const signers = last === undefined ? members : signersAt(blocks, height);
  const draft: BlockDraft = {
    ...draftBlock({
      space: 'orders',
      ledger: 'books',
      height,
      prevHash: last === undefined ? null : hashOfBlock(last),
      proposer: 'operator',
      operation: `o-${height}`,
      changes,
      signers,
      members: last === undefined ? members : undefined,
    }),
    ...other,
  };
  const names = by ?? signers.slice(0, votesNeeded(signers.length)).map(({ party }) => party);
  const votes = names.flatMap((party) => {
    const identity = identities.get(party);
    return identity === undefined ? [] : [signBlock(identity, draft, party)];
  });
  return sealBlock(draft, votes);
}

/** A ledger whose first block has no changes, and which has a block for each of these. */
export function ledgerOf(signers: Signers, ...changes: readonly (readonly Json[])[]): Block[] {
  const blocks: Block[] = [];
  for (const some of [[], ...changes]) blocks.push(nextBlock(blocks, signers, some));
  return blocks;
}

/** Changes in which an edit can hide, if one can: escapes, exponents, digits that could be spaces, names twice. */
export const trickyChanges: readonly Json[] = [
  { account: 'ada', amount: 10 },
  { account: 'bob', amount: -1e30, note: 'a\u000f\nb – so' },
  [1e-7, 100, 0.5, '', null, true],
  { a: { b: { c: 1 } }, c: 2, b: 3 },
];

/** The places of so many random single-bit edits of a thing's canonical bytes after which it is still accepted. */
export function editsNotFound(
  thing: unknown,
  isAccepted: (bytes: Uint8Array) => boolean,
  { edits = 500, seed = 5 } = {},
): readonly number[] {
  const bytes = canonicalBytes(thing);
  if (!isAccepted(bytes)) throw new Error('what was not edited is not accepted');
  const random = seededRandom(seed);
  const places = Array.from({ length: edits }, () => Math.floor(random() * bytes.length * 8));
  return places.filter((bit) => isAccepted(edited(bytes, bit)));
}

/** Bytes with one bit turned. */
export function edited(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
