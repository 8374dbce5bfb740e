/**
 * Clocks and networks: a leader that hears nothing any more steps down by its own clock before another can lead, and whatever the
 * moment of the silence, each trigger acts once. Seeded; MABEAM_LONG=1 runs ten times as many.
 */
import { createHash } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import {
  connectBus,
  deleteStreams,
  ensureStreams,
  openEvents,
  readKeyHistory,
  spaceNames,
  spaceStreams,
  type Bus,
} from '@mabeam/bus';
import type { ServerHandle } from '@mabeam/bus/server';
import { createLogger } from '@mabeam/telemetry/api';
import { freshSpace, openFaultProxy, startTestServer, waitFor } from '@mabeam/testing';
import { openVariables } from '@mabeam/variables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSpace } from '../src/definition/create-space.ts';
import { seekLeadership, type Leadership } from '../src/term/fence.ts';
import { runOrchestrator } from '../src/term/orchestrator.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';

const isLong = process.env['MABEAM_LONG'] === '1';
const runs = isLong ? 200 : 20;
const sideBySide = 20;
const ttlMs = 1_000;
const seed = process.env['MABEAM_SEED'] ?? 'bones';

let server: ServerHandle;
beforeAll(async () => void (server = await startTestServer()), 20_000);
afterAll(() => server.stop());

/** Numbers in [0, 1) that belong to a run. */
function drawsOf(run: number): readonly [number, number, number, number] {
  const digest = createHash('sha256').update(`${seed} ${run}`).digest();
  const draw = (at: number): number => digest.readUInt32BE(at) / 2 ** 32;
  return [draw(0), draw(4), draw(8), draw(12)];
}

/** All runs, a few at a time. */
async function perform<T>(one: (run: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let from = 0; from < runs; from += sideBySide) {
    const count = Math.min(sideBySide, runs - from);
    results.push(...(await Promise.all(Array.from({ length: count }, (_, index) => one(from + index)))));
  }
  return results;
}

const identity = (process: string) => ({ process, pid: 1, host: 'test' });

/** The streams of a run go with it: a server with thousands of them is slow, and slow to end. */
const clearAway = (bus: Bus, space: string): Promise<void> =>
  deleteStreams(
    bus,
    spaceStreams(space).map(({ name }) => name),
  );

/** One silence: how long before its successor's first moment in office the old leader knew that it was over, ms. */
async function silence(run: number): Promise<number> {
  const space = freshSpace('clock');
  await using proxy = await openFaultProxy(server.url);
  await using direct = await connectBus({ url: server.url, name: 'new' });
  await ensureStreams(direct, spaceStreams(space));
  await using behind = await connectBus({ url: proxy.url, name: 'old' });
  const old = await seekLeadership(behind, { space, identity: identity('old'), ttlMs });
  if (old === undefined) throw new Error('nobody else should lead');
  const over = Promise.withResolvers<number>();
  old.over.addEventListener('abort', () => over.resolve(performance.now()));
  const [phase] = drawsOf(run);
  await pause(phase * ttlMs);
  proxy.freeze();
  let successor: Leadership | undefined;
  while (successor === undefined)
    successor = await seekLeadership(direct, { space, identity: identity('new'), ttlMs });
  const succeededAt = performance.now();
  const overAt = await Promise.race([over.promise, pause(3_000, Infinity)]);
  proxy.thaw();
  expect(await old.commit([{ key: 'space.a', body: run }]), `run ${run}`).toEqual({ kind: 'deposed' });
  await old[Symbol.asyncDispose]();
  await successor[Symbol.asyncDispose]();
  await clearAway(direct, space);
  return succeededAt - overAt;
}

const definition = `
space: SPACE
variables:
  counter: { kind: custom, initial: 0, domain: { min: 0 } }
rules:
  count: { on: { trigger: counted }, adapt: counter, by: { increase: 1 }, cooldownMs: 0 }
`;

/** What three triggers around the moment of a silence have led to. */
interface Acts {
  readonly run: number;
  readonly counter: unknown;
  /** How often each trigger has written the variable. */
  readonly writes: readonly number[];
  readonly announced: number;
}

/** A leader is cut off for a while, another takes over, and triggers come before, in, and after that moment. */
async function succession(run: number): Promise<Acts> {
  const space = freshSpace('clock');
  const [phase, gap, length, order] = drawsOf(run);
  await using proxy = await openFaultProxy(server.url);
  await using direct = await connectBus({ url: server.url, name: 'new' });
  const text = definition.replace('SPACE', space);
  await createSpace(direct, parseSpaceDefinition(text, { path: import.meta.filename }), { by: 'test' });
  await using behind = await connectBus({ url: proxy.url, name: 'old' });
  await using store = await openVariables(direct, space);
  const stop = new AbortController();
  const common = {
    space,
    signal: stop.signal,
    leaseTtlMs: ttlMs,
    log: createLogger({ name: 'test', level: 'silent' }),
  };
  const old = runOrchestrator(behind, { ...common, process: 'old' });
  const events = openEvents(direct, space);
  await events.trigger('counted', { id: 'first' });
  await waitFor(() => store.get('counter').value === 1, { what: 'the old leader acts', timeoutMs: 10_000 });
  const successor = runOrchestrator(direct, { ...common, process: 'new' });
  await pause(phase * ttlMs);
  const isTriggeredFirst = order < 0.5;
  if (isTriggeredFirst) await events.trigger('counted', { id: 'second' });
  await pause(gap * 4);
  proxy.freeze();
  if (!isTriggeredFirst) await events.trigger('counted', { id: 'second' });
  await pause(500 + length * 2_000);
  proxy.thaw();
  await events.trigger('counted', { id: 'third' });
  await waitFor(() => Number(store.get('counter').value) >= 3, { what: 'all have acted', timeoutMs: 20_000 });
  const isAnnounced = async (): Promise<number[] | undefined> => {
    const found = [];
    for await (const { sequence } of events.read({ filter: 'event.adaptation.*.applied' }))
      found.push(sequence);
    return found.length >= 3 ? found : undefined;
  };
  const announced = await waitFor(isAnnounced, { what: 'all are announced', timeoutMs: 10_000 });
  stop.abort();
  await Promise.all([old, successor]);
  const history = await readKeyHistory(direct, spaceNames(space).bucket, 'space.counter');
  const texts = history.map(({ data }) => Buffer.from(data).toString());
  const writes = ['first', 'second', 'third'].map(
    (id) => texts.filter((each) => each.includes(`\\"id\\":\\"${id}\\"`)).length,
  );
  await clearAway(direct, space);
  return { run, counter: store.get('counter').value, writes, announced: announced.length };
}

describe('a leader that hears nothing any more', () => {
  test(
    'knows by its own clock that its term is over before another leads, and its commits are refused',
    async () => {
      // Both clocks run in this process: one that it was kept from reading is as late as the process was.
      const delays = monitorEventLoopDelay({ resolution: 1 });
      delays.enable();
      const leads = await perform(silence);
      delays.disable();
      expect(leads.filter((leadMs) => leadMs < -delays.max / 1e6)).toEqual([]);
    },
    runs * 1_000 + 20_000,
  );

  test(
    'and its successor act once on each trigger, whenever the silence begins and ends',
    async () => {
      const acts = await perform(succession);
      const once = (run: number): Acts => ({ run, counter: 3, writes: [1, 1, 1], announced: 3 });
      expect(acts).toEqual(acts.map(({ run }) => once(run)));
    },
    runs * 3_000 + 40_000,
  );
});
