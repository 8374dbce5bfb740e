/**
 * What one look of the leader costs as a team grows: which instances ought to run, the graph, and the difference to what does run. Pure
 * functions, in this process; the growth exponent says whether the cost grows faster than the team.
 */
import { parseAgentSpec } from '@mabeam/agents';
import type { NodeRecord, ObservedInstance } from '@mabeam/cluster';
import {
  desiredGraph,
  desiredInstances,
  reconcile,
  type DefinedAgent,
  type InstanceLease,
  type ReconcileInput,
} from '@mabeam/orchestrator';
import {
  agentSelection,
  communicationTopology,
  type Json,
  type VariableDefinition,
  type VariableState,
} from '@mabeam/variables';
import { scaled, type Benchmark, type Comparison } from '../benchmark.ts';
import { takeTurns } from '../take-turns.ts';

const sizes = [100, 1_000, 10_000] as const;
const agentsInAll = 10_000;
const nodes: readonly NodeRecord[] = ['n1', 'n2', 'n3', 'n4'].map((id) => ({
  v: 1,
  id,
  pid: 1,
  host: 'bench',
  startedAt: '2026-01-01T00:00:00.000Z',
  capacity: { cpu: 64, memory: 2 ** 38 },
  instances: 0,
}));

/** A look at a team of which all runs, and at one of which nothing runs yet. */
export const reconciling: Benchmark = {
  name: 'reconcile',
  goal: 'no faster than linearly from 100 to 10,000 agents: exponent ≤ 1.1',
  timeoutMs: 120_000,
  run: async (stage) => {
    const rounds = scaled(stage, { full: 15, quick: 3 });
    const comparisons: Comparison[] = [];
    for (const [what, isRunning] of [
      ['all runs', true],
      ['nothing runs yet', false],
    ] as const) {
      const teams = Object.fromEntries(
        sizes.map((size) => {
          // Made once: what is measured is the look, not the making.
          const made = teamsOf(size, isRunning);
          return [String(size), () => lookAtEach(made)];
        }),
      );
      await takeTurns(3, teams, stage.signal);
      const times = await takeTurns(rounds, teams, stage.signal, { rotate: true });
      const [least, , most] = sizes;
      const small = times[String(least)] ?? [];
      const large = times[String(most)] ?? [];
      comparisons.push(
        ...sizes.map((size) => ({
          measure: `${what}, ${size} agents`,
          unit: 'ms',
          ours: times[String(size)] ?? [],
        })),
        {
          measure: `${what}, growth exponent ${least} → ${most}`,
          unit: '',
          ours: large.map((ms, round) => Math.log(ms / (small[round] ?? ms)) / Math.log(most / least)),
          goal: { of: 'figure', is: 'at-most', limit: 1.1 },
        },
      );
    }
    return {
      comparisons,
      notes: [
        'desiredInstances, desiredGraph and reconcile of a mesh on four nodes; at each size as many teams as have 10,000 agents together',
      ],
    };
  },
};

/** A team as the leader sees it. */
interface Team {
  readonly agents: readonly DefinedAgent[];
  readonly variables: readonly VariableState[];
  readonly rest: Omit<ReconcileInput, 'desired'>;
}

/**
 * Looks at each of these teams, which have 10,000 agents together, and resolves with the ms of one look, of this thread's processor time:
 * so neither other work on the machine nor the size of its caches is taken for growth.
 */
function lookAtEach(teams: readonly Team[]): Promise<number> {
  const before = process.threadCpuUsage();
  for (const { agents, rest, variables } of teams) {
    desiredGraph(agents, variables);
    reconcile({ ...rest, desired: desiredInstances(agents, variables) });
  }
  const { system, user } = process.threadCpuUsage(before);
  return Promise.resolve((user + system) / 1_000 / teams.length);
}

function teamsOf(size: number, isRunning: boolean): readonly Team[] {
  return Array.from({ length: Math.round(agentsInAll / size) }, () => makeTeam(size, isRunning));
}

function makeTeam(size: number, isRunning: boolean): Team {
  const ids = Array.from({ length: size }, (_, n) => `agent-${n}`);
  const run = { module: 'file:///agent.ts', form: 'in-process' } as const;
  const agents = ids.map((id) => ({ spec: parseAgentSpec({ id, run }), revision: 1 }));
  const variables = [
    stateOf(agentSelection('active', { agents: ids, initial: ids }), ids),
    stateOf(communicationTopology('wiring', { agents: ids, initial: { pattern: 'mesh' } }), {
      pattern: 'mesh',
    }),
  ];
  const placed = isRunning ? ids : [];
  return {
    agents,
    variables,
    rest: {
      agents,
      observed: placed.map(observedAt),
      leases: placed.map(leaseAt),
      nodes,
      inFlight: [],
      now: Date.parse('2026-01-01T00:01:00.000Z'),
    },
  };
}

function nodeAt(place: number): string {
  return nodes[place % nodes.length]?.id ?? 'n1';
}

function leaseAt(agent: string, place: number): InstanceLease {
  return { agent, ordinal: 0, node: nodeAt(place), incarnation: `${agent}-1` };
}

function observedAt(agent: string, place: number): ObservedInstance {
  return {
    v: 1,
    agent,
    ordinal: 0,
    incarnation: `${agent}-1`,
    status: 'active',
    node: nodeAt(place),
    definitionRevision: 1,
    restarts: 0,
    since: '2026-01-01T00:00:00.000Z',
  };
}

function stateOf(definition: VariableDefinition, value: Json): VariableState {
  const entry = {
    v: 1,
    value,
    definitionRevision: 1,
    by: 'bench',
    at: '2026-01-01T00:00:00.000Z',
    cause: 'bench',
  } as const;
  return { id: definition.id, definition, definitionRevision: 1, value, revision: 2, keyRevision: 2, entry };
}
