/** What the tests of hosting share: a space of their own, specs of the fixture agent, and looks at the buckets. */
import { fileURLToPath } from 'node:url';
import { parseAgentSpec, type AgentSpec, type AgentSpecInput } from '@mabeam/agents';
import {
  connectBus,
  deleteStreams,
  ensureStreams,
  openEvents,
  parseJson,
  platformStreams,
  readKey,
  spaceNames,
  spaceStreams,
  type Bus,
} from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { onTestFinished } from 'vitest';
import { hostInstance, type HostResult } from '../src/host.ts';
import type { HostedInstance, HostOptions } from '../src/hosted-instance.ts';
import { runNode, type NodeEnd, type NodeOptions } from '../src/node.ts';
import {
  instanceLeaseKey,
  observedKey,
  parseInstanceHolder,
  parseObservedInstance,
  type InstanceHolder,
  type ObservedInstance,
} from '../src/registry.ts';

/** The module of the fixture agent. */
export const agentModule: string = fileURLToPath(new URL('fixtures/agent.mjs', import.meta.url));

/** A space with its streams, and the instance of agent `words` in it. */
export interface Stage {
  /** A connection to the server itself. */
  readonly bus: Bus;
  /** The connection of the host: the same, unless it has a way of its own. */
  readonly hostBus: Bus;
  readonly space: string;
  readonly leases: string;
  readonly observedBucket: string;
  /** Every state told by the host, in order. */
  readonly states: ObservedInstance[];
  readonly lines: string[];
  readonly problems: unknown[];
  readonly observed: () => Promise<ObservedInstance | undefined>;
  readonly holder: () => Promise<InstanceHolder | undefined>;
  /** The verbs of the agent's events so far. */
  readonly events: () => Promise<string[]>;
  readonly host: (spec: AgentSpec, options?: Partial<HostOptions>) => Promise<HostResult>;
}

/** Opens a stage that is cleared away with the test; the host reaches the server by `hostUrl`. */
export async function openStage(url: string, hostUrl: string = url): Promise<Stage> {
  const bus = await openBus(url);
  const hostBus = hostUrl === url ? bus : await openBus(hostUrl);
  const space = freshSpace('cluster');
  const streams = spaceStreams(space);
  onTestFinished(() =>
    deleteStreams(
      bus,
      streams.map(({ name }) => name),
    ),
  );
  await ensureStreams(bus, [...platformStreams(), ...streams]);
  const { leases, observed: observedBucket, events } = spaceNames(space);
  const states: ObservedInstance[] = [];
  const lines: string[] = [];
  const problems: unknown[] = [];
  const words = { agent: 'words', ordinal: 0 };
  return {
    bus,
    hostBus,
    space,
    leases,
    observedBucket,
    states,
    lines,
    problems,
    observed: async () => parseObservedInstance(await readValue(bus, observedBucket, observedKey(words))),
    holder: async () => parseInstanceHolder(await readValue(bus, leases, instanceLeaseKey(words))),
    events: async () => {
      const verbs: string[] = [];
      for await (const { subject } of openEvents(bus, space).read({ filter: 'event.agent.words.*' }))
        verbs.push(subject.split('.').at(-1) ?? events);
      return verbs;
    },
    host: async (spec, options = {}) => {
      const result = await hostInstance(hostBus, {
        space,
        spec,
        ordinal: 0,
        definitionRevision: 7,
        node: 'here',
        policy: { maxFailures: 3, windowMs: 60_000, backoffMs: 10, backoffMaxMs: 100 },
        onObserved: (state) => states.push(state),
        onLine: (stream, line) => lines.push(`${stream}: ${line}`),
        onProblem: (error) => problems.push(error),
        ...options,
      });
      if (result.kind === 'hosted') {
        onTestFinished(async () => void (await result.instance.stop({ drainMs: 0 })));
      }
      return result;
    },
  };
}

/** A connection that ends with the test. */
export async function openBus(url: string): Promise<Bus> {
  const bus = await connectBus({ url, name: 'cluster test' });
  onTestFinished(() => bus.close());
  return bus;
}

/** A node of its own, by its id. */
export interface RunningNode {
  readonly id: string;
  readonly ended: Promise<NodeEnd>;
  readonly stop: () => Promise<NodeEnd>;
}

/** Runs a node on a connection of its own until the test ends. */
export async function startNode(natsUrl: string, options: Partial<NodeOptions> = {}): Promise<RunningNode> {
  const bus = await openBus(natsUrl);
  const id = freshSpace('node');
  const abort = new AbortController();
  const ready = Promise.withResolvers<void>();
  const ended = runNode(bus, { id, signal: abort.signal, onReady: () => ready.resolve(), ...options });
  const stop = (): Promise<NodeEnd> => {
    abort.abort();
    return ended;
  };
  onTestFinished(async () => void (await stop()));
  await Promise.race([ready.promise, ended]);
  return { id, ended, stop };
}

/** Agent `words` as the fixture, with a behaviour. */
export function wordsThat(behaviour: string, more: Partial<AgentSpecInput> = {}): AgentSpec {
  return parseAgentSpec({ id: 'words', run: { module: agentModule }, config: { behaviour }, ...more });
}

/** The handle of a result that must be hosted. */
export function hosted(result: HostResult): HostedInstance {
  if (result.kind === 'hosted') return result.instance;
  throw new Error(`expected to host, but the lease is ${result.kind} by ${JSON.stringify(result.by)}`);
}

/** A key's value; undefined when there is none. */
export async function readValue(bus: Bus, bucket: string, key: string): Promise<unknown> {
  const entry = await readKey(bus, bucket, key);
  return entry?.operation === 'put' ? parseJson(entry.data) : undefined;
}
