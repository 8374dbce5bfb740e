/** The definition of a space by hand: apply it, look at it, compare, take it elsewhere, delete it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServer, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startDev } from '../src/dev.ts';
import { openStage } from './stage.ts';

const definition = `
space: desk
name: The desk
pool: { memory: 2GiB, cpu: 4 }
supervision: { strategy: one-for-all }
agents:
  words:
    command: [node, ./words.js]
    replicas: { min: 1, max: 4, initial: 2 }
    resources: { memory: 64MiB, cpuWeight: 0.5 }
    variables: { smoothing: { initial: 1, min: 0, max: 10 } }
  judge: { command: [node, ./judge.js], role: coordinator, after: [words], priority: 5 }
edges:
  - { from: judge, to: words, kind: command }
variables:
  active: { kind: agent-selection, agents: [words, judge], constraints: { roleCoverage: [coordinator] } }
  threshold:
    kind: performance-threshold
    initial: 0.5
    domain: { min: 0, max: 1 }
    adaptation: { strategy: reactive, metric: quality, direction: below, target: 0.8 }
  pace: { kind: adaptation-rate, initial: 0.3 }
  wiring: { kind: communication-topology, initial: { pattern: star, hub: judge }, agents: [judge, words] }
scaling:
  more-words: { target: { agent: words }, metric: queue, upAbove: 10, downBelow: 1 }
rules:
  stricter:
    on: { event: score.*.given }
    where: { value: { below: 0.5 } }
    adapt: threshold
    by: { increase: 0.1 }
    atMost: { changes: 3, perMs: 60000 }
    guard: { metric: quality }
    canary: 0.2
`;

type TestServer = Awaited<ReturnType<typeof startTestServer>>;

let one: TestServer;
let other: TestServer;
let folder: string;
let file: string;

beforeAll(async () => {
  [one, other] = await Promise.all([startTestServer(), startTestServer()]);
  folder = await mkdtemp(join(tmpdir(), 'mabeam-space-'));
  file = join(folder, 'space.yaml');
  await writeFile(file, definition);
}, 60_000);

afterAll(async () => {
  await Promise.all([one.stop(), other.stop()]);
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Each server with a stage of its own. */
const stages = {
  one: openStage(() => ({ NATS_URL: one.url })),
  other: openStage(() => ({ NATS_URL: other.url })),
};

test('a dry run says what would be created, and creates nothing', async () => {
  const preview = await stages.one.said('space', 'apply', '-f', file, '--dry-run');
  expect(preview).toMatchObject({ kind: 'dry-run', space: 'desk', would: 'create' });
  expect(preview['differences']).toHaveLength(9);
  expect((await stages.one.mabeam('space', 'list')).stdout).toContain('no spaces');
}, 60_000);

test('applying creates, applying again changes nothing, and a comparison is empty then', async () => {
  const before = await stages.one.mabeam('space', 'diff', '-f', file);
  expect(before).toMatchObject({ exit: 1 });
  expect(before.stdout).toContain('+ agents.words');
  expect(await stages.one.said('space', 'apply', '-f', file)).toMatchObject({
    kind: 'created',
    space: 'desk',
  });
  expect(await stages.one.mabeam('space', 'diff', '-f', file)).toEqual({ exit: 0, stdout: '', stderr: '' });
  expect(await stages.one.said('space', 'apply', '-f', file)).toEqual({ kind: 'unchanged', space: 'desk' });
}, 60_000);

test('a comparison names the fields that differ, and applying makes just these so', async () => {
  const changed = join(folder, 'changed.yaml');
  await writeFile(
    changed,
    definition.replace('max: 1 }', 'max: 0.9 }').replace('priority: 5', 'priority: 6'),
  );
  const { exit, stdout } = await stages.one.mabeam('space', 'diff', '-f', changed);
  expect({ exit, lines: stdout.trim().split('\n') }).toEqual({
    exit: 1,
    lines: ['~ agents.judge', '    priority  5 → 6', '~ variables.threshold', '    domain.max  1 → 0.9'],
  });
  expect(await stages.one.said('space', 'apply', '-f', changed)).toMatchObject({ kind: 'updated' });
  expect(await stages.one.said('space', 'apply', '-f', file)).toMatchObject({ kind: 'updated' });
}, 60_000);

test('what is exported is the same space on an empty server, with the values of now when they are wanted', async () => {
  expect((await stages.one.mabeam('variable', 'set', 'threshold', '0.7')).exit).toBe(0);
  expect((await stages.one.mabeam('variable', 'set', 'words.smoothing', '4')).exit).toBe(0);
  const exported = join(folder, 'exported.yaml');
  await writeFile(exported, (await stages.one.mabeam('space', 'export', 'desk')).stdout);
  expect(await stages.other.said('space', 'apply', '-f', exported)).toMatchObject({ kind: 'created' });
  expect(await stages.other.mabeam('space', 'diff', '-f', file)).toMatchObject({ exit: 0 });
  expect(await stages.other.said('space', 'get')).toEqual(await stages.one.said('space', 'get'));

  const valued = join(folder, 'valued.json');
  await writeFile(
    valued,
    (await stages.one.mabeam('space', 'export', 'desk', '--values', '-o', 'json')).stdout,
  );
  expect((await stages.other.mabeam('space', 'delete', 'desk', '--yes')).exit).toBe(0);
  expect(await stages.other.said('space', 'apply', '-f', valued)).toMatchObject({ kind: 'created' });
  expect(await stages.other.said('variable', 'get', 'threshold')).toMatchObject({ value: 0.7 });
  expect(await stages.other.said('variable', 'get', 'words.smoothing')).toMatchObject({ value: 4 });
}, 60_000);

