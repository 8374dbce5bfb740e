import type { BucketEntry } from '@mabeam/bus';
import {
  adaptationRate,
  agentSelection,
  customVariable,
  performanceThreshold,
  predicatesOf,
  resourceAllocation,
  type Constraints,
} from '@mabeam/variables';
import { describe, expect, test } from 'vitest';
import { specOf } from '../../test/team.ts';
import { planSpace, type PlanOptions, type PresentBucket } from './create-space.ts';
import type { SpaceDefinition } from './space-definition.ts';

const options = { by: 'operator', at: '2026-01-01T00:00:00.000Z' };

const desk: SpaceDefinition = {
  space: 'desk',
  agents: [specOf('words'), specOf('links', { variables: { depth: { initial: 2, max: 5 } } })],
  variables: [
    agentSelection('active', { agents: ['words', 'links'], initial: ['words'] }),
    performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1 }),
  ],
  rules: [{ v: 1, id: 'more', on: { trigger: 't' }, adapt: 'active', by: { add: ['links'] }, cooldownMs: 0 }],
};

/** A bucket after these bodies were written, one revision each. */
function bucketOf(bodies: Readonly<Record<string, unknown>>): PresentBucket {
  const entries = Object.entries(bodies).map(([key, body], index): BucketEntry => ({
    key,
    revision: index + 1,
    operation: 'put',
    data: new TextEncoder().encode(JSON.stringify(body)),
    at: new Date(0),
  }));
  const find = (key: string) => entries.find((entry) => entry.key === key);
  return {
    applied: entries.length,
    get: find,
    entries: () => entries,
    revisionOf: (key) => find(key)?.revision ?? 0,
  };
}

/** The bucket that these writes make of another. */
function after(
  definition: SpaceDefinition,
  bodies: Readonly<Record<string, unknown>> = {},
  planned: PlanOptions = options,
): Record<string, unknown> {
  const next: Record<string, unknown> = { ...bodies };
  for (const { key, body, operation } of planSpace(definition, bucketOf(bodies), planned)) {
    if (operation === 'delete') delete next[key];
    else next[key] = body;
  }
  return next;
}

