import { fc, test } from '@fast-check/vitest';
import type { NodeRecord, ObservedInstance } from '@mabeam/cluster';
import { describe, expect, it } from 'vitest';
import { agentOf } from '../../test/team.ts';
import { desiredInstances, type DefinedAgent } from './desired.ts';
import { poolState, poolTotal, timesFitting } from './pool.ts';
import { reconcile, type InstanceLease, type ReconcileInput } from './reconcile.ts';

const now = Date.parse('2026-01-01T00:10:00.000Z');
const iso = (ms: number): string => new Date(ms).toISOString();

const node = (id: string, cpu = 4, memory = 1_000): NodeRecord => ({
  v: 1,
  id,
  pid: 1,
  host: 'h',
  startedAt: iso(0),
  capacity: { cpu, memory },
  instances: 0,
});

function look(agents: readonly DefinedAgent[], more: Partial<ReconcileInput> = {}) {
  return reconcile({
    desired: desiredInstances(agents, []),
    agents,
    observed: [],
    leases: [],
    nodes: [node('n1')],
    inFlight: [],
    now,
    startsAtOnce: 1_000,
    ...more,
  });
}

const lease = (agent: string, ordinal = 0, on = 'n1'): InstanceLease => ({
  agent,
  ordinal,
  node: on,
  incarnation: 'i1',
});

const short = ({ actions, waiting }: ReturnType<typeof look>): string[] =>
  [...actions, ...waiting].map((each) => `${each.kind} ${each.agent}.${each.ordinal}: ${each.reason}`);

const needs = (cpuWeight: number, priority = 0) => ({ resources: { cpuWeight }, priority });

describe('the pool', () => {
  it('is what the space’s record says, and else what its live nodes have', () => {
    const nodes = [node('a', 4, 10), node('b', 2, 20)];
    expect(poolTotal(undefined, nodes)).toEqual({ cpu: 6, memory: 30 });
    expect(poolTotal({ memory: 7 }, nodes)).toEqual({ cpu: 6, memory: 7 });
  });

  it('has nothing available, and no less, when a node with what is reserved has gone', () => {
    expect(poolState({ cpu: 1, memory: 1 }, { cpu: 3, memory: 0 }).available).toEqual({ cpu: 0, memory: 1 });
  });

  it('tells how often something fits', () => {
    expect(timesFitting({ cpu: 0.1, memory: 0 }, { cpu: 0.1 + 0.2, memory: 0 })).toBe(3);
    expect(timesFitting({ cpu: 0, memory: 0 }, { cpu: 0, memory: 0 })).toBe(Number.POSITIVE_INFINITY);
    expect(timesFitting({ cpu: 1, memory: 6 }, { cpu: 9, memory: 11 })).toBe(1);
  });
});

