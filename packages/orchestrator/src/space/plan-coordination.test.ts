import { agentSelection, customVariable, resourceAllocation, type VariableState } from '@mabeam/variables';
import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { specOf, valued } from '../../test/team.ts';
import type { AgentStanding, CoordinationContext } from '../strategies/coordination.ts';
import { planCoordination } from './plan-coordination.ts';
import { settleLives } from './settle-claims.ts';

type Statuses = Readonly<Record<string, AgentStanding['status']>>;

function context(statuses: Statuses, more: Partial<AgentStanding> = {}): CoordinationContext {
  const agents = Object.entries(statuses).map(
    ([id, status]) => [id, { spec: specOf(id), status, ...more }] as const,
  );
  return { availableResources: {}, systemLoad: 0, timestamp: 1, epoch: 7, agents: new Map(agents) };
}

const share = (id: string, memory: number, priority = 0): VariableState =>
  valued(resourceAllocation(id, { agents: ['a'], initial: {}, priority }), { a: { memory, cpuWeight: 1 } });

it('an agent that one selection stops and another selects keeps running', () => {
  const off = valued(agentSelection('night', { agents: ['a', 'b'], initial: [] }), []);
  const on = valued(agentSelection('day', { agents: ['a'], initial: ['a'] }), ['a']);
  const { conflicts, directives } = planCoordination([off, on], context({ a: 'active', b: 'active' }));
  expect(directives.map(({ action, agent }) => `${action} ${agent}`)).toEqual(['stop b']);
  expect(conflicts).toEqual([]);
});

it('of two values for one parameter the one of the larger priority holds, and the other is told', () => {
  const { conflicts, directives } = planCoordination(
    [share('aside', 10), share('budget', 20, 5)],
    context({ a: 'active' }),
  );
  expect(directives).toMatchObject([{ variable: 'budget', parameters: { resources: { memory: 20 } } }]);
  expect(conflicts).toMatchObject([{ kept: { variable: 'budget' }, dropped: { variable: 'aside' } }]);
});

it('among equals the variable that comes first by its id holds', () => {
  const { conflicts, directives } = planCoordination(
    [share('z', 10), share('b', 20)],
    context({ a: 'active' }),
  );
  expect(directives).toMatchObject([{ variable: 'b' }]);
  expect(conflicts).toMatchObject([{ dropped: { variable: 'z' } }]);
});

it('a variable that cannot be coordinated is named, and does not keep the others from it', () => {
  const failing = valued(agentSelection('frail', { agents: ['a'], initial: ['a'], onFailure: 'fail-fast' }), [
    'a',
  ]);
  const limit = valued(customVariable('limit', { initial: 1 }), 2);
  const { directives, failures } = planCoordination([failing, limit], context({ a: 'failed', b: 'active' }));
  expect(failures).toMatchObject([{ variable: 'frail', error: { code: 'agent-unavailable' } }]);
  expect(directives).toMatchObject([{ agent: 'b', action: 'adjust-parameters', parameters: { limit: 2 } }]);
});

it('what was overridden stays so when the winner has arrived: the second look directs nothing', () => {
  const variables = [share('aside', 10), share('budget', 20, 5)];
  const arrived = context({ a: 'active' }, { allocation: { memory: 20, cpuWeight: 1 } });
  const { conflicts, directives } = planCoordination(variables, arrived);
  expect(directives).toEqual([]);
  expect(conflicts).toMatchObject([
    {
      kind: 'value-incompatible',
      target: 'a.resources',
      kept: { variable: 'budget' },
      dropped: { variable: 'aside', agent: 'a' },
      reason: expect.stringContaining('budget has it'),
    },
  ]);
});

const gives = (id: string, agent: string, memory: number, priority = 0): VariableState =>
  valued(resourceAllocation(id, { agents: [agent], initial: {}, priority }), {
    [agent]: { memory, cpuWeight: 1 },
  });
const pool = { totalResources: { memory: 100 }, availableResources: { memory: 100 } };

it('of allocations that together give more than there is the least important give way, until the others fit', () => {
  const variables = [gives('x', 'a', 60), gives('y', 'b', 50, 2), gives('z', 'c', 40)];
  const statuses = context({ a: 'active', b: 'active', c: 'active' });
  const { conflicts, directives } = planCoordination(variables, { ...statuses, ...pool });
  // z is the least important and gives way; x and y are still too much, so x does too.
  expect(directives.map(({ variable }) => variable)).toEqual(['y']);
  expect(conflicts).toMatchObject([
    { kind: 'resource-competition', target: 'memory', kept: { variable: 'y' }, dropped: { variable: 'x' } },
    { kind: 'resource-competition', dropped: { variable: 'z' } },
  ]);
  const fitting = [gives('x', 'a', 60), gives('z', 'c', 40)];
  expect(planCoordination(fitting, { ...statuses, ...pool }).conflicts).toEqual([]);
});

it('one agent is not started and moved at the same time; whose priority is larger has its life', () => {
  const directive = (action: 'start' | 'migrate', variable: string) => ({
    id: `${action} ${variable}`,
    agent: 'a',
    action,
    parameters: {},
    priority: 1,
    timeoutMs: 30_000,
    variable,
    epoch: 1,
  });
  const both = [directive('start', 'aside'), directive('migrate', 'budget')];
  expect(settleLives(both, (variable) => (variable === 'budget' ? 1 : 0), 1_000)).toMatchObject([
    { kind: 'temporal-constraint', target: 'a', variable: 'aside', by: 'budget' },
  ]);
  expect(settleLives(both.slice(1), () => 0, 1_000)).toEqual([]);
});

const names = ['a', 'b', 'c'];
const subset = fc.subarray(names);
const status = fc.constantFrom<AgentStanding['status']>('active', 'inactive', 'starting', 'failed');

test.prop([subset, subset, fc.integer({ min: 0, max: 3 }), fc.tuple(status, status, status)])(
  'no two directives that hold contradict each other, and a space that is as its variables say has none',
  (one, other, priority, [a, b, c]) => {
    const variables = [
      valued(agentSelection('one', { agents: names, initial: [], priority }), one),
      valued(agentSelection('other', { agents: names, initial: [] }), other),
      share('x', 1, priority),
      share('y', 2),
    ];
    const { directives } = planCoordination(variables, context({ a, b, c }));
    const keys = directives.map(({ action, agent }) => `${agent} ${action === 'stop' ? 'start' : action}`);
    expect(new Set(keys).size).toBe(keys.length);
    const selected = new Set([...one, ...other]);
    for (const { action, agent } of directives) {
      if (action === 'stop') expect(selected.has(agent)).toBe(false);
      if (action === 'start') expect(selected.has(agent)).toBe(true);
    }
    const settled = Object.fromEntries(
      names.map((id) => [id, selected.has(id) ? ('active' as const) : ('inactive' as const)]),
    );
    const quiet = planCoordination(variables.slice(0, 2), context(settled));
    expect(quiet.directives).toEqual([]);
  },
);
