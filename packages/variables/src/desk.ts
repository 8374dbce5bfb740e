/**
 * The write desk: what every kind of write has in common, from taking its turn to seeing its own revision.
 *
 * W1  The writes of one store take turns, so they never lose against each other. Of two writers in different stores on one view one
 *     wins; the loser is planned again on the newer view, at most three times, or is told.
 * W2  Nothing is half-written: one key by one expectation, several by one atomic batch.
 * W3  When a write resolves, this process's view has it, unless the server takes longer than `applyTimeoutMs` to send it.
 */
import { MabeamError, commitBatch, putKey } from '@mabeam/bus';
import type { BatchWrite, Bus, Replica } from '@mabeam/bus';
import type { PlannedChange } from './change-set.ts';
import { variableError } from './errors.ts';
import { definitionKey, fenceKey } from './keys.ts';
import { keyRevisions } from './view.ts';
import { assertOpen, awaitView, type ViewSource } from './watch.ts';

/** What a writer needs: where to write, the view it writes on, its turn, the time. */
export interface WriteDesk {
  readonly bus: Bus;
  readonly replica: Replica;
  readonly source: ViewSource;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly clock: () => Date;
  readonly applyTimeoutMs: number;
}

/** Who writes, and why. */
export interface WriteOptions {
  /** Who: an agent, a person, a process; 1 to 128 characters. */
  readonly by: string;
  /** Why; the kind of write when absent. */
  readonly cause?: string | undefined;
}

/** What a write came to. `noop`: nothing was written, for all of it was so already. */
export interface WriteOutcome {
  readonly kind: 'written' | 'noop';
  /** Revision of the change set; of the present view when nothing was written. */
  readonly revision: number;
  readonly changes: readonly PlannedChange[];
}

const maxAttempts = 3;

/** Runs what it is given one after the other, in the order given; a failure ends its own work only. */
export function oneAtATime(): WriteDesk['inTurn'] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** One attempt at a time (W1): what lost a race is planned again on the view that won. */
export function retrying(
  desk: WriteDesk,
  what: string,
  attempt: () => Promise<WriteOutcome>,
): Promise<WriteOutcome> {
  return desk.inTurn(async () => {
    let lost: unknown;
    for (let n = 0; n < maxAttempts; n++) {
      assertOpen(desk.source);
      try {
        return await attempt();
      } catch (error) {
        if (!isConflict(error)) throw error;
        lost = error;
        await catchUp(desk);
      }
    }
    const message = `${what}: others wrote first ${maxAttempts} times in a row; try again`;
    throw variableError('variable-contended', message, { cause: lost });
  });
}

/**
 * Commits, and knows the outcome also when the connection was lost on the way: the bus looks up, by its id, what it has repeated
 * (store.ts, bucket.ts). One message to the server and its acknowledgement, when nobody else writes. Throws `conflict` when an
 * expectation fails.
 */
export async function commit(desk: WriteDesk, writes: readonly BatchWrite[]): Promise<number> {
  const { bus, replica } = desk;
  const [only] = writes;
  const isPlain = only?.expect !== undefined && only.expectKey === undefined && only.operation !== 'delete';
  const revision =
    writes.length === 1 && isPlain
      ? await putKey(bus, replica.bucket, only.key, only.body, {
          expectLastSequence: only.expect,
          atOnce: true,
        })
      : (await commitBatch(bus, replica.bucket, writes)).revision;
  await reach(desk, revision);
  return revision;
}

/** The record by which a change set expects the whole space to be at a revision (R9), and by which deletions have an author. */
export function fence(desk: WriteDesk, revision: number, { by, cause }: WriteOptions): BatchWrite {
  const body = { v: 1, by, at: desk.clock().toISOString(), basedOn: revision, cause };
  return { key: fenceKey, body, expect: revision, expectKey: '>' };
}

/** The record by which the write of a local variable expects its declaration to be as it is in the view it was validated on. */
export function declarationFence(desk: WriteDesk, id: string, options: WriteOptions): BatchWrite {
  const view = desk.source.view();
  const { definition } = keyRevisions(view, id);
  return { ...fence(desk, view.revision, options), expect: definition, expectKey: definitionKey(id) };
}

/** Gives the view time to reach a revision (W3); who needs certainty uses waitForRevision. */
export async function reach(desk: WriteDesk, revision = 0): Promise<void> {
  await awaitView(desk.source, (view) => view.revision >= revision, { timeoutMs: desk.applyTimeoutMs });
}

/** The outcome when all of it was so already. */
export function nothingWritten(desk: WriteDesk): WriteOutcome {
  return { kind: 'noop', revision: desk.source.view().revision, changes: [] };
}

/** Reads what the winner of a race wrote, for as long as a write may wait. */
async function catchUp(desk: WriteDesk): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, desk.applyTimeoutMs);
  try {
    await Promise.race([desk.replica.refresh(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof MabeamError && error.code === 'conflict';
}
