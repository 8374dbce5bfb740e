/**
 * A copy of a ledger as it grows: entries of its log in, blocks out. No clock, no network.
 *
 * Invariants
 *  K1  `blocks` is always a ledger that holds. An entry that does not follow it is noted and passed over: the next block follows the
 *      last one that did. So nobody who writes past the protocol can alter a ledger, nor end it.
 *  K2  Two copies that took the same entries, knowing the same beforehand, are the same.
 */
import { startOfLog, type LogEntry, type LogTip } from '../log/entry.ts';
import { blockSchema, type Block } from './block.ts';
import { ledgerLog, type PlacedBlock } from './certificate.ts';
import {
  blockProblem,
  tipAfter,
  type BlockProblem,
  type ChainContext,
  type LedgerTrust,
  type Tip,
} from './chain.ts';

/** An entry of the log that is no block of the ledger, and why. */
export interface IgnoredEntry extends BlockProblem {
  /** Its place in the log, from 1. */
  readonly index: number;
}

/** The copy. */
export class LedgerCopy {
  readonly space: string;
  readonly ledger: string;
  readonly #trust: LedgerTrust;
  readonly #placed: PlacedBlock[] = [];
  readonly #ignored: IgnoredEntry[] = [];
  readonly #heights = new Map<string, number>();
  readonly #places = new Map<number, PlacedBlock>();
  #tip: Tip | undefined;
  #logTip: LogTip;

  constructor(space: string, ledger: string, trust: LedgerTrust = {}) {
    this.space = space;
    this.ledger = ledger;
    this.#trust = trust;
    this.#logTip = startOfLog(space, ledgerLog(ledger));
  }

  /** The last block; undefined when there is none yet. */
  get tip(): Tip | undefined {
    return this.#tip;
  }

  /** How far the log was read. */
  get logTip(): LogTip {
    return this.#logTip;
  }

  /** From height 0 on. */
  get blocks(): readonly Block[] {
    return this.#placed.map(({ block }) => block);
  }

  /** What stands in the log and is no block of the ledger. */
  get ignored(): readonly IgnoredEntry[] {
    return [...this.#ignored];
  }

  /** What the next block is held against. */
  get context(): ChainContext {
    const { space, ledger } = this;
    return { space, ledger, tip: this.#tip, operations: this.#heights, trust: this.#trust };
  }

  /** The block of an operation, if it has one. */
  blockOf(operation: string): PlacedBlock | undefined {
    const height = this.#heights.get(operation);
    return height === undefined ? undefined : this.#placed[height];
  }

  /** The block in a place of the log, if there is one. */
  blockAt(index: number): PlacedBlock | undefined {
    return this.#places.get(index);
  }

  /** Takes the next entry of the log, and returns the block that it is. */
  take(entry: LogEntry): PlacedBlock | undefined {
    const { index, before, digest } = entry;
    this.#logTip = entry;
    const block = blockSchema.safeParse(entry.body).data;
    const problem = block === undefined ? notABlock(entry) : blockProblem(block, this.context);
    if (block === undefined || problem !== undefined) {
      this.#ignored.push({ index, ...(problem ?? notABlock(entry)) });
      return undefined;
    }
    const signers = this.#tip?.members ?? block.members ?? [];
    this.#tip = tipAfter(block, this.#tip);
    const placed = { block, hash: this.#tip.hash, place: { index, before, digest }, signers };
    this.#placed.push(placed);
    this.#heights.set(block.operation, block.height);
    this.#places.set(index, placed);
    return placed;
  }
}

function notABlock({ body }: LogEntry): BlockProblem {
  const problem = body === undefined ? 'it is no canonical JSON' : 'it does not have the form of a block';
  return { code: 'invalid-ledger', problem };
}
