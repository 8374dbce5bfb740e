/**
 * The space of the model-based test, the commands that happen to it, and what a very simple reference says of it: the values are those
 * written last, and everything else follows from them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBus, putKey, spaceNames, type Bus } from '@mabeam/bus';
import type { ObservedInstance } from '@mabeam/cluster';
import { isAlive, startTestServer } from '@mabeam/testing';
import { topologyPatterns } from '@mabeam/variables';
import fc from 'fast-check';
import { createSpace } from '../src/definition/create-space.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';
import { scaleKey } from '../src/state/scale-entry.ts';
import { openSpaceMirror, type SpaceMirror } from '../src/state/space-mirror.ts';
import { crewNames, startFleet, type CrewName, type Fleet } from './fleet.ts';
import { watchIncarnations, type IncarnationWatch } from './incarnation-watch.ts';

const agents = ['a', 'b', 'c', 'd', 'lone'] as const;
const by = 'operator';

/** Memory that the space has, and that each instance takes: not all that may be desired fits. */
export const poolBytes = 8 * 2 ** 20;
export const instanceBytes = 2 ** 20;

const definition = `
space: SPACE
pool: { memory: ${poolBytes}, cpu: 64 }
agents:
  a: { module: ./fixtures/agent.ts, form: in-process, resources: { memory: ${instanceBytes} }, priority: 2 }
  b: { module: ./fixtures/agent.ts, form: in-process, resources: { memory: ${instanceBytes} }, after: [a] }
  c:
    module: ./fixtures/agent.ts
    form: in-process
    resources: { memory: ${instanceBytes} }
    replicas: { min: 0, max: 6, initial: 1 }
  d:
    module: ./fixtures/agent.ts
    form: in-process
    resources: { memory: ${instanceBytes} }
    variables: { pace: { initial: 1, min: 0, max: 99 } }
  lone: { module: ./fixtures/agent.ts, resources: { memory: ${instanceBytes} }, priority: 1 }
variables:
  active: { kind: agent-selection, agents: [a, b, c, lone], initial: [a, c] }
  wiring: { kind: communication-topology, agents: [a, b, c, d, lone], initial: mesh }
  threshold: { kind: performance-threshold, initial: 0.5, domain: { min: 0, max: 1 } }
`;

/** Something that happens to the space. */
export type Command =
  | { readonly kind: 'set'; readonly values: Readonly<Record<string, unknown>> }
  | { readonly kind: 'scale'; readonly replicas: number }
  | { readonly kind: 'freeze' | 'unfreeze' }
  | { readonly kind: 'kill-agent'; readonly pick: number }
  | { readonly kind: 'kill' | 'isolate' | 'cut'; readonly name: CrewName }
  | { readonly kind: 'heal' }
  | { readonly kind: 'pass'; readonly ms: number };

const selection = fc.subarray(agents.filter((id) => id !== 'd'));
const topology = fc
  .constantFrom(...topologyPatterns.filter((pattern) => pattern !== 'custom'))
  .map((pattern) => ({ pattern }));
const threshold = fc.integer({ min: 0, max: 20 }).map((n) => n / 20);
const pace = fc.integer({ min: 0, max: 99 });
const name = fc.constantFrom(...crewNames);

