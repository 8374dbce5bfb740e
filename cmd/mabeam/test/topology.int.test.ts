/** Who may send to whom, and how the space stands: looked at, changed and waited for by hand. */
import { freshSpace } from '@mabeam/testing';
import { expect, test } from 'vitest';
import { useTeam } from './stage.ts';

const space = freshSpace('topology');
const definition = `
space: ${space}
agents:
  judge: { module: ./echo.ts, form: in-process }
  words: { module: ./echo.ts, form: in-process }
  links: { module: ./echo.ts, form: in-process }
  late: { command: [sleep, '60'], after: [never] }
  never: { command: ['false'], restart: temporary }
edges:
  - { from: judge, to: words, kind: data }
variables:
  wiring: { kind: communication-topology, agents: [judge, words, links], initial: ring }
  chosen: { kind: agent-selection, agents: [late, never], initial: [] }
`;
const { mabeam, said, answered } = useTeam(space, definition);

test('the standing of a space is waited for, and says that all is as the variables say', async () => {
  const status = await said('space', 'status', '--wait', '--timeout', '15s');
  expect(status).toMatchObject({
    space,
    isAsDesired: true,
    desired: ['judge.0', 'links.0', 'words.0'],
    running: ['judge.0', 'links.0', 'words.0'],
    laggards: [],
    waiting: [],
    adaptations: [],
    problems: {},
  });
  expect((await mabeam('space', 'status')).stdout).toContain('as the variables say');
}, 60_000);

test('the topology is shown with the edges of its pattern and those that the space declares', async () => {
  const shown = await said('topology', 'show');
  expect(shown).toMatchObject({
    variable: 'wiring',
    pattern: 'ring',
    nodes: ['judge', 'words', 'links'],
    counts: { nodes: 3, any: 3, data: 1 },
    isCurrent: true,
  });
  expect(shown['edges']).toEqual([
    { from: 'judge', to: 'words', kind: 'any' },
    { from: 'words', to: 'links', kind: 'any' },
    { from: 'links', to: 'judge', kind: 'any' },
    { from: 'judge', to: 'words', kind: 'data' },
  ]);
  const { stdout } = await mabeam('topology', 'show');
  expect(stdout).toMatch(/ring of 3, epoch \d+/);
  expect(stdout).toMatch(/links\s+judge\s+any/);
}, 60_000);

test('a dry run says which edges would come and go, and another pattern is in force when the command has waited', async () => {
  const dry = await said('topology', 'set', 'star', '--hub', 'words', '--dry-run');
  expect(dry['directives']).toMatchObject([
    {
      kind: 'rewire',
      added: [
        ['words', 'judge'],
        ['links', 'words'],
      ],
      removed: [['links', 'judge']],
    },
  ]);
  expect(await said('topology', 'show')).toMatchObject({ pattern: 'ring' });
  const set = await said('topology', 'set', 'star', '--hub', 'words', '--wait');
  expect(set).toMatchObject({ kind: 'written', id: 'wiring', settledMs: expect.any(Number) });
  const shown = await said('topology', 'show');
  expect(shown).toMatchObject({ pattern: 'star', hub: 'words', counts: { any: 4 }, isCurrent: true });
  await said('topology', 'set', 'custom', '--edges', 'judge:words,words:links', '--wait');
  expect(await said('topology', 'show')).toMatchObject({ pattern: 'custom', counts: { any: 2 } });
}, 60_000);

test('a pattern or a hub that is none is refused, and the topology stays', async () => {
  expect(await mabeam('topology', 'set', 'knot')).toMatchObject({ exit: 2 });
  expect((await mabeam('topology', 'set', 'star', '--hub', 'nobody')).stderr).toContain('nobody');
  expect((await mabeam('topology', 'set', 'custom', '--edges', 'judge')).stderr).toContain('judge:words');
  expect(await said('topology', 'show')).toMatchObject({ pattern: 'custom' });
}, 60_000);

test('who ought to run and cannot is named with what it waits for, and the exit status says so', async () => {
  await mabeam('variable', 'set', 'chosen', 'late,never');
  const status = await answered('space', 'status');
  expect(status).toMatchObject({ exit: 4, isAsDesired: false });
  expect(status['laggards']).toContainEqual({ instance: 'late.0', reason: 'not-active' });
  expect(status['waiting']).toContainEqual({ instance: 'late.0', reason: 'dependency', on: 'never' });
  expect((await mabeam('space', 'status')).stdout).toMatch(
    /late\.0\s+not active\s+waits for never: dependency/,
  );
}, 60_000);
