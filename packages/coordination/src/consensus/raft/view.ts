/**
 * What a log says to a group: who leads which term, and which operations are done. Every reader comes to the same.
 *
 * Invariants
 *  V1  A term begins with the first entry that names it with the votes of a majority, and terms only rise: so a term has one leader.
 *  V2  An operation counts if the leader of the present term signed it for this term: what a deposed leader writes is passed over.
 *  V3  An id is done once; what is written under it again is passed over.
 *  V4  What counts, counts from the moment it is in the log. There is no other state of an entry: committed is what can be read.
 */
import { digestOf } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { majorityOf, readRaftEntry, type RaftEntry, type RaftSeal } from './entry.ts';

/** What an entry turned out to be. */
export type Reading =
  | { readonly kind: 'term'; readonly index: number; readonly term: number; readonly leader: string }
  | {
      readonly kind: 'operation';
      readonly index: number;
      readonly term: number;
      readonly id: string;
      readonly body: Json;
    }
  /** Nothing to this group: another's, forged, of a term that is over, or done before. */
  | { readonly kind: 'passed-over'; readonly index: number };

/** Where an operation is in the log. */
export interface Place {
  readonly index: number;
  readonly term: number;
  /** The digest of its body. */
  readonly digest: string;
}

/** For whom a log is read. */
export interface ViewOptions {
  /** The digest of the group's paper. */
  readonly group: string;
  readonly members: readonly string[];
  readonly seal: Pick<RaftSeal, 'isVote' | 'isOperation'>;
}

/** The log as far as it was read. It grows with the log and is never set back. */
export class GroupView {
  readonly #options: ViewOptions;
  readonly #places = new Map<string, Place>();
  #index = 0;
  #term = 0;
  #leader: string | undefined;

  constructor(options: ViewOptions) {
    this.#options = options;
  }

  /** Entries read so far. */
  get index(): number {
    return this.#index;
  }

  /** The present term; 0 before the first. */
  get term(): number {
    return this.#term;
  }

  /** Who was elected for the present term. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** Where an operation is, if it is done. */
  placeOf(id: string): Place | undefined {
    return this.#places.get(id);
  }

  /** Reads the next entry. */
  take(body: unknown): Reading {
    this.#index += 1;
    const entry = readRaftEntry(body);
    const index = this.#index;
    if (entry === undefined || entry.group !== this.#options.group || !this.#counts(entry))
      return { kind: 'passed-over', index };
    const { leader, term } = entry;
    if (entry.kind === 'term') {
      this.#term = term;
      this.#leader = leader;
      return { kind: 'term', index, term, leader };
    }
    const { id } = entry;
    this.#places.set(id, { index, term, digest: digestOf(entry.body) });
    return { kind: 'operation', index, term, id, body: entry.body };
  }

  #counts(entry: RaftEntry): boolean {
    const { members, seal } = this.#options;
    const { leader, term } = entry;
    if (!members.includes(leader)) return false;
    if (entry.kind === 'operation') {
      const isOfLeader = term === this.#term && leader === this.#leader;
      return isOfLeader && !this.#places.has(entry.id) && seal.isOperation(entry);
    }
    const { votes } = entry;
    const voters = new Set(votes.map(({ party }) => party));
    return (
      term > this.#term &&
      voters.size === votes.length &&
      votes.length >= majorityOf(members) &&
      votes.every(
        ({ party, signature }) => members.includes(party) && seal.isVote(party, signature, term, leader),
      )
    );
  }
}