describe('who is started', () => {
  it('has to fit into what is left; who does not, waits for it', () => {
    const agents = [agentOf('a', needs(3)), agentOf('b', needs(2))];
    expect(short(look(agents))).toEqual(['start a.0: desired', 'waiting b.0: resource-exhausted']);
    expect(short(look(agents, { leases: [lease('a')] }))).toEqual(['waiting b.0: resource-exhausted']);
  });

  it('is who has the larger priority, whatever the order of starts', () => {
    const agents = [agentOf('a', needs(3)), agentOf('b', needs(2, 1))];
    expect(short(look(agents))).toEqual(['start b.0: desired', 'waiting a.0: resource-exhausted']);
  });

  it('is not a small one in place of a large one of a larger priority, however long that waits', () => {
    const agents = [agentOf('big', needs(4, 1)), agentOf('runs', needs(1)), agentOf('small', needs(1))];
    expect(short(look(agents, { leases: [lease('runs')] }))).toEqual([
      'waiting big.0: resource-exhausted',
      'waiting small.0: resource-exhausted',
    ]);
  });

  it('is a small one beside one that could never run', () => {
    const agents = [agentOf('giant', needs(400, 1)), agentOf('small', needs(1))];
    expect(short(look(agents))).toEqual(['start small.0: desired', 'waiting giant.0: resource-exhausted']);
  });

  it('is everybody who asks for nothing, also when nothing is left', () => {
    const agents = [agentOf('a', needs(4)), agentOf('b')];
    expect(short(look(agents))).toEqual(['start a.0: desired', 'start b.0: desired']);
  });

  it('counts those that are starting and those whose host may return', () => {
    const agents = [agentOf('a', needs(3)), agentOf('b', needs(2))];
    const inFlight = [{ agent: 'a', ordinal: 0, node: 'n1' }];
    expect(short(look(agents, { inFlight }))).toContain('waiting b.0: resource-exhausted');
    const observed = [seenActive('a')];
    expect(short(look(agents, { observed, lostAfter: now + 1 }))).toContain(
      'waiting b.0: resource-exhausted',
    );
  });

  it('counts one that is desired no more until it is gone', () => {
    const agents = [agentOf('a', { ...needs(3), replicas: 0 }), agentOf('b', needs(2))];
    const leases = [lease('a')];
    expect(short(look(agents, { leases }))).toEqual([
      'stop a.0: not-desired',
      'waiting b.0: resource-exhausted',
    ]);
  });

  it('has to fit onto one node, and is not waited for out of courtesy', () => {
    const nodes = [node('n1', 2), node('n2', 2)];
    const chief = agentOf('chief', { ...needs(3), role: 'coordinator' });
    expect(short(look([agentOf('words', needs(1)), chief], { nodes }))).toEqual([
      'start words.0: desired',
      'waiting chief.0: resource-exhausted',
    ]);
  });

  it('waits for a node where there is none, whatever it asks for', () => {
    expect(short(look([agentOf('a', needs(3)), agentOf('b')], { nodes: [] }))).toEqual([
      'waiting a.0: no-node',
      'waiting b.0: no-node',
    ]);
  });

  it('leaves to variables what holding their values costs', () => {
    const held = { cpu: 2, memory: 0 };
    expect(short(look([agentOf('a', needs(3))], { held }))).toEqual(['waiting a.0: resource-exhausted']);
  });
});

function seenActive(agent: string, ordinal = 0, on = 'n1'): ObservedInstance {
  return {
    v: 1,
    agent,
    ordinal,
    incarnation: 'i1',
    status: 'active',
    node: on,
    definitionRevision: 1,
    restarts: 0,
    since: iso(0),
  };
}

const anyAgent = fc.record({
  cpuWeight: fc.constantFrom(undefined, 0.1, 0.3, 0.5, 1, 2),
  memory: fc.constantFrom(undefined, 100, 300, 700),
  priority: fc.integer({ min: 0, max: 2 }),
  replicas: fc.integer({ min: 0, max: 3 }),
});
const anyStep = fc.record({
  kind: fc.constantFrom('look', 'look', 'kill', 'kill-node', 'node-back', 'scale'),
  pick: fc.nat(),
  replicas: fc.integer({ min: 0, max: 3 }),
});
const anyPool = fc.record({
  cpu: fc.constantFrom(undefined, 0.5, 2.3, 4),
  memory: fc.constantFrom(undefined, 500, 1_500),
});

