/**
 * A leader killed at any await of an adaptation: whatever it was about to say, another leader finds the space as it is and brings the
 * rollout to its end, whole. The points are found by running: the n-th thing the leader says after the trigger never leaves it, nor
 * does anything after it, for n = 1, 2, … until a leader gets through with all it has to say. Of writes that is each message, also of
 * those that are committed together; in a long run it is each question too.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  bucketStream,
  connectBus,
  openEvents,
  parseJson,
  readKey,
  readKeyHistory,
  spaceNames,
  subjects,
  type Bus,
} from '@mabeam/bus';
import { createLogger } from '@mabeam/telemetry/api';
import { freshSpace, openLossyProxy, startTestServer, waitFor, type MessageFrame } from '@mabeam/testing';
import { pickArm } from '@mabeam/variables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAdaptationRecord, type AdaptationRecord } from '../src/adaptation/adaptation-record.ts';
import { identityHash } from '../src/adaptation/trigger.ts';
import { createSpace } from '../src/definition/create-space.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';
import { runOrchestrator } from '../src/term/orchestrator.ts';

const isLong = process.env['MABEAM_LONG'] === '1';
const leaseTtlMs = 1_500;
const share = 0.5;
const identity = { source: 'test', id: 'one' };
const hash = identityHash(identity);

const definition = (space: string): string => `
space: ${space}
agents: { front: { } }
variables:
  pace: { kind: custom, initial: 1, domain: { min: 0, max: 10 } }
rules:
  hurry:
    on: { trigger: hurry }
    adapt: pace
    by: { set: 5 }
    guard: { metric: quality, windowMs: 400 }
    canary: ${share}
`;

let server: Awaited<ReturnType<typeof startTestServer>>;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

/** What a leader says for the sake of an adaptation; undefined: it says so anyhow, or hears it. */
function nameOf(space: string, { subject, verb }: MessageFrame): string | undefined {
  if (verb.endsWith('MSG')) return undefined;
  const { at } = subjects(space);
  const { bucket, history, leases } = spaceNames(space);
  const isRoutine =
    [at('lease.'), at('signal.'), at('event.variable.')].some((prefix) => subject.startsWith(prefix)) ||
    [history, leases, bucketStream(leases)].some((name) => subject.includes(name));
  if (isRoutine) return undefined;
  const isWrite = subject.startsWith(`$KV.${bucket}.`) || subject.startsWith(at('event.adaptation.'));
  if (isWrite) return subject.split('.').slice(2).join('.').replace(hash, 'x');
  return isLong ? subject.replace(hash, 'x') : undefined;
}

/** An orchestrator that is dead to the server from the n-th thing on that it says after `arm()`. */
async function openVictim(space: string, fatal: number) {
  const said: string[] = [];
  let isArmed = false;
  const never = Promise.withResolvers<void>();
  const proxy = await openLossyProxy(server.url, {
    seed: 0,
    hold: (frame) => {
      const name = isArmed ? nameOf(space, frame) : undefined;
      if (name === undefined) return undefined;
      said.push(name);
      return said.length === fatal ? never.promise : undefined;
    },
  });
  const bus = await connectBus({ url: proxy.url, name: 'victim' });
  const orchestrator = orchestrate(bus, space, 'victim');
  return {
    said,
    arm: () => void (isArmed = true),
    isDead: () => said.length >= fatal,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await bus.close();
      await orchestrator[Symbol.asyncDispose]();
      never.resolve();
    },
  };
}

function orchestrate(bus: Bus, space: string, name: string): AsyncDisposable {
  const stop = new AbortController();
  const log = createLogger({ name, level: 'silent' });
  const running = runOrchestrator(bus, { space, process: name, signal: stop.signal, log, leaseTtlMs }).catch(
    () => undefined,
  );
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
}

/** How a candidate is and what becomes of it. */
interface Prospect {
  readonly outcome: 'rolled-back' | 'success';
  /** What its conversations score; the others score 1. */
  readonly worth: number;
  /** The value in the end. */
  readonly value: number;
}

