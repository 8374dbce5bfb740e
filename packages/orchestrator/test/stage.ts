/**
 * A stage for tests: a server of its own (nodes belong to no space, so tests on one server would host each other's
 * agents), a node in this process, orchestrators as they are needed, and ways to look at what happens.
 */
import {
  connectBus,
  openEvents,
  parseJson,
  putKey,
  readKey,
  spaceNames,
  subjects,
  type Bus,
} from '@mabeam/bus';
import { runNode } from '@mabeam/cluster';
import { createLogger } from '@mabeam/telemetry/api';
import { freshSpace, startTestServer, waitFor } from '@mabeam/testing';
import { openVariables, type VariableStore } from '@mabeam/variables';
import { parseAdaptationRecord, type AdaptationRecord } from '../src/adaptation/adaptation-record.ts';
import { createSpace } from '../src/definition/create-space.ts';
import { runOrchestrator } from '../src/term/orchestrator.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';
import { openSpaceMirror, type SpaceMirror } from '../src/state/space-mirror.ts';

/** An orchestrator that runs; stopping it gives the lease back. */
export interface RunningOrchestrator {
  stop(): Promise<void>;
}

export interface Stage extends AsyncDisposable {
  readonly url: string;
  readonly bus: Bus;
  readonly space: string;
  readonly store: VariableStore;
  readonly mirror: SpaceMirror;
  startOrchestrator(name: string, bus?: Bus): RunningOrchestrator;
  /** `<agent>.<ordinal>` of every instance that is active under a live lease, in order. */
  running(): readonly string[];
  until(expected: readonly string[]): Promise<void>;
  record(hash: string): Promise<AdaptationRecord | undefined>;
  events(filter: string): Promise<readonly unknown[]>;
}

/** Opens a stage with the space of `definition` (its `space: SPACE` replaced by a fresh one) and one node. */
export async function openStage(definition: string): Promise<Stage> {
  const server = await startTestServer();
  const space = freshSpace();
  const bus = await connectBus({ url: server.url, name: 'test' });
  const text = definition.replace('SPACE', space);
  await createSpace(bus, parseSpaceDefinition(text, { path: import.meta.filename }), { by: 'test' });
  const store = await openVariables(bus, space);
  const mirror = await openSpaceMirror(bus, space);
  const stopNode = new AbortController();
  const ready = Promise.withResolvers<void>();
  const node = runNode(bus, { id: 'n1', signal: stopNode.signal, onReady: () => ready.resolve() });
  await Promise.race([ready.promise, node]);
  const orchestrators = new Set<RunningOrchestrator>();
  const running = (): readonly string[] => runningOn(mirror);
  return {
    url: server.url,
    bus,
    space,
    store,
    mirror,
    running,
    startOrchestrator: (name, on = bus) => {
      const started = startOrchestrator(on, space, name);
      orchestrators.add(started);
      return started;
    },
    until: async (expected) => {
      const what = `${expected.join(', ')} and nothing else runs`;
      await waitFor(() => running().join() === expected.join(), { what, timeoutMs: 10_000 });
    },
    record: async (hash) => {
      const entry = await readKey(bus, spaceNames(space).bucket, `adaptation.${hash}`);
      return entry === undefined ? undefined : parseAdaptationRecord(parseJson(entry.data));
    },
    events: async (filter) => {
      const found: unknown[] = [];
      for await (const event of openEvents(bus, space).read({ filter })) found.push(event.json());
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      for (const orchestrator of orchestrators) await orchestrator.stop();
      stopNode.abort();
      await node;
      await mirror[Symbol.asyncDispose]();
      await store.close();
      await bus.close();
      await server.stop();
    },
  };
}

function startOrchestrator(bus: Bus, space: string, name: string): RunningOrchestrator {
  const stop = new AbortController();
  const log = createLogger({ name, level: process.env['MABEAM_TEST_LOG'] ?? 'silent' });
  const running = runOrchestrator(bus, { space, process: name, signal: stop.signal, log });
  return {
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

function runningOn(mirror: SpaceMirror): readonly string[] {
  return mirror.leases
    .filter((lease) =>
      mirror.observed.some((each) => each.incarnation === lease.incarnation && each.status === 'active'),
    )
    .map(({ agent, ordinal }) => `${agent}.${ordinal}`)
    .toSorted();
}

/** Writes a raw body under a key, as a client without our library would. */
export function putRaw({ bus, space }: Stage, key: string, body: unknown): Promise<number> {
  return putKey(bus, spaceNames(space).bucket, key, body);
}

/** The subject of a trigger of the stage's space. */
export function triggerSubject({ space }: Stage, name: string): string {
  return subjects(space).trigger(name);
}