test.prop([
  fc.array(anyAgent, { minLength: 1, maxLength: 5 }),
  anyPool,
  fc.array(anyStep, { maxLength: 25 }),
])(
  'through kills, lost nodes and scaling, no more is ever reserved than the pool and each node have',
  (given, pool, steps) => {
    let agents = given.map(({ cpuWeight, memory, priority, replicas }, index) =>
      agentOf(`a${index}`, { resources: { cpuWeight, memory }, priority, replicas }),
    );
    const all = [node('n1'), node('n2', 2, 2_000)];
    let nodes = all;
    let leases: readonly InstanceLease[] = [];
    const demandOfLease = ({ agent }: InstanceLease) =>
      agents.find(({ spec }) => spec.id === agent)?.spec.resources;
    const sumOf = (some: readonly InstanceLease[]) => ({
      cpu: some.reduce((sum, each) => sum + (demandOfLease(each)?.cpuWeight ?? 0), 0),
      memory: some.reduce((sum, each) => sum + (demandOfLease(each)?.memory ?? 0), 0),
    });
    for (const { kind, pick, replicas } of [...steps, { kind: 'look', pick: 0, replicas: 0 }]) {
      if (kind === 'kill')
        leases = leases.filter((_lease, index) => index !== pick % Math.max(1, leases.length));
      if (kind === 'kill-node') {
        const gone = all[pick % 2]?.id;
        nodes = nodes.filter(({ id }) => id !== gone);
        leases = leases.filter((each) => each.node !== gone);
      }
      if (kind === 'node-back') nodes = all;
      if (kind === 'scale') {
        agents = agents.map((agent, index) =>
          index === pick % agents.length ? agentOf(agent.spec.id, { ...agent.spec, replicas }) : agent,
        );
      }
      const { actions } = look(agents, { leases, nodes, pool });
      const before = leases;
      for (const action of actions.filter((each) => each.kind === 'stop'))
        leases = leases.filter((each) => each.agent !== action.agent || each.ordinal !== action.ordinal);
      // Stops take effect later than starts: what is being stopped counts.
      const started = actions.flatMap((each) =>
        each.kind === 'start' ? [lease(each.agent, each.ordinal, each.node)] : [],
      );
      const total = poolTotal(pool, nodes);
      const reserved = sumOf([...before, ...started]);
      const wasWithin = sumOf(before);
      if (started.some((each) => (demandOfLease(each)?.cpuWeight ?? 0) > 0))
        expect(reserved.cpu).toBeLessThanOrEqual(Math.max(total.cpu, wasWithin.cpu) + 1e-6);
      if (started.some((each) => (demandOfLease(each)?.memory ?? 0) > 0))
        expect(reserved.memory).toBeLessThanOrEqual(Math.max(total.memory, wasWithin.memory));
      for (const { capacity, id } of nodes) {
        const there = sumOf([...before, ...started].filter((each) => each.node === id));
        expect(there.cpu).toBeLessThanOrEqual(capacity.cpu + 1e-6);
        expect(there.memory).toBeLessThanOrEqual(capacity.memory);
      }
      leases = [...leases, ...started];
    }
  },
);

test.prop([fc.array(anyAgent, { minLength: 1, maxLength: 5 })])(
  'an instance that waits for room would not have had it at its turn',
  (given) => {
    const agents = given.map(({ cpuWeight, memory, priority, replicas }, index) =>
      agentOf(`a${index}`, { resources: { cpuWeight, memory }, priority, replicas }),
    );
    const { actions, waiting } = look(agents);
    const started = actions.flatMap((each) => (each.kind === 'start' ? [each.instance] : []));
    for (const { agent } of waiting) {
      const own = agents.find(({ spec }) => spec.id === agent)?.spec;
      const rivals = started.filter(({ spec }) => (spec.priority ?? 0) >= (own?.priority ?? 0));
      const cpu = rivals.reduce((sum, { spec }) => sum + (spec.resources?.cpuWeight ?? 0), 0);
      const memory = rivals.reduce((sum, { spec }) => sum + (spec.resources?.memory ?? 0), 0);
      const larger = waiting.flatMap((each) => {
        const spec = agents.find((one) => one.spec.id === each.agent)?.spec;
        return (spec?.priority ?? 0) > (own?.priority ?? 0) ? [spec?.resources] : [];
      });
      const keptCpu = larger.reduce((sum, each) => sum + (each?.cpuWeight ?? 0), 0);
      const keptMemory = larger.reduce((sum, each) => sum + (each?.memory ?? 0), 0);
      const isShort =
        cpu + keptCpu + (own?.resources?.cpuWeight ?? 0) > 4 - 1e-6 ||
        memory + keptMemory + (own?.resources?.memory ?? 0) > 1_000;
      expect(isShort).toBe(true);
    }
  },
);
