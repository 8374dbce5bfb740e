import { describe, expect, it } from 'vitest';
import {
  adaptationRate,
  agentSelection,
  communicationTopology,
  coordinationPattern,
  customVariable,
  performanceThreshold,
  resourceAllocation,
} from './constructors.ts';
import { parseVariableDefinition } from './definition.ts';
import { variableKinds } from './variable.ts';

const agents = ['a', 'b', 'c', 'd'];

describe('the seven constructors', () => {
  const made = [
    agentSelection('one', { agents }),
    resourceAllocation('two', { agents }),
    communicationTopology('three'),
    adaptationRate('four'),
    performanceThreshold('five', { initial: 0.5 }),
    coordinationPattern('six'),
    customVariable('seven', { initial: { free: true } }),
  ];

  it('make each kind, in the order of the kinds', () => {
    expect(made.map(({ kind }) => kind)).toEqual([...variableKinds]);
  });

  it('give what can do without one a natural initial value', () => {
    expect(made.map(({ initial }) => initial)).toEqual([
      agents,
      { a: 0.25, b: 0.25, c: 0.25, d: 0.25 },
      { pattern: 'mesh' },
      1,
      0.5,
      'broadcast',
      { free: true },
    ]);
  });

  it('make data that parses to itself after a journey as JSON text', () => {
    for (const definition of made)
      expect(parseVariableDefinition(JSON.parse(JSON.stringify(definition)))).toEqual(definition);
  });

  it('take predicates and bonds on every kind', () => {
    const constraints = { predicates: ['is-kind'], compatible: { other: 'fits' } };
    const custom = customVariable('x', { initial: 1, constraints });
    expect(custom.constraints).toEqual(constraints);
    expect(resourceAllocation('y', { constraints }).constraints).toEqual(constraints);
    expect(communicationTopology('z', { allowPartition: true, constraints }).constraints).toEqual({
      ...constraints,
      allowPartition: true,
    });
  });
});

describe('the original names of options', () => {
  it('are accepted, and come out as ours', () => {
    const definition = parseVariableDefinition({
      id: 'budget',
      type: 'resource_allocation',
      agents: ['a'],
      constraints: { resource_limit: { cpu_weight: 2 } },
      initial: { a: { memory: 1_024, cpu_weight: 1.5, network_priority: 'high' } },
    });
    expect(definition).toMatchObject({
      kind: 'resource-allocation',
      constraints: { resourceLimit: { cpuWeight: 2 } },
      initial: { a: { memory: 1_024, cpuWeight: 1.5, networkPriority: 'high' } },
    });
  });
});

describe('a scope', () => {
  it('of cluster is for listed agents', () => {
    expect(customVariable('x', { initial: 1, scope: 'cluster', agents: ['a'] }).scope).toBe('cluster');
    expect(() => customVariable('x', { initial: 1, scope: 'cluster' })).toThrowError(
      expect.objectContaining({ code: 'empty-agents' }),
    );
  });
});

it.each([
  ['a predicate that could not be named', { predicates: ['Not A Name'] }, 'constraints.predicates'],
  ['a predicate twice', { predicates: ['p', 'p'] }, 'constraints.predicates'],
  ['a bond to itself', { compatible: { x: 'p' } }, 'constraints.compatible.x'],
  ['a bond to what is no id', { compatible: { 'a.b.c': 'p' } }, 'constraints.compatible.a.b.c'],
  ['roles on what selects nobody', { roleCoverage: ['executor'] }, 'constraints.roleCoverage'],
  [
    'a limit of resources on what allocates none',
    { resourceLimit: { memory: 1 } },
    'constraints.resourceLimit',
  ],
])('%s is an invalid constraint', (_, constraints, field) => {
  expect(() => parseVariableDefinition({ id: 'x', kind: 'custom', initial: 1, constraints })).toThrowError(
    expect.objectContaining({ code: 'invalid-constraint', details: { subject: 'x', field } }),
  );
});
