/** Agents as real processes, started as a host starts them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  connectBus,
  ensureStreams,
  openEvents,
  openTasks,
  putKey,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
} from '@mabeam/bus';
import { freshSpace, isAlive, waitFor } from '@mabeam/testing';
import { graphOf, openVariables, performanceThreshold } from '@mabeam/variables';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  directAgent,
  parseAgentSpec,
  parseApplied,
  parseHeartbeat,
  type AppliedReport,
  type Heartbeat,
} from '@mabeam/agents';
import { openStage } from './stage.ts';

const fixture = fileURLToPath(new URL('fixtures/echo.ts', import.meta.url));
const space = freshSpace('agents');
const at = subjects(space);
const { bucket } = spaceNames(space);
/** An agent that is ready names the key it signs with. */
const isReady = /^{"kind":"ready","publicKey":"U[A-Z2-7]{55}"}$/;

interface Started {
  readonly child: ChildProcess;
  /** What it wrote on its control pipe. */
  readonly told: string[];
  readonly log: string[];
}

/** Starts an instance and resolves when it says it is ready. */
async function startAgent(agent: string, env: Record<string, string> = {}): Promise<Started> {
  const child = spawn(process.execPath, ['--conditions=@mabeam/source', fixture], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NATS_URL: inject('natsUrl'),
      MABEAM_SPACE: space,
      MABEAM_AGENT: agent,
      MABEAM_INCARNATION: `${agent}-1`,
      MABEAM_CONTROL_FD: '3',
      ...env,
    },
  });
  const started: Started = { child, told: [], log: [] };
  child.stdio[3]?.on('data', (data: Buffer) => started.told.push(...data.toString().trim().split('\n')));
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => started.log.push(data.toString()));
  await waitFor(() => started.told.some((line) => isReady.test(line)) || child.exitCode !== null, {
    what: `${agent} is ready`,
    timeoutMs: 10_000,
  });
  return started;
}

