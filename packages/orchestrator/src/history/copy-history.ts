/**
 * Copying the bucket of a space to its history (rulings R8): the leader's, beside its work; also while the space is frozen, for it is
 * a record and decides nothing.
 *
 * H1  The copies of some revisions and the place up to which the bucket is copied are one atomic batch, which expects the former
 *     place. So each revision is there once, in order, whoever copies: two leaders in the moment of a succession write the same,
 *     and one of them is refused.
 * H2  Whoever begins goes on from the place in the history. A copier that is killed at any line has stored a batch or has not.
 * H3  A revision that was overwritten before it could be copied is recorded as a gap, with the keys that can have lost one.
 * H4  When the bucket was replaced by another one, that is recorded, and copying begins anew.
 */
import {
  bucketStream,
  countBySubject,
  jsonBytes,
  keySubject,
  MabeamError,
  pause,
  readLastMessage,
  storeBatch,
  streamIdentity,
  type BatchMessage,
  type Bus,
  type Replica,
  type SpaceNames,
  type Subjects,
} from '@mabeam/bus';
import { historyMarks, historyMessage, readHistoryPosition } from '@mabeam/variables';
import type { Term } from '../term/term.ts';
import { Outbox } from './outbox.ts';
import { entriesWithin, planCopy, withSuspects, type CopyPlan } from './plan-copy.ts';

/** What is copied at once, in revisions and in bytes. */
const atOnce = 100;
const bytesAtOnce = 4 * 1_048_576;
/** What comes within this time is copied together, so that copying costs a fraction of the commits. */
const gatherMs = 50;
const restAfterErrorMs = 500;
/** How many revisions of a key the bucket keeps. */
const keptRevisions = 64;
/** Room for headers and for what is said about an entry. */
const overheadBytes = 4_096;

/** Copies what is there, and what comes, until the term is over. */
export async function runHistory(
  { log, signal }: Pick<Term, 'log' | 'signal'>,
  copier: HistoryCopier,
): Promise<void> {
  let isFailing = false;
  while (!signal.aborted) {
    try {
      const { lost } = await copier.catchUp(signal);
      for (const { from, to } of lost)
        log.warn({ from, to, code: 'history-gap' }, `revisions ${from} to ${to} are lost to the history`);
      isFailing = false;
      await copier.awaitNews(signal);
      await pause(gatherMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isFailing) log.warn({ err: error }, 'the history cannot be written; it is tried again');
      isFailing = true;
      await pause(restAfterErrorMs, signal);
    }
  }
}

/** Where to copy from and to. */
export interface CopierOptions {
  readonly bus: Bus;
  readonly space: string;
  readonly names: SpaceNames;
  readonly subjects: Subjects;
  /** A copy of the space's bucket in this process; it stays open. */
  readonly replica: Replica;
  /** Told of what is about to be done; tests stop it there. */
  readonly onStep?: (step: CopyStep) => Promise<void> | void;
}

/** The steps of copying. */
export type CopyStep = 'read-position' | 'read-bucket' | 'find-suspects' | 'store' | 'stored';

/** Revisions that nobody can copy any more. */
export interface Loss {
  readonly from: number;
  readonly to: number;
}

/** What catching up came to. */
export interface CaughtUp {
  /** The gaps that were recorded. */
  readonly lost: readonly Loss[];
}

interface Place {
  readonly created: string;
  readonly copied: number;
  /** Sequence of the record of the place in the history; 0: there is none. */
  readonly sequence: number;
}

/** Copies one bucket; knows the place it has reached, and forgets it when it is not sure (H2). */
export class HistoryCopier implements Disposable {
  readonly #options: CopierOptions;
  readonly #outbox: Outbox;
  #place: Place | undefined;
  #copied = 0;