describe('creating a space', () => {
  test('writes definitions, rules and first values, expecting none', () => {
    const writes = planSpace(desk, bucketOf({}), options);
    expect(writes.map(({ key, expect: expected }) => [key, expected])).toEqual([
      ['definition.agent.words', 0],
      ['definition.agent.links', 0],
      ['definition.active', 0],
      ['definition.threshold', 0],
      ['definition.rule.more', 0],
      ['space.active', 0],
      ['space.threshold', 0],
    ]);
    expect(writes.at(-1)?.body).toMatchObject({
      value: 0.5,
      by: 'operator',
      cause: 'initial',
      definitionRevision: 0,
    });
  });
  test('again writes nothing', () => {
    expect(planSpace(desk, bucketOf(after(desk)), options)).toEqual([]);
  });
  test('with a changed agent writes that agent alone, onto its revision', () => {
    const changed = { ...desk, agents: [specOf('words', { replicas: 2 }), ...desk.agents.slice(1)] };
    expect(planSpace(changed, bucketOf(after(desk)), options)).toMatchObject([
      { key: 'definition.agent.words', expect: 1, body: { replicas: 2 } },
    ]);
  });
  test('keeps a value that fits the changed definition, and affirms it in the same batch', () => {
    const bucket = after(desk);
    bucket['space.threshold'] = {
      v: 1,
      value: 0.7,
      definitionRevision: 1,
      by: 'x',
      at: options.at,
      cause: '',
    };
    const [active] = desk.variables;
    const narrower = performanceThreshold('threshold', { initial: 0.6, min: 0.6, max: 1 });
    const changed = { ...desk, variables: active === undefined ? [] : [active, narrower] };
    const writes = planSpace(changed, bucketOf(bucket), options);
    expect(writes.map(({ key }) => key)).toEqual(['definition.threshold', 'space.threshold']);
    expect(writes[1]?.body).toMatchObject({ value: 0.7, cause: 'redefined', by: 'operator' });
  });
  test('refuses a changed definition that a value does not fit, and says what to do', () => {
    const [active] = desk.variables;
    const narrower = performanceThreshold('threshold', { initial: 0.6, min: 0.6, max: 1 });
    const changed = { ...desk, variables: active === undefined ? [] : [active, narrower] };
    const plan = () => planSpace(changed, bucketOf(after(desk)), options);
    expect(plan).toThrow(expect.objectContaining({ code: 'value-outgrown' }));
    expect(plan).toThrow('mabeam variable set threshold');
  });
  test('refuses the same of a local variable', () => {
    const bucket = after(desk);
    bucket['agent.links.depth'] = {
      v: 1,
      value: 4,
      definitionRevision: 1,
      by: 'x',
      at: options.at,
      cause: '',
    };
    const [words] = desk.agents;
    const narrower = specOf('links', { variables: { depth: { initial: 1, max: 3 } } });
    const changed = { ...desk, agents: words === undefined ? [narrower] : [words, narrower] };
    expect(() => planSpace(changed, bucketOf(bucket), options)).toThrow('links.depth');
  });
  test('what is not named any more goes, its value first, and its scale', () => {
    const scale = { v: 1, replicas: 3, by: 'x', at: options.at, cause: '' };
    const local = { v: 1, value: 4, definitionRevision: 1, by: 'x', at: options.at, cause: '' };
    const bucket = { ...after(desk), 'scale.links': scale, 'agent.links.depth': local };
    const smaller = {
      ...desk,
      agents: desk.agents.slice(0, 1),
      variables: [agentSelection('active', { agents: ['words'], initial: ['words'] })],
      rules: [],
    };
    const writes = planSpace(smaller, bucketOf(bucket), options);
    expect(writes.filter(({ operation }) => operation === 'delete').map(({ key }) => key)).toEqual([
      'space.threshold',
      'agent.links.depth',
      'scale.links',
      'definition.agent.links',
      'definition.threshold',
      'definition.rule.more',
    ]);
  });
  test('what comes back under an id begins with its own initial value', () => {
    const [active] = desk.variables;
    const without = { ...desk, variables: active === undefined ? [] : [active] };
    const bucket = after(without, after(desk));
    const again = after(desk, { ...bucket });
    expect(again['space.threshold']).toMatchObject({ value: 0.5, cause: 'initial' });
  });
  test('refuses more than the server takes at once', () => {
    const agents = Array.from({ length: 1_001 }, (_, index) => specOf(`a${index}`));
    expect(() => planSpace({ ...desk, agents, variables: [], rules: [] }, bucketOf({}), options)).toThrow(
      '1000',
    );
  });
});

