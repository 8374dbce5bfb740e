import { readFileSync } from 'node:fs';
import { fc, it } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { definedSpace } from './read-space.ts';
import { definitionBodies } from './bodies.ts';
import { diffSpace } from './diff-space.ts';
import { parseSpaceDefinition } from './parse-space-definition.ts';
import { spaceDocument, spaceYaml } from './space-text.ts';

const parse = (text: string) => parseSpaceDefinition(text, { path: '/desk/space.yaml' });
const whole = `
space: desk
name: Desk
pool: { memory: 1GiB, cpu: 2 }
supervision: { strategy: rest-for-one, maxFailures: 5 }
agents:
  a: { module: ./a.ts, form: worker, replicas: { min: 1, max: 4, initial: 2 }, after: [b], supervisor: b }
  b: { command: [sh, ./b.sh], wire: json, role: custom, customRole: clerk, permissions: [ask], stateless: true }
  c: { restart: temporary, group: g, config: { deep: { er: [1, null] } }, variables: { n: { initial: 1, max: 3 } } }
edges: [{ from: b, to: a, kind: data }]
variables:
  s: { kind: agent-selection, scope: cluster, agents: [a, b], initial: [a], onFailure: failover, priority: 2 }
  n:
    kind: custom
    initial: 1
    constraints: { predicates: [odd], compatible: { c.n: fits } }
    adaptation: { strategy: predictive, metric: q, direction: above, target: 3 }
    distribution: { nodes: [n1] }
    resources: { memory: 5MB }
    coordination: mine
scaling: { more: { target: { agent: a }, metric: queue, upAbove: 3 } }
rules:
  r: { on: { event: a.b }, where: { x: { in: [1] }, y: true }, adapt: n, by: { set: 2 }, guard: { metric: q }, canary: 0.5, priority: 1 }
`;
const desk = readFileSync(
  new URL('../../../../docs/examples/01-mail-desk/space.yaml', import.meta.url),
  'utf8',
);

/** A bucket that was made from a definition. */
function bucketOf(definition: ReturnType<typeof parse>) {
  const entries = [...definitionBodies(definition)].map(([key, body], index) => ({
    key,
    revision: index + 1,
    operation: 'put' as const,
    data: new TextEncoder().encode(JSON.stringify(body)),
    at: new Date(0),
  }));
  return { applied: entries.length, entries };
}

describe('what is written of a definition', () => {
  test.each([whole, desk])('is read back as the same definition, as YAML and as JSON', (text) => {
    const definition = parse(text);
    expect(parse(spaceYaml(definition))).toEqual(definition);
    expect(parse(JSON.stringify(spaceDocument(definition)))).toEqual(definition);
  });
  test('begins, when that is wanted, with where its schema is', () => {
    expect(spaceYaml(parse(whole), './s.json').split('\n')[0]).toBe(
      '# yaml-language-server: $schema=./s.json',
    );
  });
  it.prop([
    fc.record({
      replicas: fc.integer({ min: 0, max: 9 }),
      role: fc.constantFrom('executor', 'monitor'),
      config: fc.dictionary(
        fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
        fc.jsonValue(),
      ),
      initial: fc.jsonValue(),
    }),
  ])('is the same for whatever stands in configurations and values', ({ initial, ...agent }) => {
    const text = JSON.stringify({
      space: 'd',
      agents: { a: agent },
      variables: { v: { kind: 'custom', initial } },
    });
    const definition = parse(text);
    expect(parse(spaceYaml(definition))).toEqual(definition);
  });
});

describe('a definition read from a bucket', () => {
  test.each([whole, desk])('is the one the bucket was made from, and does not differ from it', (text) => {
    const definition = parse(text);
    const { definition: read, problems } = definedSpace('desk', bucketOf(definition));
    expect(problems.size).toBe(0);
    const again = parse(spaceYaml({ ...read, space: definition.space }));
    expect(diffSpace(definitionBodies(definition), again)).toEqual([]);
  });
  test('begins, when that is wanted, with the values and replicas of now', () => {
    const { applied, entries } = bucketOf(parse(whole));
    const now = { by: 'x', at: '2026-01-01T00:00:00.000Z', cause: '' };
    const bodies = {
      'space.n': { v: 1, value: 9, definitionRevision: 0, ...now },
      'agent.c.n': { v: 1, value: 3, definitionRevision: 0, ...now },
      'scale.a': { v: 1, replicas: 7, ...now },
    };
    const values = Object.entries(bodies).map(([key, body], index) => ({
      key,
      revision: applied + index + 1,
      operation: 'put' as const,
      data: new TextEncoder().encode(JSON.stringify(body)),
      at: new Date(0),
    }));
    const bucket = { applied: applied + values.length, entries: [...entries, ...values] };
    const { agents, variables } = definedSpace('desk', bucket, { withValues: true }).definition;
    expect(variables.find(({ id }) => id === 'n')?.initial).toBe(9);
    expect(agents.find(({ id }) => id === 'c')?.variables['n']?.initial).toBe(3);
    expect(agents.find(({ id }) => id === 'a')).toMatchObject({ replicas: 4, bounds: { min: 1, max: 4 } });
    expect(definedSpace('desk', bucket).definition.variables.find(({ id }) => id === 'n')?.initial).toBe(1);
  });
  test('names what could not be read and leaves it out', () => {
    const { applied, entries } = bucketOf(parse(whole));
    const broken = entries.map((entry) =>
      entry.key === 'definition.rule.r' ? { ...entry, data: new TextEncoder().encode('{}') } : entry,
    );
    const { definition, problems } = definedSpace('desk', { applied, entries: broken });
    expect(definition.rules).toEqual([]);
    expect([...problems.keys()]).toEqual(['definition.rule.r']);
  });
});

test('a difference names each field, and what is added and removed', () => {
  const present = definitionBodies(parse(whole));
  const changed = parse(
    whole
      .replace('maxFailures: 5', 'maxFailures: 6')
      .replace('scaling: {', 'scaling: { other: { target: { agent: a } }, #')
      .replace(', #', '}\n#'),
  );
  expect(diffSpace(present, changed)).toMatchObject([
    { kind: 'removed', part: 'scaling.more' },
    { kind: 'added', part: 'scaling.other' },
    { kind: 'changed', part: 'space', fields: [{ field: 'supervision.maxFailures', from: 5, to: 6 }] },
  ]);
});
