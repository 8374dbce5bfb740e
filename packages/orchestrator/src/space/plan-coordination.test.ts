import { agentSelection, customVariable, resourceAllocation, type VariableState } from '@mabeam/variables';
import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { specOf, valued } from '../../test/team.ts';
import type { AgentStanding, CoordinationContext } from '../strategies/coordination.ts';
import { planCoordination } from './plan-coordination.ts';

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