test('the definition is shown as a table, as YAML and as JSON', async () => {
  const table = await stages.one.mabeam('space', 'get', 'desk');
  expect(table.stdout).toMatch(/words\s+executor\s+1–4/);
  expect(table.stdout).toContain('event score.*.given');
  expect((await stages.one.mabeam('space', 'get', '-o', 'yaml')).stdout).toContain('\nrules:\n  stricter:\n');
}, 60_000);

test('all mistakes of a file are told at once, with their places', async () => {
  const broken = join(folder, 'broken.yaml');
  await writeFile(broken, 'space: desk\nagents:\n  a: { rolle: x, after: [b] }\n  c: { after: [c2] }\n');
  const { exit, stderr } = await stages.one.mabeam('space', 'apply', '-f', broken);
  expect(exit).toBe(2);
  expect(stderr).toContain('broken.yaml:3:8: agents.a.rolle: unknown field "rolle"; did you mean "role"?');
  expect(stderr).toContain('broken.yaml:4:16: agents.c.after[0]: there is no agent "c2"; there are c, a');
  expect((await stages.one.mabeam('space', 'apply')).stderr).toContain('-f');
}, 60_000);

test('a variable is created from flags and from a file, once', async () => {
  const create = ['variable', 'create', 'budget', '--kind', 'custom', '--initial', '10', '--space', 'desk'];
  expect(await stages.one.said(...create)).toMatchObject({ kind: 'created', id: 'budget', initial: 10 });
  expect(await stages.one.said(...create)).toMatchObject({ kind: 'unchanged', id: 'budget' });
  const another = [...create.slice(0, 6), '11'];
  expect(await stages.one.mabeam(...another)).toMatchObject({ exit: 3 });
  const night = join(folder, 'night.yaml');
  await writeFile(night, 'id: night\nkind: agent-selection\nagents: [words]\ninitial: words\n');
  expect(await stages.one.said('variable', 'create', '-f', night)).toMatchObject({ initial: ['words'] });
  await writeFile(night, 'late: { kind: agent-selection, agents: [wordz] }\n');
  const stranger = await stages.one.mabeam('variable', 'create', '-f', night);
  expect(stranger).toMatchObject({ exit: 2 });
  expect(stranger.stderr).toContain('did you mean words?');
  await writeFile(night, 'late:\n  kind: custom\n  initial: 1\n  domain: { maks: 1 }\n');
  expect((await stages.one.mabeam('variable', 'create', '-f', night)).stderr).toMatch(
    /night\.yaml:4:\d+: late\.domain\.maks/,
  );
}, 60_000);

test('a predicate is judged by the module that brings it, and refused without', async () => {
  const even = join(folder, 'even.yaml');
  const module = join(folder, 'even.mjs');
  await writeFile(
    even,
    'space: even\nvariables: { n: { kind: custom, initial: 3, constraints: { predicates: [even] } } }\n',
  );
  await writeFile(
    module,
    "export const even = { name: 'even', predicate: (value) => value % 2 === 0 || 'odd' };\n",
  );
  expect((await stages.one.mabeam('space', 'apply', '-f', even)).stderr).toContain('--predicates');
  const refused = await stages.one.mabeam('space', 'apply', '-f', even, '--predicates', module);
  expect(refused.stderr).toContain('even: odd');
  await writeFile(even, (await readFile(even, 'utf8')).replace('initial: 3', 'initial: 4'));
  expect((await stages.one.mabeam('space', 'apply', '-f', even, '--predicates', module)).exit).toBe(0);
}, 60_000);

test('a space goes only when it is meant, and then with all of it', async () => {
  const { exit, stderr } = await stages.one.mabeam('space', 'delete', 'desk');
  expect(exit).toBe(2);
  expect(stderr).toContain('--yes');
  expect(await stages.one.said('space', 'delete', 'desk', '--yes')).toEqual({
    kind: 'deleted',
    space: 'desk',
    stopped: [],
  });
  expect((await stages.one.mabeam('space', 'list')).stdout).not.toContain('desk');
  expect(await stages.one.mabeam('space', 'delete', 'desk', '--yes')).toMatchObject({ exit: 2 });
}, 60_000);

test('under a running orchestrator a file starts the agents, and a deletion stops them first', async () => {
  const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));
  const team = join(folder, 'team.yaml');
  const text = await readFile(join(fixtures, 'space.yaml'), 'utf8');
  await writeFile(team, text.replaceAll('./echo.ts', join(fixtures, 'echo.ts')));
  const session = await startDev({ spaces: ['smallest'] });
  onTestFinished(() => session.stop());
  const { said: here } = openStage(() => ({ NATS_URL: session.url }));
  await here('space', 'apply', '-f', team);
  await waitFor(async () => JSON.stringify(await here('ps')).includes('"status":"active"'), {
    what: 'the agent of the file is active',
    timeoutMs: 20_000,
    everyMs: 50,
  });
  const smaller = join(folder, 'smaller.yaml');
  await writeFile(smaller, (await readFile(team, 'utf8')).replace('initial: [echo]', 'initial: [spare]'));
  expect(await here('space', 'apply', '-f', smaller, '--dry-run')).toMatchObject({
    would: 'update',
    differences: [{ part: 'variables.chosen', fields: [{ field: 'initial' }] }],
    directives: [],
  });
  expect(await here('space', 'delete', 'smallest', '--yes')).toEqual({
    kind: 'deleted',
    space: 'smallest',
    stopped: ['echo.0'],
  });
  expect(await here('space', 'list')).toEqual([]);
}, 90_000);
