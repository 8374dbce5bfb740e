/** A running team and the command line: what a person in a second terminal can do, and what is refused. */
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { freshSpace, isAlive, waitFor } from '@mabeam/testing';
import { lineOf, startCommand } from './command-line.ts';
import { useTeam } from './stage.ts';

const definition = readFileSync(new URL('fixtures/space.yaml', import.meta.url), 'utf8');
const space = freshSpace('team');
const { mabeam, said, agentNow, agentThatIs, environment, session } = useTeam(space, definition);

/** Publishes as any program can: a socket and three lines. */
async function publishRaw(subject: string, body: string): Promise<void> {
  const { hostname, port } = new URL(session().url);
  const socket = connect(Number(port), hostname);
  socket.write(`CONNECT {"verbose":false}\r\nPUB ${subject} ${body.length}\r\n${body}\r\nPING\r\n`);
  let answers = '';
  for await (const chunk of socket) {
    answers += String(chunk);
    if (answers.includes('PONG')) break;
  }
  socket.destroy();
}

interface Event {
  readonly sequence: number;
  readonly body: { readonly id: string; readonly changes: readonly { readonly variable: string }[] };
}

function nextAdaptation(from: number): Promise<Event> {
  return said('event', 'tail', 'event.adaptation.*.applied', '--from', String(from), '--limit', '1');
}

test('ps tells every process: the agents with their pids, the node, and the leader that dev started', async () => {
  const agent = await agentThatIs('echo.0', 'active');
  expect(agent.applied).toBeGreaterThan(0);
  expect(isAlive(agent.pid ?? 0)).toBe(true);
  const team = await said<{ leader: { pid: number }; nodes: { pid: number }[] }>('ps');
  const pidOf = (name: string): number | undefined =>
    session()
      .processes()
      .find((process) => process.name === name)?.pid;
  expect(team.leader.pid).toBe(pidOf('orchestrator'));
  expect(team.nodes.map(({ pid }) => pid)).toEqual([pidOf('node')]);
});

test('setting a selection starts a process, and setting it back ends it', async () => {
  const { revision } = await said<{ revision: number }>('variable', 'set', 'chosen', 'echo,spare');
  const spare = await agentThatIs('spare.0', 'active');
  expect(spare.applied).toBeGreaterThanOrEqual(revision);
  expect(isAlive(spare.pid ?? 0)).toBe(true);
  await said('variable', 'rollback', 'chosen', '0');
  await agentThatIs('spare.0', 'inactive');
  await waitFor(() => !isAlive(spare.pid ?? 0), { what: 'its process has ended' });
});

test('plain JSON from a raw socket adapts the team, and the same identity again does nothing', async () => {
  await publishRaw(`mabeam.${space}.trigger.quality-low`, '{"id":"first"}');
  const adapted = await nextAdaptation(1);
  expect(adapted.body.changes).toMatchObject([{ variable: 'chosen', to: ['echo', 'spare'] }]);
  const { revision } = await said<{ revision: number }>('variable', 'set', 'chosen', '["echo"]');
  await publishRaw(`mabeam.${space}.trigger.quality-low`, '{"id":"first"}');
  const fence = await said<{ outcome: { record: unknown } }>(
    'event',
    'publish',
    'calm',
    '--id',
    'fence',
    '--follow',
  );
  expect(fence.outcome).toMatchObject({ isOld: false, record: { outcome: 'applied', id: 'fence' } });
  // Triggers are taken in order: when the later one is through, the earlier one is.
  expect((await nextAdaptation(adapted.sequence + 1)).body.id).toBe('fence');
  const chosen = await said<{ revision: number; value: unknown }>('variable', 'get', 'chosen');
  expect(chosen).toMatchObject({ revision, value: ['echo'] });
  const again = await mabeam('event', 'publish', 'quality-low', '--id', 'first', '--follow');
  expect(again.stdout).toContain('nothing: this identity (id first) has acted before');
});

test('a question is answered by the agent and shows as one trace', async () => {
  const answer = await said<{ question: unknown; variables: unknown }>('ask', 'echo', '{"n":1}');
  expect(answer).toMatchObject({ question: { n: 1 }, variables: { pace: 1 } });
  const { stderr } = await mabeam('ask', 'echo', '2');
  const [, traceId = ''] = /^trace ([0-9a-f]{32})$/m.exec(stderr) ?? [];
  const trace = await waitFor(
    async () => {
      const { stdout } = await mabeam('trace', traceId);
      return stdout.includes('serve ask.agent.echo') ? stdout : undefined;
    },
    { what: 'the span of the agent has arrived', timeoutMs: 10_000 },
  );
  expect(trace).toContain('0 orphans');
});

