import { parseAgentSpec, type AgentSpecInput } from '@mabeam/agents';
import { observedKey, type NodeRecord, type ObservedInstance } from '@mabeam/cluster';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { agentOf, specOf } from '../../test/team.ts';
import type { DefinedAgent, DesiredInstance } from './desired.ts';
import { reconcile, type InstanceLease, type ReconcileInput, type Reconciliation } from './reconcile.ts';
import { startOrderOf, type DataEdge } from './start-order.ts';

const here: NodeRecord = {
  v: 1,
  id: 'n1',
  pid: 1,
  host: 'h',
  startedAt: '2026-01-01T00:00:00.000Z',
  capacity: { cpu: 2, memory: 1 },
  instances: 0,
};
const now = Date.parse('2026-01-01T00:01:00.000Z');

/** A space in which what is started is active at the next look, unless its agent is one that fails. */
class Toy {
  readonly agents: readonly DefinedAgent[];
  readonly #more: Partial<ReconcileInput>;
  readonly #failing: ReadonlySet<string>;
  readonly leases = new Map<string, InstanceLease>();
  readonly observed = new Map<string, ObservedInstance>();
  /** The agents started in each round. */
  readonly rounds: string[][] = [];

  constructor(
    agents: readonly DefinedAgent[],
    failing: readonly string[] = [],
    more: Partial<ReconcileInput> = {},
  ) {
    this.agents = agents;
    this.#failing = new Set(failing);
    this.#more = more;
  }

  look(wanted: readonly DefinedAgent[] = this.agents): Reconciliation {
    return reconcile({
      desired: wanted.flatMap(instancesOf),
      agents: this.agents,
      observed: [...this.observed.values()],
      leases: [...this.leases.values()],
      nodes: [here],
      inFlight: [],
      now,
      ...this.#more,
    });
  }

  /** Rounds until nothing is started any more; the last look. */
  settle(wanted: readonly DefinedAgent[] = this.agents): Reconciliation {
    for (;;) {
      const found = this.look(wanted);
      if (found.actions.length === 0) return found;
      this.rounds.push([...new Set(found.actions.map(({ agent }) => agent))]);
      for (const action of found.actions) {
        const key = observedKey(action);
        if (action.kind === 'stop') this.leases.delete(key);
        else this.#start(action.agent, action.ordinal);
      }
    }
  }

  #start(agent: string, ordinal: number): void {
    const isFailing = this.#failing.has(agent);
    const instance = { agent, ordinal, node: 'n1', incarnation: 'i1' };
    const status = isFailing ? 'failed' : 'active';
    const since = new Date(now).toISOString();
    const seen = { ...instance, v: 1, status, definitionRevision: 1, restarts: 0, since } as const;
    this.observed.set(observedKey(instance), seen);
    if (!isFailing) this.leases.set(observedKey(instance), instance);
  }
}

function instancesOf({ spec, revision }: DefinedAgent): DesiredInstance[] {
  return Array.from({ length: spec.replicas }, (_, ordinal) => ({
    agent: spec.id,
    ordinal,
    spec,
    definitionRevision: revision,
  }));
}

