/** The stage of the history's tests: a space with its streams and nobody at work, and ways to write, copy and look. */
import {
  bucketStream,
  connectBus,
  deleteStreams,
  ensureStreams,
  keySubject,
  openReplica,
  putKey,
  readStreamOnce,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
  type Replica,
} from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { readHistoryEvent, type HistoryEvent } from '@mabeam/variables';
import { inject } from 'vitest';
import { HistoryCopier, type CopierOptions } from '../src/history/copy-history.ts';

export interface HistoryStage extends AsyncDisposable {
  readonly bus: Bus;
  readonly space: string;
  readonly bucket: string;
  put(key: string, body: unknown): Promise<number>;
  /** A copier on a connection; closed with the stage. */
  copier(options?: { readonly bus?: Bus } & Pick<CopierOptions, 'onStep'>): Promise<HistoryCopier>;
  /** All events of the history, in order. */
  events(): Promise<readonly HistoryEvent[]>;
}

/** Sets the stage. */
export async function openHistoryStage(): Promise<HistoryStage> {
  const bus = await connectBus({ url: inject('natsUrl'), name: 'history-test' });
  const space = freshSpace();
  const names = spaceNames(space);
  await ensureStreams(bus, spaceStreams(space));
  const opened: AsyncDisposable[] = [];
  return {
    bus,
    space,
    bucket: names.bucket,
    put: (key, body) => putKey(bus, names.bucket, key, body),
    copier: async ({ bus: on = bus, ...options } = {}) => {
      const replica: Replica = await openReplica(on, {
        bucket: names.bucket,
        prefix: subjects(space).at('variable'),
      });
      const copier = new HistoryCopier({
        bus: on,
        space,
        names,
        subjects: subjects(space),
        replica,
        ...options,
      });
      opened.push({
        [Symbol.asyncDispose]: async () => {
          copier[Symbol.dispose]();
          await replica.close();
        },
      });
      return copier;
    },
    events: async () => {
      const events: HistoryEvent[] = [];
      for await (const message of readStreamOnce(bus, names.history)) {
        const event = readHistoryEvent(message);
        if (event !== undefined) events.push(event);
      }
      return events;
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of opened) await each[Symbol.asyncDispose]();
      await deleteStreams(
        bus,
        spaceStreams(space).map(({ name }) => name),
      );
      await bus.close();
    },
  };
}

/** Writes a key many times, fast, without waiting for one before the other; resolves with the last revision. */
export async function burst(stage: HistoryStage, key: string, count: number): Promise<number> {
  const revisions = await Promise.all(
    Array.from({ length: count }, (_, n) => stage.put(key, { v: 1, value: n })),
  );
  return Math.max(...revisions);
}

/** What is wrong with a history that ought to reach `last`: each revision or the gap it is in once, in order. Empty: nothing. */
export function faults(events: readonly HistoryEvent[], last: number): readonly string[] {
  const wrong: string[] = [];
  let next = 1;
  for (const event of events) {
    if (event.kind === 'replaced') continue;
    const [from, to] = event.kind === 'gap' ? [event.from, event.to] : [event.revision, event.revision];
    if (from !== next) wrong.push(`${event.kind} ${from} where ${next} was due`);
    next = to + 1;
  }
  return next === last + 1 ? wrong : [...wrong, `ends at ${next - 1}, not at ${last}`];
}

/** The raw subject of a key, to write what no library would. */
export function rawSubject(stage: HistoryStage, key: string): string {
  return keySubject(stage.bucket, key);
}

/** The stream under the stage's bucket. */
export function streamOf(stage: HistoryStage): string {
  return bucketStream(stage.bucket);
}
