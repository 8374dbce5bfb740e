/** What an operator does to a running team: look before writing, wait, stop, freeze, watch, delete, measure. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectBus, listSpaces } from '@mabeam/bus';
import { freshSpace, isAlive, waitFor } from '@mabeam/testing';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { lineOf, startCommand, type SaidLine } from './command-line.ts';
import { useTeam } from './stage.ts';

const definition = readFileSync(new URL('fixtures/space.yaml', import.meta.url), 'utf8');
const space = freshSpace('operate');
const { mabeam, said, refused, agentNow, agentThatIs, environment, session } = useTeam(space, definition);

beforeAll(async () => {
  await agentThatIs('echo.0', 'active');
}, 60_000);

test('a dry run names the directives and writes nothing', async () => {
  const before = await said('variable', 'list');
  expect(await said('variable', 'set', 'chosen', 'spare', '--dry-run')).toMatchObject({
    kind: 'dry-run',
    from: ['echo'],
    to: ['spare'],
    directives: [
      { kind: 'stop', instance: 'echo.0', reason: 'not-desired' },
      { kind: 'start', instance: 'spare.0', reason: 'desired' },
    ],
    desired: { before: ['echo.0'], after: ['spare.0'] },
  });
  expect(await refused('variable', 'set', 'chosen', '[]', '--dry-run')).toMatchObject({
    exit: 2,
    error: { code: 'constraint-violation' },
  });
  const stale = ['variable', 'set', 'threshold', '0.9', '--dry-run', '--if-revision', '99999'];
  expect(await refused(...stale)).toMatchObject({ exit: 3, error: { code: 'stale-revision' } });
  expect(await said('variable', 'list')).toEqual(before);
}, 90_000);

test('set --wait ends when the selected agents run and the others are gone', async () => {
  const both = await said('variable', 'set', 'chosen', 'echo,spare', '--wait');
  expect(both).toMatchObject({ kind: 'written', settledMs: expect.any(Number) });
  const spare = await agentNow('spare.0');
  expect(spare).toMatchObject({ status: 'active' });
  await said('variable', 'set', 'chosen', 'echo', '--wait');
  expect((await agentNow('spare.0'))?.status).not.toBe('active');
}, 90_000);

test('a frozen space keeps what runs, says so, and answers no trigger, then or later', async () => {
  expect(await said('freeze', '--reason', 'incident 7', '--by', 'ops')).toMatchObject({
    kind: 'written',
    space,
  });
  expect(await said('freeze')).toMatchObject({ kind: 'noop' });
  expect(await said('ps')).toMatchObject({ freeze: { by: 'ops', reason: 'incident 7' } });
  const { checks } = await said<{ checks: readonly SaidLine[] }>('doctor');
  expect(checks).toContainEqual(expect.objectContaining({ name: `${space}: frozen`, status: 'warn' }));
  const late = await refused('variable', 'set', 'chosen', 'spare', '--wait', '--timeout', '1500ms');
  expect(late).toMatchObject({ exit: 4, error: { code: 'set-pending' } });
  expect(late.error['details']).toMatchObject({
    laggards: expect.arrayContaining([
      { agent: 'spare', ordinal: 0, reason: 'not-active' },
      { agent: 'echo', ordinal: 0, reason: 'still-at-work' },
    ]),
  });
  const trigger = await said('event', 'publish', 'calm', '--id', 'while-frozen', '--follow');
  expect(trigger).toMatchObject({ outcome: { record: { outcome: 'frozen', changes: [] } } });
  expect((await agentNow('echo.0'))?.status).toBe('active');
  expect(await said('unfreeze')).toMatchObject({ kind: 'written' });
  expect(await said('unfreeze')).toMatchObject({ kind: 'noop' });
  await agentThatIs('spare.0', 'active');
  const again = await said('event', 'publish', 'calm', '--id', 'while-frozen', '--follow');
  expect(again).toMatchObject({ outcome: { isOld: true, record: { outcome: 'frozen' } } });
  await said('variable', 'set', 'chosen', 'echo', '--wait');
}, 90_000);

test('stop drains an instance and waits for its end; what is desired comes back in a new incarnation', async () => {
  const before = await agentThatIs('echo.0', 'active');
  expect(await said('stop', 'echo', '--drain', '5s')).toMatchObject({
    instances: [{ instance: 'echo.0', kind: 'stopped' }],
    prospect: { kind: 'restart', variables: ['chosen'] },
  });
  expect(isAlive(before.pid ?? 0)).toBe(false);
  const after = await agentThatIs('echo.0', 'active');
  expect(after.incarnation).not.toBe(before.incarnation);
  expect(await said('stop', 'spare.0')).toMatchObject({ instances: [], prospect: { kind: 'not-desired' } });
  expect(await refused('stop', 'ecko')).toMatchObject({ exit: 2, error: { code: 'no-such-agent' } });
  expect(await refused('stop', 'echo.x')).toMatchObject({ exit: 2, error: { code: 'invalid-usage' } });
}, 90_000);

test('an agent in a terminal is not stopped from elsewhere', async () => {
  const module = fileURLToPath(new URL('fixtures/echo.ts', import.meta.url));
  const child = startCommand(['run', module, '--as', 'guest', '-o', 'json'], environment());
  onTestFinished(() => void child.kill('SIGTERM'));
  await lineOf(child, ({ status }) => status === 'active');
  expect(await refused('stop', 'guest')).toMatchObject({ exit: 3, error: { code: 'not-stoppable' } });
  expect(child.exitCode).toBeNull();
}, 90_000);

test('watch tells each revision with its author until the one that is named, or until it is interrupted', async () => {
  const { revision } = await said<{ revision: number }>('variable', 'get', 'threshold');
  const forever = startCommand(['variable', 'watch', '-o', 'json'], environment());
  await lineOf(forever, ({ kind }) => kind === 'watching');
  const news = lineOf(forever, ({ kind, id }) => kind === 'value' && id === 'threshold');
  await said('variable', 'set', 'threshold', '0.75', '--by', 'ada', '--cause', 'calmer');
  expect(await news).toMatchObject({ to: 0.75, by: 'ada', cause: 'calmer', revision: expect.any(Number) });
  forever.kill('SIGINT');
  await waitFor(() => forever.exitCode !== null, { what: 'the watch has ended', timeoutMs: 10_000 });
  expect(forever.exitCode).toBe(0);
  const past = await mabeam('variable', 'watch', 'threshold', '--until', String(revision), '-o', 'json');
  expect(past).toMatchObject({ exit: 0, stderr: '' });
  expect(await refused('variable', 'watch', 'treshold')).toMatchObject({
    exit: 2,
    error: { code: 'unknown-variable' },
  });
}, 90_000);

test('explain tells who made a revision and what became of it, in text and in JSON, and the history is followed', async () => {
  const before = await said<{ readonly value: unknown }>('variable', 'get', 'threshold');
  const value = before.value === 0.25 ? 0.75 : 0.25;
  const { revision } = await said('variable', 'set', 'threshold', String(value), '--by', 'ada');
  const story = await said('explain', String(revision));
  expect(story).toMatchObject({
    kind: 'revision',
    revision,
    provenance: { by: 'ada' },
    changes: [{ key: 'space.threshold', before: before.value, after: value }],
    outcome: { kind: 'in-force' },
  });
  const { exit, stdout } = await mabeam('explain', 'threshold');
  expect(exit).toBe(0);
  for (const part of [`revision ${String(revision)}`, 'ada', 'in force', 'what changed'])
    expect(stdout).toContain(part);
  expect(await said('explain', 'echo.0')).toMatchObject({ kind: 'instance', now: [{ status: 'active' }] });
  expect(await refused('explain', 'nobody')).toMatchObject({ exit: 2, error: { code: 'unknown-id' } });

  const filter = 'event.variable.space.threshold.changed';
  const isCopied = async (): Promise<boolean> => {
    const event = await said<{ readonly body: { readonly revision: number } }>(
      'event',
      'tail',
      filter,
      '--from',
      '1',
      '--limit',
      '1',
    );
    return event.body.revision > 0;
  };
  await waitFor(isCopied, { what: 'the history has a revision of it' });
}, 60_000);

test('a variable in use is kept and its users are named; an unused one is deleted', async () => {
  const used = await refused('variable', 'delete', 'threshold');
  expect(used).toMatchObject({
    exit: 3,
    error: { code: 'variable-in-use', details: { users: ['rule less'] } },
  });
  expect(await refused('variable', 'delete', 'echo.pace')).toMatchObject({
    error: { code: 'declared-by-agent' },
  });
  expect(await refused('variable', 'delete', 'unused', '--if-revision', '1')).toMatchObject({
    exit: 3,
    error: { code: 'stale-revision' },
  });
  expect(await said('variable', 'delete', 'unused', '--dry-run')).toMatchObject({
    kind: 'dry-run',
    directives: [],
  });
  expect(await said('variable', 'delete', 'unused')).toMatchObject({ kind: 'deleted' });
  expect(await refused('variable', 'get', 'unused')).toMatchObject({ error: { code: 'unknown-variable' } });
}, 90_000);

test('bench measures every journey and leaves nothing behind', async () => {
  const { rows } = await said<{ rows: readonly { count: number; atOnce: number }[] }>(
    'bench',
    '--duration',
    '900ms',
  );
  expect(rows.map(({ atOnce }) => atOnce)).toEqual([1, 32, 1, 32, 1, 32]);
  for (const { count } of rows) expect(count).toBeGreaterThan(0);
  await using bus = await connectBus({ name: 'test', url: session().url });
  expect(await listSpaces(bus)).toEqual([space]);
  expect(await refused('bench', '--duration', '1d')).toMatchObject({
    exit: 2,
    error: { code: 'invalid-usage' },
  });
}, 90_000);