function setting(values: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Command> {
  return fc.record(values).map((drawn) => ({ kind: 'set', values: drawn }));
}

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: setting({ active: selection }) },
  { weight: 3, arbitrary: setting({ wiring: topology }) },
  { weight: 2, arbitrary: setting({ 'd.pace': pace }) },
  { weight: 2, arbitrary: setting({ active: selection, wiring: topology, threshold, 'd.pace': pace }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('scale' as const), replicas: fc.integer({ min: 0, max: 8 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('freeze' as const, 'unfreeze' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill-agent' as const), pick: fc.nat(100) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('kill' as const, 'isolate' as const, 'cut' as const),
      name,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'heal' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(50, 500, 2_500) }),
  },
);

/** Bursts of commands; after each of them the space comes to rest. */
export const bursts: fc.Arbitrary<readonly (readonly Command[])[]> = fc.array(
  fc.array(command, { minLength: 3, maxLength: 7 }),
  { minLength: 1, maxLength: 2 },
);

/** A running space with its fleet, and what the reference knows of it. */
export interface ModelSpace extends AsyncDisposable {
  readonly bus: Bus;
  readonly space: string;
  readonly mirror: SpaceMirror;
  readonly fleet: Fleet;
  readonly watch: IncarnationWatch;
  /** The value written last of each variable that was written. */
  readonly written: Map<string, unknown>;
  /** Incarnations that were killed: while one of them seems to live, nobody has noticed yet. */
  readonly doomed: Set<string>;
  /** A host gives up an instance that fails too often and lets it rest; so it is killed no more often than that. */
  killsLeft: number;
}

/** Starts server, space and fleet. */
export async function openModelSpace(): Promise<ModelSpace> {
  const server = await startTestServer();
  const space = 'model';
  const bus = await connectBus({ url: server.url, name: 'test' });
  const parsed = parseSpaceDefinition(definition.replace('SPACE', space), { path: import.meta.filename });
  await createSpace(bus, parsed, { by });
  const mirror = await openSpaceMirror(bus, space);
  const watch = watchIncarnations(bus, space);
  const fleet = await startFleet(server.url, space);
  return {
    bus,
    space,
    mirror,
    fleet,
    watch,
    written: new Map(),
    doomed: new Set(),
    killsLeft: 3,
    [Symbol.asyncDispose]: async () => {
      await fleet[Symbol.asyncDispose]();
      await watch[Symbol.asyncDispose]();
      await mirror[Symbol.asyncDispose]();
      await bus.close();
      await server.stop();
    },
  };
}

/** Lets a command happen. */
export async function perform(model: ModelSpace, todo: Command): Promise<void> {
  const { bus, fleet, mirror, space, written } = model;
  switch (todo.kind) {
    case 'set': {
      const changes = Object.entries(todo.values).map(([id, value]) => ({ id, value }));
      await mirror.store.apply(changes, { by, cause: 'model' });
      for (const { id, value } of changes) written.set(id, value);
      return;
    }
    case 'scale': {
      const { replicas } = todo;
      const body = { v: 1, replicas, by, at: new Date().toISOString(), cause: 'model' };
      await putKey(bus, spaceNames(space).bucket, scaleKey('c'), body);
      written.set('scale', replicas);
      return;
    }
    case 'freeze':
      await mirror.store.freeze({ by, reason: 'model' });
      return;
    case 'unfreeze':
      await mirror.store.unfreeze({ by });
      return;
    case 'kill-agent':
      return killAgent(model, todo.pick);
    case 'kill':
      await fleet.kill(todo.name);
      doom(model, ({ node }) => node === fleet.nodeId(todo.name));
      return;
    case 'isolate':
      return fleet.isolate(todo.name);
    case 'cut':
      return fleet.cut(todo.name);
    case 'heal':
      return fleet.heal();
    case 'pass':
      await sleep(todo.ms);
  }
}

/** Kills the process of one of the instances that are there; those that share it die with it. */
function killAgent(model: ModelSpace, pick: number): void {
  const pids = model.mirror.observed.flatMap(({ pid, status }) =>
    status === 'active' && pid !== undefined && isAlive(pid) ? [pid] : [],
  );
  const pid = pids[pick % pids.length];
  if (pid === undefined || model.killsLeft === 0) return;
  model.killsLeft -= 1;
  process.kill(pid, 'SIGKILL');
  doom(model, (instance) => instance.pid === pid);
}

/** Notes whose life has ended. */
function doom({ doomed, mirror }: ModelSpace, isKilled: (instance: ObservedInstance) => boolean): void {
  for (const instance of mirror.observed) if (isKilled(instance)) doomed.add(instance.incarnation);
}
