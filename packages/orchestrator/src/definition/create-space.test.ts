import type { BucketEntry } from '@mabeam/bus';
import { agentSelection, performanceThreshold } from '@mabeam/variables';
import { describe, expect, test } from 'vitest';
import { specOf } from '../../test/team.ts';
import { planSpace, type PresentBucket } from './create-space.ts';
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
  return { get: find, entries: () => entries, revisionOf: (key) => find(key)?.revision ?? 0 };
}

/** The bucket that these writes make of another. */
function after(
  definition: SpaceDefinition,
  bodies: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const next: Record<string, unknown> = { ...bodies };
  for (const { key, body, operation } of planSpace(definition, bucketOf(bodies), options)) {
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
  test('keeps a value that fits the changed definition', () => {
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
    expect(planSpace(changed, bucketOf(bucket), options).map(({ key }) => key)).toEqual([
      'definition.threshold',
    ]);
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
  test('what is not named any more loses its definition, not its value', () => {
    const smaller = { ...desk, variables: desk.variables.slice(0, 1), rules: [] };
    const writes = planSpace(smaller, bucketOf(after(desk)), options);
    expect(writes.map(({ key, operation }) => [key, operation])).toEqual([
      ['definition.threshold', 'delete'],
      ['definition.rule.more', 'delete'],
    ]);
  });
  test('refuses more than the server takes at once', () => {
    const agents = Array.from({ length: 1_001 }, (_, index) => specOf(`a${index}`));
    expect(() => planSpace({ ...desk, agents, variables: [], rules: [] }, bucketOf({}), options)).toThrow(
      '1000',
    );
  });
});
