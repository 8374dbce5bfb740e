/** The published schema: current, true of every definition there is, and of one mind with the parser. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MabeamError } from '@mabeam/bus';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { spaceSchema } from './definition-form.ts';
import { parseSpaceDefinition } from './parse-space-definition.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const published = JSON.parse(readFileSync(`${root}docs/schemas/space.schema.json`, 'utf8')) as object;

/** A reader of JSON Schema that knows nothing of our schemas: the form is made anew from what is published. */
const foreign = z.fromJSONSchema(withoutNegations(published) as z.core.JSONSchema.JSONSchema);

/** The reader above does not know `not`; nothing in the table below rests on it. */
function withoutNegations(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutNegations);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key]) => key !== 'not');
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutNegations(value)]));
}

function parses(text: string): boolean {
  try {
    parseSpaceDefinition(text, { path: '/desk/space.yaml' });
    return true;
  } catch (error) {
    if (error instanceof MabeamError && error.code === 'space-definition-invalid') return false;
    throw error;
  }
}

test('the committed schema is the one the form has now: mabeam space schema > docs/schemas/space.schema.json', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(spaceSchema())));
});

const files = globSync('{docs,cmd,packages,bench}/**/*space*.yaml', {
  cwd: root,
  exclude: (name) => name === 'node_modules' || name === 'dist',
});

test('there are definitions in the repository', () => expect(files.length).toBeGreaterThan(1));

test.each(files)('%s fits the schema, and an example says so to editors', (file) => {
  const text = readFileSync(root + file, 'utf8');
  expect(foreign.safeParse(parseYaml(text)).error?.issues ?? []).toEqual([]);
  const told = /^# yaml-language-server: \$schema=\S*space\.schema\.json$/m.test(text);
  expect(told).toBe(file.startsWith('docs/'));
});

const agents = 'agents: { a: {}, b: { role: coordinator } }';

describe('the schema and the parser are of one mind about', () => {
  test.each([
    'space: d',
    'space: d\nagents:',
    '{"$schema": "./space.schema.json", "space": "d", "name": "Desk"}',
    'space: d\nagents: { a: { module: ./a.ts, form: in-process, replicas: { min: 0, max: 4, initial: 2 } } }',
    'space: d\nagents: { a: { command: [python3, ./a.py], wire: json, resources: { memory: 256MiB, cpuWeight: 0.5 } } }',
    'space: d\nagents: { a: { after: [b], supervisor: b }, b: { supervision: { strategy: rest-for-one } } }',
    'space: d\nagents: { a: { role: custom, customRole: scribe, permissions: [ask] } }',
    `space: d\n${agents}\npool: { memory: 8GiB, cpu: 4 }\nedges: [{ from: a, to: b, kind: feedback }]\nsupervision: {}`,
    `space: d\n${agents}\nvariables: { s: { kind: agent-selection, scope: cluster, agents: [a, b], initial: b, constraints: { roleCoverage: [coordinator], exclusive: [[a, b]] } } }`,
    `space: d\n${agents}\nvariables: { r: { kind: resource-allocation, constraints: { resourceLimit: { memory: 1GiB } }, agents: [a], initial: { a: 1 } } }`,
    'space: d\nvariables: { p: { kind: coordination-pattern }, q: { kind: adaptation-rate }, t: { kind: communication-topology, domain: { patterns: [ring] } } }',
    'space: d\nvariables: { c: { kind: custom, initial: [1, { x: null }], constraints: { predicates: [odd], compatible: { e: pair } } }, e: { kind: custom, initial: 1 } }',
    'space: d\nvariables: { n: { kind: custom, initial: 1, adaptation: { strategy: reactive, metric: quality, direction: below, target: 0.8 }, onFailure: failover, priority: 3, distribution: { nodes: [n1] }, coordination: mine, resources: { memory: 5MB } } }',
    'space: d\nagents: { a: { replicas: { min: 1, max: 3 } } }\nscaling: { s: { target: { agent: a }, metric: queue, upAbove: 10, downBelow: 1 } }',
    'space: d\nvariables: { n: { kind: custom, initial: 1 } }\nrules: { r: { on: { event: score.*.given }, where: { value: { below: 0.5 }, metric: quality }, adapt: n, by: { set: 2 }, atMost: { changes: 2, perMs: 60000 }, priority: 1, canary: 0.1, guard: { metric: quality } } }',
  ])('good: %s', (text) => {
    expect(foreign.safeParse(parseYaml(text)).error?.issues ?? []).toEqual([]);
    expect(parses(text)).toBe(true);
  });

  test.each([
    '[]',
    'agents: {}',
    'space: 3',
    'space: Desk',
    'space: d\nvarables: {}',
    'space: d\nagents: []',
    'space: d\nagents: { A: {} }',
    'space: d\nagents: { a: { replicas: many } }',
    'space: d\nagents: { a: { replicas: { min: 1 } } }',
    'space: d\nagents: { a: { command: [] } }',
    'space: d\nagents: { a: { form: thread } }',
    'space: d\nagents: { a: { resources: { memory: 12 parsecs } } }',
    'space: d\nagents: { a: { supervision: { strategy: none } } }',
    'space: d\npool: { cpu: 0 }',
    'space: d\nedges: [{ from: a, to: b, kind: wormhole }]',
    'space: d\nvariables: { n: { initial: 1 } }',
    'space: d\nvariables: { n: { kind: nonsense, initial: 1 } }',
    'space: d\nvariables: { n: { kind: custom, initial: 1, scope: everywhere } }',
    'space: d\nvariables: { n: { kind: custom, initial: 1, constraints: { minActive: -1 } } }',
    'space: d\nvariables: { n: { kind: custom, initial: 1, adaptation: { strategy: hopeful, metric: m, direction: below } } }',
    'space: d\nvariables: { n: { kind: custom, initial: 1, onFailure: panic } }',
    'space: d\nscaling: { s: { metric: cpu } }',
    'space: d\nrules: { r: { on: {}, adapt: n, by: { set: 1 } } }',
    'space: d\nrules: { r: { on: { event: nonsense }, adapt: n, by: { set: 1 } } }',
    'space: d\nrules: { r: { on: { trigger: t }, adapt: n, by: { set: 1 }, canary: 0 } }',
  ])('bad: %s', (text) => {
    expect(foreign.safeParse(parseYaml(text)).success).toBe(false);
    expect(parses(text)).toBe(false);
  });
});