/** Agents that depend on earlier ones only, and data edges that may go anywhere. */
const teams = fc
  .array(
    fc.record({
      after: fc.array(fc.nat(30), { maxLength: 3 }),
      supervisor: fc.option(fc.nat(30), { nil: undefined }),
      role: fc.constantFrom('coordinator', 'executor', 'monitor'),
      replicas: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((rows) => rows.map((row, n) => agentAt(row, n)));

interface Row {
  readonly after: readonly number[];
  readonly supervisor: number | undefined;
  readonly role: 'coordinator' | 'executor' | 'monitor';
  readonly replicas: number;
}

function agentAt({ after, supervisor, ...more }: Row, n: number): DefinedAgent {
  const earlier = (other: number): string => `a${other % n}`;
  const links: Partial<AgentSpecInput> = n === 0 ? {} : { after: [...new Set(after.map(earlier))] };
  return agentOf(`a${n}`, {
    ...more,
    ...links,
    ...(supervisor === undefined || n === 0 ? {} : { supervisor: earlier(supervisor) }),
  });
}

const edgesAmong = fc.array(fc.tuple(fc.nat(19), fc.nat(19)), { maxLength: 30 });
const named = (edges: readonly (readonly [number, number])[]): DataEdge[] =>
  edges.map(([from, to]) => [`a${from}`, `a${to}`]);

const needsOf = ({ spec }: DefinedAgent): string[] => [
  ...(spec.after ?? []),
  ...(spec.supervisor === undefined ? [] : [spec.supervisor]),
];

describe('the start order', () => {
  test.prop([teams, edgesAmong])(
    'without circles everything starts, and nobody before what he needs',
    (agents, edges) => {
      const toy = new Toy(agents, [], { dataEdges: named(edges) });
      expect(toy.settle().waiting).toEqual([]);
      expect(toy.leases.size).toBe(agents.flatMap(instancesOf).length);
      const round = new Map(toy.rounds.flatMap((started, n) => started.map((agent) => [agent, n] as const)));
      for (const agent of agents) {
        for (const need of needsOf(agent))
          expect(round.get(agent.spec.id)).toBeGreaterThan(round.get(need) ?? -1);
      }
    },
  );

  test.prop([teams, fc.nat(19)])(
    'who depends on one that fails waits for it and says so, and all others run',
    (agents, pick) => {
      const failing = `a${pick % agents.length}`;
      const toy = new Toy(agents, [failing]);
      const { waiting } = toy.settle();
      const held = new Set<string>([failing]);
      for (const agent of agents) if (needsOf(agent).some((need) => held.has(need))) held.add(agent.spec.id);
      expect(new Set(waiting.map(({ agent }) => agent))).toEqual(held);
      for (const { agent, reason, on } of waiting) {
        if (agent === failing) expect(reason).toBe('back-off');
        else expect([reason, held.has(on ?? '')]).toEqual(['dependency', true]);
      }
      const running = agents.filter(({ spec }) => !held.has(spec.id));
      expect(toy.leases.size).toBe(running.flatMap(instancesOf).length);
    },
  );

  test.prop([teams])('what is no longer wanted stops in the reverse order', (agents) => {
    const toy = new Toy(agents);
    toy.settle();
    const startRounds = toy.rounds.length;
    expect(toy.settle([]).waiting).toEqual([]);
    expect(toy.leases.size).toBe(0);
    const round = new Map(
      toy.rounds.slice(startRounds).flatMap((stopped, n) => stopped.map((agent) => [agent, n] as const)),
    );
    for (const agent of agents) {
      for (const need of needsOf(agent))
        expect(round.get(need)).toBeGreaterThan(round.get(agent.spec.id) ?? 99);
    }
  });

  test('agents that depend on each other in a circle do not wait for each other', () => {
    const toy = new Toy([
      agentOf('a', { after: ['b'] }),
      agentOf('b', { after: ['a'] }),
      agentOf('c', { after: ['a'] }),
    ]);
    toy.settle();
    expect(toy.rounds).toEqual([['a', 'b'], ['c']]);
  });

  test('coordinators and what they need come first, then who takes before who sends', () => {
    const agents = [
      agentOf('reader'),
      agentOf('judge'),
      agentOf('chief', { role: 'coordinator', after: ['store'] }),
      agentOf('store'),
    ];
    const toy = new Toy(agents, [], { dataEdges: [['reader', 'judge']] });
    toy.settle();
    expect(toy.rounds).toEqual([['store'], ['chief'], ['judge'], ['reader']]);
  });

  test('supervisors come first as well, and who comes first does not wait for whom it sends to', () => {
    const watched = [agentOf('other'), agentOf('watcher'), agentOf('words', { supervisor: 'watcher' })];
    const toy = new Toy(watched);
    toy.settle();
    expect(toy.rounds).toEqual([['watcher'], ['other', 'words']]);
    const sending = new Toy([agentOf('chief', { role: 'coordinator' }), agentOf('judge')], [], {
      dataEdges: [['chief', 'judge']],
    });
    sending.settle();
    expect(sending.rounds).toEqual([['chief'], ['judge']]);
  });

  test('a coordinator that fails does not keep the others from starting', () => {
    const toy = new Toy([agentOf('chief', { role: 'coordinator' }), agentOf('judge')], ['chief']);
    toy.settle();
    expect([...toy.leases.keys()]).toEqual(['judge.0']);
  });

  test('nobody waits for an agent that is not wanted, or that nobody starts here', () => {
    const [chief, judge] = [agentOf('chief'), agentOf('judge', { after: ['chief', 'guest', 'nobody'] })];
    const guest = { spec: parseAgentSpec({ id: 'guest' }), revision: 1 };
    const toy = new Toy([chief, judge, guest]);
    toy.settle([judge]);
    expect([...toy.leases.keys()]).toEqual(['judge.0']);
  });

  test('no more processes and threads start at a time than asked for, and agents that share one do not count', () => {
    const module = 'file:///agent.mjs';
    const agents = ['a', 'b', 'c'].map((id) => agentOf(id, { run: { module } }));
    const shared = ['x', 'y', 'z'].map((id) => agentOf(id, { run: { module, form: 'in-process' } }));
    const toy = new Toy([...agents, ...shared], [], { startsAtOnce: 2 });
    const { actions, waiting } = toy.look();
    expect(actions.map(({ agent }) => agent)).toEqual(['a', 'b', 'x', 'y', 'z']);
    expect(waiting).toEqual([{ kind: 'waiting', agent: 'c', ordinal: 0, reason: 'start-limit' }]);
    toy.settle();
    expect(toy.leases.size).toBe(6);
  });

  test('the order of ten thousand agents in a chain is found without a deep stack', () => {
    const specs = Array.from({ length: 10_000 }, (_, n) =>
      specOf(`a${n}`, n === 0 ? {} : { after: [`a${n - 1}`] }),
    );
    const { agents } = startOrderOf(specs);
    expect(agents[0]).toBe('a0');
    expect(agents.at(-1)).toBe('a9999');
  });
});
