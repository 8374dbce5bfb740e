/** What the tests of crew hosts share: a space, a node that hosts in it, and looks at its instances. */
import { fileURLToPath } from 'node:url';
import { parseAgentSpec, type AgentSpec, type AgentSpecInput } from '@mabeam/agents';
import { MabeamError, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { orderStart, orderStop, type NodeReply } from '../src/node-command.ts';
import {
  instanceLeaseKey,
  observedKey,
  parseInstanceHolder,
  parseObservedInstance,
  type InstanceHolder,
  type ObservedInstance,
} from '../src/registry.ts';
import { readValue, type Stage } from './hosting.ts';

/** The module of the fixture agent: it serves every form. */
export const crewModule: string = fileURLToPath(new URL('fixtures/crew.ts', import.meta.url));

type Form = 'process' | 'worker' | 'in-process';

/** A space with a node, and ways to order and to look. */
export interface Team {
  readonly stage: Stage;
  /** Id of the node. */
  readonly node: string;
  readonly start: (agent: string, options?: { form?: Form; ordinal?: number } & Wish) => Promise<NodeReply>;
  readonly stop: (agent: string, options?: { drainMs?: number }) => Promise<NodeReply>;
  readonly observed: (agent: string, ordinal?: number) => Promise<ObservedInstance | undefined>;
  readonly holder: (agent: string, ordinal?: number) => Promise<InstanceHolder | undefined>;
  readonly until: (
    agent: string,
    status: ObservedInstance['status'],
    more?: Expected,
  ) => Promise<ObservedInstance>;
  readonly ask: (agent: string, body: unknown) => Promise<Answer>;
  /** Does nobody answer for the agent? */
  readonly isGone: (agent: string) => Promise<boolean>;
  /** What stands under a key of the leases. */
  readonly lease: (key: string) => Promise<unknown>;
}

type Wish = Partial<Omit<AgentSpecInput, 'run'>> & { readonly module?: string };

interface Expected {
  readonly ordinal?: number;
  readonly restarts?: number;
}

interface Answer {
  readonly pid: number;
  readonly asked: number;
}

export const policy = { maxFailures: 3, windowMs: 60_000, backoffMs: 10, backoffMaxMs: 100 };

/** A space, in which the node of this id hosts. Open the stage first: what ends with the test ends in the reverse order. */
export function teamOn(stage: Stage, node: string): Team {
  const at = subjects(stage.space);
  const observed: Team['observed'] = async (agent, ordinal = 0) =>
    parseObservedInstance(await readValue(stage.bus, stage.observedBucket, observedKey({ agent, ordinal })));
  return {
    stage,
    node,
    observed,
    isGone: (agent) =>
      stage.bus.request(at.askAgent(agent), 'me').then(
        () => false,
        (error: unknown) => error instanceof MabeamError && error.code === 'no-responders',
      ),
    lease: (key) => readValue(stage.bus, stage.leases, key),
    start: (agent, { form = 'in-process', ordinal = 0, ...wish } = {}) =>
      orderStart(stage.bus, node, {
        space: stage.space,
        agent,
        ordinal,
        spec: specOf(agent, form, wish),
        definitionRevision: 3,
        leaderRevision: 10,
      }),
    stop: (agent, more = {}) =>
      orderStop(stage.bus, node, { space: stage.space, agent, ordinal: 0, leaderRevision: 10, ...more }),
    holder: async (agent, ordinal = 0) =>
      parseInstanceHolder(await readValue(stage.bus, stage.leases, instanceLeaseKey({ agent, ordinal }))),
    until: (agent, status, { ordinal = 0, restarts = 0 } = {}) =>
      waitFor(
        async () => {
          const seen = await observed(agent, ordinal);
          return seen?.status === status && seen.restarts >= restarts ? seen : undefined;
        },
        { what: `${agent}.${ordinal} is ${status}`, timeoutMs: 10_000 },
      ),
    // The fixture's answers are what it says they are.
    ask: async (agent, body) => (await stage.bus.request(at.askAgent(agent), body)) as Answer,
  };
}

function specOf(id: string, form: Form, { module: path = crewModule, ...wish }: Wish): AgentSpec {
  return parseAgentSpec({ id, run: { module: path, form }, ...wish });
}
