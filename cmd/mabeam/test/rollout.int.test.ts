/** Changes under guard by hand: a space of processes and the commands as a person types them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshSpace } from '@mabeam/testing';
import { expect, test } from 'vitest';
import { useTeam } from './stage.ts';

const space = freshSpace('rollout');
const definition = `
space: ${space}
agents:
  words: { module: ./echo.ts, form: in-process }
variables:
  pace: { kind: custom, initial: 1, domain: { min: 0, max: 10 } }
  threshold: { kind: performance-threshold, initial: 0.5, domain: { min: 0, max: 1 } }
rules:
  hurry: { on: { trigger: hurry }, adapt: pace, by: { increase: 1 }, cooldownMs: 0 }
`;
const { mabeam, said } = useTeam(space, definition);
const valueOf = async (id: string): Promise<unknown> => (await said('variable', 'get', id))['value'];

test('a change set is written as one, and undone as one', async () => {
  const answer = await said('changeset', 'apply', 'pace=4', 'threshold=0.7', '--wait');
  expect(answer).toMatchObject({ kind: 'written', outcome: 'applied' });
  expect([await valueOf('pace'), await valueOf('threshold')]).toEqual([4, 0.7]);
  expect(await said('changeset', 'apply', 'pace=4')).toMatchObject({ kind: 'noop' });
  const id = String(answer['adaptation']);
  expect(await said('adapt', 'undo', id.slice(0, 12))).toMatchObject({
    outcome: 'rolled-back',
    adaptation: id,
  });
  expect([await valueOf('pace'), await valueOf('threshold')]).toEqual([1, 0.5]);
  const twice = await mabeam('adapt', 'undo', id);
  expect(twice.exit).toBe(3);
  expect(twice.stderr).toContain('nothing of it is there to undo');
}, 60_000);

test('a canary is shown as it stands, and promoted or undone by hand', async () => {
  const guarded = ['--canary', '10%', '--guard', 'quality', '--window', '10m'];
  const { adaptation } = await said('changeset', 'apply', 'pace=6', ...guarded);
  const id = String(adaptation);
  expect(await valueOf('pace')).toBe(1);
  const clash = await mabeam('changeset', 'apply', 'pace=7', ...guarded);
  expect(clash.exit).toBe(3);
  expect(clash.stderr).toContain('mabeam rollout undo');
  expect((await mabeam('rollout', 'list', '--open')).stdout).toMatch(/evaluating.*operator:.*pace: 1 → 6/);
  const status = await mabeam('rollout', 'status', id.slice(0, 8));
  expect(status.stdout).toMatch(/canary of 10 %; 3 windows of 600000 ms/);
  expect(await said('rollout', 'status', id)).toMatchObject({
    outcome: 'evaluating',
    rollout: { mode: 'canary', guard: { share: 0.1 } },
    evidence: { candidate: { samples: 0 }, windowsPlanned: 3 },
  });
  expect(await said('rollout', 'promote', id, '--by', 'ada')).toMatchObject({ outcome: 'success' });
  expect(await valueOf('pace')).toBe(6);
  const next = String((await said('changeset', 'apply', 'pace=8', ...guarded))['adaptation']);
  expect(await said('rollout', 'undo', next)).toMatchObject({ outcome: 'rolled-back' });
  expect(await valueOf('pace')).toBe(6);
  // Never scored, a canary is withdrawn at the end; who waits is told by the exit code, too.
  const quick = ['--canary', '0.5', '--guard', 'quality', '--window', '100ms', '--windows', '1', '--wait'];
  const withdrawn = await mabeam('changeset', 'apply', 'pace=9', ...quick);
  expect(withdrawn.exit).toBe(1);
  expect(withdrawn.stdout).toContain('is failure');
  expect(await valueOf('pace')).toBe(6);
}, 90_000);

test('values come from a file, too, and what it says badly is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mabeam-changeset-'));
  const file = join(folder, 'values.yaml');
  try {
    await writeFile(file, 'threshold: 0.25 # for a while\n');
    const applied = await said('changeset', 'apply', 'pace=2', '-f', file, '--wait');
    expect(applied).toMatchObject({ outcome: 'applied' });
    expect([await valueOf('pace'), await valueOf('threshold')]).toEqual([2, 0.25]);
    await writeFile(file, '{"pace": 3,\n "tresholt": 1}');
    const refused = await mabeam('changeset', 'apply', '-f', file);
    expect(refused).toMatchObject({ exit: 2, stdout: '' });
    expect(refused.stderr).toContain(
      'values.yaml:2:2: tresholt: there is no such variable; did you mean "threshold"?',
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);

test('adaptations are caused, listed and told apart', async () => {
  const before = Number(await valueOf('pace'));
  const caused = await mabeam('adapt', 'trigger', 'hurry', '{"id":"one"}');
  expect(caused).toMatchObject({ exit: 0 });
  expect(caused.stdout).toContain('(rule hurry)');
  const strange = await mabeam('adapt', 'list', '--variable', 'pase');
  expect(strange).toMatchObject({ exit: 2, stderr: expect.stringContaining('did you mean pace?') });
  const { stdout } = await mabeam('adapt', 'list', '--variable', 'pace', '--limit', '1');
  expect(stdout).toMatch(new RegExp(`applied +hurry \\(hurry\\) +pace: ${before} → ${before + 1}`));
}, 60_000);

test.each([
  [['rollout', 'status', 'nope'], 2, 'mabeam adapt list'],
  [['changeset', 'apply', 'pace=3', '--canary', '10%'], 2, 'add --guard'],
  [['changeset', 'apply', 'pace'], 2, 'id=value'],
  [['changeset', 'apply'], 2, 'name a file with -f'],
  [['changeset', 'apply', 'pacy=3'], 2, 'did you mean pace'],
  [['changeset', 'apply', 'pace=99'], 2, 'pace'],
])(
  'what is wrong with %j is said with its cure',
  async (args, exit, cure) => {
    const ended = await mabeam(...args);
    expect(ended).toMatchObject({ exit, stdout: '' });
    expect(ended.stderr).toContain(cure);
  },
  30_000,
);