/** Gives scores in conversations of their own until the record is decided and announced. */
async function scoreUntilAnnounced(bus: Bus, space: string, worth: number): Promise<AdaptationRecord> {
  const events = openEvents(bus, space);
  const score = (i: number): Promise<number> => {
    const conversation = `c${i}`;
    const isTried = pickArm({ salt: hash, share }, conversation) === 'candidate';
    const value = (isTried ? worth : 1) + (i % 7) / 200;
    return events.publish('score', 'front', 'given', { metric: 'quality', value, conversation });
  };
  // Many at once, so that a busy machine gives enough of them in a window, too; and not all it can, for others run beside it.
  for (let i = 0; i < 200_000; i += 20) {
    await Promise.all([pause(50), ...Array.from({ length: 20 }, (_, more) => score(i + more))]);
    const entry = await readKey(bus, spaceNames(space).bucket, `adaptation.${hash}`);
    const record = entry === undefined ? undefined : parseAdaptationRecord(parseJson(entry.data));
    if (record?.announcedAt !== undefined) return record;
  }
  throw new Error('it is never decided');
}

const lands = async (bus: Bus, space: string, name: string): Promise<boolean> => {
  const entry = await readKey(bus, spaceNames(space).bucket, 'leader');
  return entry !== undefined && Object(parseJson(entry.data)).process === name;
};

/** One rollout whose first leader dies at the n-th thing it says; what that leader had said. */
async function killAt(fatal: number, { outcome, value, worth }: Prospect): Promise<readonly string[]> {
  const space = freshSpace();
  await using bus = await connectBus({ url: server.url, name: 'test' });
  await createSpace(bus, parseSpaceDefinition(definition(space), { path: import.meta.filename }), {
    by: 'test',
  });
  await using victim = await openVictim(space, fatal);
  await waitFor(() => lands(bus, space, 'victim'), { what: 'the victim leads', timeoutMs: 30_000 });
  await using successorBus = await connectBus({ url: server.url, name: 'successor' });
  await using _successor = orchestrate(successorBus, space, 'successor');
  victim.arm();
  await openEvents(bus, space).trigger('hurry', identity);
  const record = await scoreUntilAnnounced(bus, space, worth);
  const { bucket } = spaceNames(space);
  const values = (await readKeyHistory(bus, bucket, 'space.pace')).map(({ data }) => Object(parseJson(data)));
  expect(record.outcome).toBe(outcome);
  // Tried once, decided once: nothing half, and nothing twice.
  expect(values.slice(-2)).toMatchObject([{ value: 1, candidate: { value: 5 } }, { value }]);
  expect(values.at(-1).candidate).toBeUndefined();
  expect(values.filter(({ candidate }) => candidate !== undefined)).toHaveLength(1);
  for (const verb of ['applied', outcome]) {
    const told: unknown[] = [];
    const filter = `event.adaptation.${hash}.${verb}`;
    for await (const event of openEvents(bus, space).read({ filter })) told.push(event);
    expect(told).toHaveLength(1);
  }
  // One that lives may have lost its office to a busy machine; one that is dead has a successor.
  if (victim.isDead()) await waitFor(() => lands(bus, space, 'successor'), { what: 'the successor leads' });
  return victim.said;
}

test.each<Prospect>([
  { outcome: 'rolled-back', worth: 0.8, value: 1 },
  { outcome: 'success', worth: 1.2, value: 5 },
])(
  'whatever of an adaptation is the last it says, the next leader finishes it whole: $outcome',
  async (prospect) => {
    const points: string[] = [];
    const last = `event.adaptation.x.${prospect.outcome}`;
    const atOnce = 8;
    for (let next = 1, isThrough = false; !isThrough; next += atOnce) {
      const runs = Array.from({ length: atOnce }, (_, i) => next + i);
      const said = await Promise.all(runs.map((fatal) => killAt(fatal, prospect)));
      // One that has lost its office before, to a busy machine, is not through with it.
      isThrough = said.some((each, i) => each.length < (runs[i] ?? 0) && each.includes(last));
      for (const [i, fatal] of runs.entries()) points.push(...(said[i]?.slice(fatal - 1, fatal) ?? []));
    }
    // How often it asks is another thing each time, so in a long run the n-th is not always the same.
    const records = points.filter((point) => point === 'adaptation.x');
    expect(isLong ? points.length : records.length).toBeGreaterThanOrEqual(isLong ? 15 : 4);
    const missing = ['space.pace', last].filter((point) => !points.includes(point));
    expect(isLong ? [] : missing).toEqual([]);
  },
  isLong ? 900_000 : 180_000,
);