  constructor(options: CopierOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.bus, options.replica);
  }

  /** The last revision of the bucket that is in the history, as far as this copier knows. */
  get copied(): number {
    return this.#copied;
  }

  /** Copies all there is. Throws what the bus throws; the next call goes on from where the history is then. */
  async catchUp(signal: AbortSignal): Promise<CaughtUp> {
    const lost: Loss[] = [];
    while (!signal.aborted) {
      try {
        const some = await this.#copySome();
        if (some === undefined) break;
        lost.push(...some);
      } catch (error) {
        this.#place = undefined;
        // Another leader has copied meanwhile: go on from where it is (H1).
        if (!(error instanceof MabeamError) || error.code !== 'conflict') throw error;
      }
    }
    return { lost };
  }

  /** Resolves when there may be something to copy, or the signal aborts. */
  awaitNews(signal: AbortSignal): Promise<void> {
    return this.#outbox.ring(signal);
  }

  [Symbol.dispose](): void {
    this.#outbox[Symbol.dispose]();
  }

  /** Copies the next revisions; resolves with what was lost among them, or undefined when there are none. */
  async #copySome(): Promise<readonly Loss[] | undefined> {
    const place = (this.#place ??= await this.#findPlace());
    await this.#options.onStep?.('read-bucket');
    const entries = entriesWithin(await this.#outbox.after(place.copied, atOnce), bytesAtOnce);
    if (entries.length === 0) return undefined;
    const plan = await this.#nameSuspects(planCopy(place.copied, entries, new Date()));
    this.#place = await this.#store(place, plan);
    this.#copied = plan.copied;
    return plan.events.flatMap((event) => (event.kind === 'gap' ? [event] : []));
  }

  /** The place in the history; for another bucket than the one that is copied there, its beginning (H4). */
  async #findPlace(): Promise<Place> {
    const { bus, names, onStep, subjects } = this.#options;
    await onStep?.('read-position');
    const { created } = await streamIdentity(bus, bucketStream(names.bucket));
    const message = await readLastMessage(bus, names.history, subjects.at(historyMarks.position));
    if (message === undefined) return { created, copied: 0, sequence: 0 };
    const { sequence } = message;
    const found = readHistoryPosition(message.data);
    if (found?.created === created) {
      this.#copied = found.copied;
      return { created, copied: found.copied, sequence };
    }
    const place = { created, copied: 0, sequence };
    const replaced = { kind: 'replaced', copied: found?.copied ?? 0, at: new Date() } as const;
    return this.#store(place, { copied: 0, events: [replaced] });
  }

  /** Names in the gaps the keys of which the bucket keeps as many revisions as it can (H3). */
  async #nameSuspects(plan: CopyPlan): Promise<CopyPlan> {
    if (!plan.events.some(({ kind }) => kind === 'gap')) return plan;
    const { bus, names, onStep } = this.#options;
    await onStep?.('find-suspects');
    const prefix = keySubject(names.bucket, '');
    const counts = await countBySubject(bus, bucketStream(names.bucket), `${prefix}>`);
    const full = [...counts].filter(([, count]) => count >= keptRevisions);
    return withSuspects(
      plan,
      full.map(([subject]) => subject.slice(prefix.length)),
    );
  }

  /** Stores the events and the new place, if the place is still the former one (H1). */
  async #store({ created, sequence }: Place, { copied, events }: CopyPlan): Promise<Place> {
    const { bus, onStep, space, subjects } = this.#options;
    const maxBytes = bus.maxPayload - overheadBytes;
    const headers = { 'Content-Type': 'application/json' };
    const messages = events.map((event): BatchMessage => {
      const { data, subject } = historyMessage(space, event, maxBytes);
      return { subject, data, options: { headers } };
    });
    const position: BatchMessage = {
      subject: subjects.at(historyMarks.position),
      data: jsonBytes({ v: 1, created, copied, at: new Date() }),
      // One place, and it outlasts what is copied: after a long quiet nothing is copied twice.
      isLasting: true,
      options: { headers: { ...headers, 'Nats-Rollup': 'sub' }, expectLastSequence: sequence },
    };
    await onStep?.('store');
    const stored = await storeBatch(bus, [...messages, position], { about: `the history of ${space}` });
    await onStep?.('stored');
    return { created, copied, sequence: stored };
  }
}