test('a task is followed to its outcome, whether it completes or fails', async () => {
  const done = await said<{ output: unknown }>('task', 'send', 'echoes', '{"n":1}', '--follow');
  expect(done.output).toEqual({ done: { n: 1 } });
  const raw = await said<{ output: unknown }>('task', 'send', 'echoes', 'not: json', '--raw', '--follow');
  expect(raw.output).toEqual({ done: 'not: json' });
  const failed = await mabeam('task', 'send', 'echoes', '"fail"', '--follow', '-o', 'json');
  expect(failed).toMatchObject({ exit: 1, stdout: '' });
  expect(JSON.parse(failed.stderr)).toMatchObject({ error: { code: 'task-failed' } });
});

test('the log lines of an agent can be read back', async () => {
  await mabeam('ask', 'echo', '1');
  const lines = await waitFor(
    async () => {
      const { stdout } = await mabeam('logs', 'echo');
      return stdout.includes('asked') ? stdout : undefined;
    },
    { what: 'the line has arrived', timeoutMs: 10_000 },
  );
  expect(lines).toMatch(/ info +echo\.0 +asked$/m);
});

test('run hosts an agent in this terminal, tells its states, and drains it on SIGTERM', async () => {
  const module = fileURLToPath(new URL('fixtures/echo.ts', import.meta.url));
  const child = startCommand(['run', module, '--as', 'guest', '-o', 'json'], environment());
  await lineOf(child, ({ status }) => status === 'active');
  expect(await said('ask', 'guest', '7')).toMatchObject({ question: 7 });
  const taken = await mabeam('run', module, '--as', 'guest', '-o', 'json');
  expect(taken.exit).toBe(3);
  child.kill('SIGTERM');
  await waitFor(() => child.exitCode !== null, { what: 'it has ended', timeoutMs: 10_000 });
  expect(child.exitCode).toBe(0);
  expect((await agentNow('guest.0'))?.status).toBe('inactive');
});

describe('what is refused', () => {
  let before: unknown;
  beforeAll(async () => {
    before = await said('variable', 'list');
  });

  test.each([
    { what: 'an unknown variable', args: ['variable', 'get', 'treshold'], exit: 2, code: 'unknown-variable' },
    {
      what: 'a value out of its domain',
      args: ['variable', 'set', 'threshold', '7'],
      exit: 2,
      code: 'out-of-domain',
    },
    {
      what: 'an empty selection',
      args: ['variable', 'set', 'chosen', '[]'],
      exit: 2,
      code: 'constraint-violation',
    },
    {
      what: 'a stale revision',
      args: ['variable', 'set', 'threshold', '0.1', '--if-revision', '99999'],
      exit: 3,
      code: 'stale-revision',
    },
    { what: 'a bad flag', args: ['ps', '--colour'], exit: 2, code: 'invalid-usage' },
    { what: 'bad JSON', args: ['ask', 'echo', '{"a":'], exit: 2, code: 'invalid-json' },
    { what: 'a missing file', args: ['ask', 'echo', '@nowhere.json'], exit: 2, code: 'input-unreadable' },
    { what: 'an agent that does not run', args: ['ask', 'spare', '1'], exit: 5, code: 'no-responders' },
    { what: 'an unknown space', args: ['ps', '--space', 'nowhere'], exit: 2, code: 'unknown-space' },
    {
      what: 'no server',
      args: ['ps', '--server', 'nats://127.0.0.1:9'],
      exit: 5,
      code: 'server-unavailable',
    },
  ])('$what is refused as $code with exit $exit', async ({ args, exit, code }) => {
    const refused = await mabeam(...args, '-o', 'json');
    expect(refused).toMatchObject({ exit, stdout: '' });
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code } });
  });

  test('none of it has changed a variable', async () => {
    expect(await said('variable', 'list')).toEqual(before);
  });
});

test('the doctor finds a running team well', async () => {
  const { ok, checks } = await said<{ ok: boolean; checks: { name: string; status: string }[] }>('doctor');
  expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
  expect(ok).toBe(true);
});

test('a killed nats-server is back on its port with its state, and the restart is counted', async () => {
  const server = session()
    .processes()
    .find(({ name }) => name === 'nats-server');
  const before = await said('variable', 'get', 'threshold');
  process.kill(server?.pid ?? 0, 'SIGKILL');
  const again = await waitFor(
    () =>
      session()
        .processes()
        .find(({ name, pid, restarts }) => name === 'nats-server' && restarts === 1 && pid),
    { what: 'the server runs again', timeoutMs: 5_000 },
  );
  expect(again.pid).not.toBe(server?.pid);
  expect(await said('variable', 'get', 'threshold')).toEqual(before);
});