async function stopAgent({ child }: Started): Promise<number | null> {
  if (child.exitCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  return child.exitCode;
}

describe('an agent process', () => {
  let bus: Bus;
  const running: Started[] = [];
  const start = async (...args: Parameters<typeof startAgent>): Promise<Started> => {
    const started = await startAgent(...args);
    running.push(started);
    return started;
  };
  beforeAll(async () => {
    bus = await connectBus({ url: inject('natsUrl'), name: 'agents test' });
    await ensureStreams(bus, spaceStreams(space));
    await using store = await openVariables(bus, space);
    await store.create(performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1 }), { by: 'test' });
    for (const id of ['worker', 'idle']) {
      const spec = parseAgentSpec({
        id,
        group: `${id}s`,
        variables: { pace: { initial: 3, min: 0, max: 9 } },
      });
      await putKey(bus, bucket, `definition.agent.${id}`, spec);
    }
  });
  afterAll(async () => {
    await Promise.all(running.map(stopAgent));
    await bus.close();
  });

  it('answers with its variables, its own under their bare names, and its configuration', async () => {
    await start('worker', { MABEAM_CONFIG: '{"desk":1}' });
    const answer = await bus.request(at.askAgent('worker'), { say: 'hello' });
    expect(answer).toMatchObject({
      say: 'hello',
      agent: 'worker',
      from: null,
      peers: null,
      config: { desk: 1 },
    });
    expect(answer).toMatchObject({ variables: { threshold: 0.5, pace: 3 } });
  });

  it('the next call sees the next revision, and the heartbeat says so at once', async () => {
    const beats: Heartbeat[] = [];
    await using _ = bus.subscribe(at.signal('heartbeat', 'worker'), (message) => {
      const beat = parseHeartbeat(message.json());
      if (beat !== undefined) beats.push(beat);
    });
    await bus.flush();
    await using store = await openVariables(bus, space);
    const { revision } = await store.update('threshold', 0.7, { by: 'test' });
    const beat = await waitFor(() => beats.find(({ applied }) => applied >= revision), {
      what: 'the revision is applied',
      timeoutMs: 900,
    });
    const definition = store.replica.revisionOf('definition.agent.worker');
    expect(beat).toMatchObject({ status: 'active', definitionRevision: definition });
    expect(await bus.request(at.askAgent('worker'), { say: 'x' })).toMatchObject({
      variables: { threshold: 0.7 },
    });
  });

  it('an input that does not fit is refused before the handler, with the field', async () => {
    await expect(bus.request(at.askAgent('worker'), { say: 7 })).rejects.toMatchObject({
      code: 'invalid-input',
      details: { problems: [expect.stringContaining('say')] },
    });
  });

  it('works on tasks of its group, and answers its group', async () => {
    const outcome = (async () => {
      for await (const each of openTasks(bus, space).outcomes({ signal: AbortSignal.timeout(10_000) }))
        if (each.task === 'task-1') return each;
      return undefined;
    })();
    await openTasks(bus, space).submit('workers', 'task-1', { say: 'do' });
    expect(await outcome).toMatchObject({
      kind: 'completed',
      agent: 'worker',
      output: { say: 'do', task: 'task-1', attempt: 1 },
    });
    expect(await bus.request(at.askGroup('workers'), { say: 'any' })).toMatchObject({ say: 'any' });
  });

  it('what it knows is a fold over what was kept before and what came after', async () => {
    const events = openEvents(bus, space);
    await events.publish('lesson', 'one', 'taught', 'kept');
    const late = await start('idle');
    await events.publish('lesson', 'two', 'taught', 'live');
    await waitFor(
      async () => {
        const answer = await bus.request(at.askAgent('idle'), { say: 'x' });
        return JSON.stringify(answer).includes('["kept","live"]');
      },
      { what: 'both lessons are learned' },
    );
    expect(late.told[0]).toMatch(isReady);
  });

  it('off the edges a message is refused at the sender, and at the receiver when the sender does not know better', async () => {
    const revision = await putKey(
      bus,
      bucket,
      'graph',
      graphOf({ pattern: 'custom', edges: [['idle', 'worker']] }, ['worker', 'idle']),
    );
    await waitFor(
      async () =>
        JSON.stringify(await bus.request(at.askAgent('idle'), { say: 'x' })).includes('"peers":["worker"]'),
      { what: 'the graph is known' },
    );
    expect(await bus.request(at.askAgent('idle'), { say: 'on', to: 'worker' })).toMatchObject({
      from: 'idle',
    });
    await expect(bus.request(at.askAgent('worker'), { say: 'off', to: 'idle' })).rejects.toMatchObject({
      code: 'edge-not-permitted',
    });
    await expect(
      bus.request(at.askAgent('idle'), { say: 'forged' }, { from: 'worker', epoch: revision }),
    ).rejects.toMatchObject({ code: 'edge-not-permitted' });
    await expect(
      bus.request(
        at.askAgent('worker'),
        { say: 'ahead' },
        { from: 'idle', epoch: revision + 1_000, timeoutMs: 2_500 },
      ),
    ).rejects.toMatchObject({ retryable: true });
  });

  it('told to stop it takes nothing new, finishes what it has, and exits 0', async () => {
    const stopping = await start('leaver');
    const last = bus.request(at.askAgent('leaver'), { say: 'last', waitMs: 300 });
    await bus.flush();
    await waitFor(
      async () =>
        (await bus.requestAll(at.askAgent('leaver'), { say: 'here' }, { timeoutMs: 500, expect: 1 }))
          .length === 1,
      { what: 'it works on it' },
    );
    stopping.child.kill('SIGTERM');
    await waitFor(
      () =>
        bus.request(at.askAgent('leaver'), { say: 'late' }, { timeoutMs: 100 }).then(
          () => false,
          (error: { code?: string }) => error.code === 'no-responders',
        ),
      { what: 'it takes nothing new' },
    );
    expect(await last).toMatchObject({ say: 'last' });
    await once(stopping.child, 'exit');
    expect(stopping.child.exitCode).toBe(0);
    expect(stopping.told.at(-1)).toBe('{"kind":"drained"}');
  });

  it('says for its process what is applied, and directed to stop it drains and exits 0', async () => {
    await using stage = await openStage(inject('natsUrl'));
    const reports: AppliedReport[] = [];
    await using _ = stage.bus.subscribe(subjects(stage.space).at('signal.applied.*'), (message) => {
      const report = parseApplied(message.json());
      if (report !== undefined) reports.push(report);
    });
    await stage.bus.flush();
    const revision = await stage.define({ id: 'directed' });
    const directed = await start('directed', { MABEAM_SPACE: stage.space });
    const active = await waitFor(() => reports.find(({ instances }) => instances === 1), {
      what: 'its process has spoken',
    });
    expect(active).toEqual({ process: active.process, applied: revision, laggards: [], instances: 1 });
    const answers = await directAgent(stage.bus, stage.space, 'directed', 'stop', {
      from: 'orchestrator',
      leaderRevision: 1,
    });
    expect(answers).toMatchObject([{ kind: 'applied', agent: 'directed', incarnation: 'directed-1' }]);
    await waitFor(() => directed.child.exitCode !== null, { what: 'it has ended' });
    expect(directed.child.exitCode).toBe(0);
    expect(directed.told.at(-1)).toBe('{"kind":"drained"}');
  });

  it('ends by itself when its host is gone', async () => {
    const orphan = await start('orphan');
    orphan.child.stdio[3]?.destroy();
    await waitFor(() => !isAlive(orphan.child.pid ?? 0), { what: 'the process is gone', timeoutMs: 3_000 });
    expect(orphan.told[0]).toMatch(isReady);
  });

  it('that nobody hosts says how to start it, and exits 1', async () => {
    const lost = await start('x', { MABEAM_SPACE: '', MABEAM_AGENT: 'nobody' });
    expect(lost.child.exitCode).toBe(1);
    expect(lost.log.join('')).toMatch(/space id/);
  });
});
