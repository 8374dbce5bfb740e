import { fc, it } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { parseVariableDefinition } from './definition.ts';
import { infeasibility } from './feasible.ts';
import type { Constraints } from './variable.ts';

const agents = ['a', 'b', 'c', 'd'];
const roles: Readonly<Record<string, string>> = {
  a: 'coordinator',
  b: 'executor',
  c: 'evaluator',
  d: 'executor',
};
const roleOf = (agent: string): string | undefined => roles[agent];

function selecting(constraints: Constraints) {
  return parseVariableDefinition({ id: 's', kind: 'agent-selection', agents, constraints, initial: [] });
}

describe('constraints that no selection meets', () => {
  test.each<[string, Constraints, string]>([
    ['a role that nobody has', { roleCoverage: ['monitor'] }, 'monitor'],
    [
      'roles whose only holders exclude each other',
      { roleCoverage: ['coordinator', 'evaluator'], exclusive: [['a', 'c']] },
      'no set',
    ],
    [
      'more roles than may be active',
      { roleCoverage: ['coordinator', 'executor'], maxConcurrent: 1 },
      'no set',
    ],
    [
      'an agent that requires whom it excludes',
      { requires: { a: ['c'] }, exclusive: [['a', 'c']] },
      'a can never',
    ],
    [
      'the same by way of another',
      { requires: { a: ['b'], b: ['d'] }, exclusive: [['d', 'a']] },
      'a can never be selected: with all that it requires (a, b, d)',
    ],
    ['needs beyond maxConcurrent', { requires: { a: ['c', 'd'] }, maxConcurrent: 2 }, 'a can never'],
  ])('%s', (_name, constraints, message) => {
    const problem = infeasibility(selecting(constraints), roleOf);
    expect(problem?.code).toBe('invalid-constraint');
    expect(problem?.message).toContain(message);
  });
});

test('roles that some set covers are no problem, though not every set does', () => {
  const constraints: Constraints = {
    roleCoverage: ['coordinator', 'executor'],
    exclusive: [['a', 'b']],
    maxConcurrent: 2,
  };
  expect(infeasibility(selecting(constraints), roleOf)).toBeUndefined();
});

it.prop([
  fc.array(fc.tuple(fc.constantFrom(...agents), fc.constantFrom(...agents)), { maxLength: 4 }),
  fc.subarray(['coordinator', 'executor', 'evaluator']),
  fc.integer({ min: 1, max: 4 }),
])('is found exactly when trying all selections finds it', (pairs, covered, maxConcurrent) => {
  const exclusive = pairs.filter(([a, b]) => a !== b);
  const constraints = { exclusive, maxConcurrent, ...(covered.length > 0 ? { roleCoverage: covered } : {}) };
  const some = Array.from({ length: 16 }, (_, bits) =>
    agents.filter((_agent, i) => (bits >> i) % 2 === 1),
  ).some(
    (chosen) =>
      chosen.length <= maxConcurrent &&
      covered.every((role) => chosen.some((agent) => roleOf(agent) === role)) &&
      !exclusive.some(([a, b]) => chosen.includes(a) && chosen.includes(b)),
  );
  expect(infeasibility(selecting(constraints), roleOf) === undefined).toBe(some);
});