describe('the space that results is judged as a whole', () => {
  const bounded = (constraints: Constraints, initial = 5) => ({
    ...desk,
    variables: [
      ...desk.variables,
      customVariable('budget', { initial, min: 0, constraints }),
      customVariable('floor', { initial: 3, min: 0 }),
    ],
  });
  const above = predicatesOf([
    { name: 'above', predicate: (value, other) => Number(value) > Number(other) || 'too low' },
    { name: 'even', predicate: (value) => Number(value) % 2 === 0 },
  ]);
  const judged = { ...options, predicates: above };

  test('two first values that are not compatible are refused with the reason', () => {
    const plan = () => planSpace(bounded({ compatible: { floor: 'above' } }, 2), bucketOf({}), judged);
    expect(plan).toThrow(expect.objectContaining({ code: 'constraint-violation' }));
    expect(plan).toThrow('budget: constraints.compatible.floor: above with floor: too low');
  });
  test('a first value that its predicate refuses is refused', () => {
    const plan = () => planSpace(bounded({ predicates: ['even'] }), bucketOf({}), judged);
    expect(plan).toThrow('budget: constraints.predicates');
  });
  test('a predicate that is not known here refuses what it would judge, and nothing else', () => {
    const definition = bounded({ predicates: ['even'] }, 4);
    expect(() => planSpace(definition, bucketOf({}), options)).toThrow(
      expect.objectContaining({ code: 'handler-not-registered' }),
    );
    const bucket = after(definition, {}, judged);
    const elsewhere = { ...definition, rules: [] };
    expect(planSpace(elsewhere, bucketOf(bucket), options)).toHaveLength(1);
  });
  test('a new bond with a value somebody has set is judged by that value', () => {
    const bucket = after(bounded({}), {}, judged);
    const value = { v: 1, value: 7, definitionRevision: 1, by: 'x', at: options.at, cause: '' };
    bucket['space.floor'] = value;
    const plan = () => planSpace(bounded({ compatible: { floor: 'above' } }), bucketOf(bucket), judged);
    expect(plan).toThrow('above with floor');
    bucket['space.floor'] = { ...value, value: 1 };
    const writes = plan();
    expect(writes.map(({ key }) => key)).toEqual(['definition.budget', 'space.budget', 'space.floor']);
    expect(writes[0]).toMatchObject({ expectKey: '>', expect: Object.keys(bucket).length });
  });
  test('a change of role that leaves a role uncovered is refused, though no variable changes', () => {
    const covered = {
      ...desk,
      agents: [specOf('words', { role: 'coordinator' }), specOf('links')],
      variables: [
        agentSelection('active', {
          agents: ['words', 'links'],
          initial: ['words'],
          constraints: { roleCoverage: ['coordinator'] },
        }),
      ],
      rules: [],
    };
    const bucket = after(covered);
    const swapped = {
      ...covered,
      agents: [specOf('words'), specOf('links', { role: 'coordinator' })],
    };
    const [active] = covered.variables;
    const variables = active === undefined ? [] : [{ ...active, initial: ['links'] }];
    expect(() => planSpace({ ...swapped, variables }, bucketOf(bucket), options)).toThrow(
      'nobody selected has the role coordinator',
    );
  });
  test('the last coordinator keeps its role, unless another gets it in the same change; it may leave altogether', () => {
    const of = (words: 'coordinator' | 'executor', links: 'coordinator' | 'executor') => ({
      ...desk,
      agents: [specOf('words', { role: words }), specOf('links', { role: links })],
    });
    const bucket = () => bucketOf(after(of('coordinator', 'executor')));
    expect(() => planSpace(of('executor', 'executor'), bucket(), options)).toThrow('the last coordinator');
    expect(planSpace(of('executor', 'coordinator'), bucket(), options)).toHaveLength(2);
    const both = bucketOf(after(of('coordinator', 'coordinator')));
    expect(() => planSpace(of('executor', 'executor'), both, options)).toThrow('the last coordinator');
    const bare = { ...desk, agents: [], variables: [], rules: [] };
    expect(planSpace(bare, bucket(), options).some(({ operation }) => operation === 'delete')).toBe(true);
  });
  test('a value whose normal form another definition changes is written in that form', () => {
    const shares = (limit?: number) => ({
      ...desk,
      variables: [
        ...desk.variables,
        resourceAllocation('share', {
          agents: ['words', 'links'],
          initial: { words: { memory: 1, cpuWeight: 1 } },
          ...(limit === undefined ? {} : { resourceLimit: { memory: limit } }),
        }),
        adaptationRate('pace'),
      ],
    });
    const bucket = after(shares());
    const raw = { words: { memory: 5, cpu_weight: 1 } };
    bucket['space.share'] = { v: 1, value: raw, definitionRevision: 1, by: 'x', at: options.at, cause: '' };
    const writes = planSpace(shares(10), bucketOf(bucket), options);
    expect(writes[1]?.body).toMatchObject({
      value: { words: { memory: 5, cpuWeight: 1, networkPriority: 'normal' } },
    });
  });
});

test('the record of the space, scaling policies and all else are written once', () => {
  const whole: SpaceDefinition = {
    ...desk,
    name: 'Desk',
    pool: { cpu: 4 },
    edges: [{ from: 'words', to: 'links', kind: 'data' }],
    agents: [specOf('words', { bounds: { min: 1, max: 3 } }), specOf('links')],
    variables: [agentSelection('active', { agents: ['words', 'links'] })],
    scaling: [
      {
        v: 1,
        id: 'more-words',
        target: { agent: 'words' },
        step: 1,
        cooldownMs: 0,
        stabilizationMs: 0,
      },
    ],
    rules: [],
  };
  const bucket = after(whole);
  expect(bucket['definition.space']).toMatchObject({ v: 1, name: 'Desk', pool: { cpu: 4 } });
  expect(bucket['definition.scaling.more-words']).toMatchObject({ target: { agent: 'words' } });
  expect(planSpace(whole, bucketOf(bucket), options)).toEqual([]);
});
