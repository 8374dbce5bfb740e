/** What a proposer does next, by what it wishes and what the ledger says. Pure. */
import { digestOf } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { coordinationError } from '../../errors.ts';
import { draftBlock, rootOfChanges, type BlockDraft, type LedgerMember } from './block.ts';
import type { PlacedBlock } from './certificate.ts';
import { problemError } from './chain.ts';
import type { LedgerCopy } from './copy.ts';

/** What shall be in the ledger. */
export interface Wish {
  /** The operation: it has one block. */
  readonly round: string;
  readonly changes: readonly Json[];
  /** Who signs now, in the order of their names. */
  readonly signers: readonly LedgerMember[];
  /** Who signs from the next block on, when that changes. */
  readonly members: readonly LedgerMember[] | undefined;
  /** Behind which block alone it belongs. */
  readonly prevHash: string | undefined;
  readonly proposer: string;
}

/** The block is there, or this draft must be signed: of the ledger's first block when it has none, else of the wish. */
export type Move =
  | { readonly kind: 'there'; readonly placed: PlacedBlock }
  | { readonly kind: 'sign'; readonly draft: BlockDraft; readonly signers: readonly LedgerMember[] };

/** The next move. Throws `round-reused`, `stale-block` and `invalid-proposal` (another electorate than the ledger's). */
export function nextMove(wish: Wish, copy: Pick<LedgerCopy, 'space' | 'ledger' | 'tip' | 'blockOf'>): Move {
  const { space, ledger, tip } = copy;
  const { round, proposer, signers, members, changes, prevHash } = wish;
  const placed = copy.blockOf(round);
  if (placed !== undefined) return { kind: 'there', placed: sameOrThrow(wish, placed) };
  if (prevHash !== undefined && prevHash !== tip?.hash) {
    const problem = `the last block is ${tip?.hash ?? 'none'}, and not ${prevHash}`;
    throw problemError({ code: 'stale-block', problem }, { space, ledger, round, tip: tip?.hash });
  }
  const common = { space, ledger, proposer, signers };
  if (tip === undefined) {
    const first = { height: 0, prevHash: null, operation: 'genesis', changes: [], members: signers };
    return { kind: 'sign', draft: draftBlock({ ...common, ...first }), signers };
  }
  if (digestOf(tip.members) !== digestOf(signers)) {
    const names = tip.members.map(({ party }) => party).join(', ');
    const message = `the ledger ${ledger} is signed by another electorate (${names}); name it with its keys`;
    throw coordinationError('invalid-proposal', message, { details: { space, ledger, round } });
  }
  const next = { height: tip.height + 1, prevHash: tip.hash, operation: round, changes, members };
  return { kind: 'sign', draft: draftBlock({ ...common, ...next }), signers };
}

/** The block of an operation, if it is what this wish would have made. */
function sameOrThrow({ round, changes, members }: Wish, placed: PlacedBlock): PlacedBlock {
  const { block } = placed;
  const isSame =
    block.root === rootOfChanges(changes) && digestOf(block.members ?? []) === digestOf(members ?? []);
  if (isSame) return placed;
  const message = `the ledger ${block.ledger} has a block of the round ${round} with other changes, at height ${block.height}`;
  throw coordinationError('round-reused', message, { details: { round, height: block.height } });
}
