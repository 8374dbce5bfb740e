/** Scaling and the pool on real processes. */
import { openTasks, parseJson, readBacklog, readKeyHistory, spaceNames, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openSpaceMetrics } from '../src/scaling/space-metrics.ts';
import { poolIn, waitingIn } from '../src/state/reconcile-input.ts';
import { parseScaleEntry, scaleKey } from '../src/state/scale-entry.ts';
import { openStage, putRaw, type Stage } from './stage.ts';

beforeAll(() => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
});
afterAll(() => {
  vi.unstubAllEnvs();
});

const workers = `
space: SPACE
agents:
  worker:
    module: ./fixtures/timed-worker.ts
    group: work
    replicas: { min: 1, max: 4 }
    config: { taskMs: 100 }
scaling:
  more: { target: { agent: worker }, metric: queue, cooldownMs: 0, stabilizationMs: 2000 }
`;

/** How many replicas were wanted, one after the other, and why. */
async function scalesOf({ bus, space }: Stage, agent: string) {
  const history = await readKeyHistory(bus, spaceNames(space).bucket, scaleKey(agent));
  return history.map(({ data }) => parseScaleEntry(parseJson(data)));
}

const submitAll = async ({ bus, space }: Stage, count: number): Promise<readonly string[]> => {
  const ids = Array.from({ length: count }, (_, index) => `t${index}`);
  const tasks = openTasks(bus, space);
  await Promise.all(ids.map((id) => tasks.submit('work', id, {})));
  return ids;
};

test('a queue brings replicas up to the maximum and down again, and each of 200 tasks is done once', async () => {
  await using stage = await openStage(workers);
  await using metrics = openSpaceMetrics(stage.bus, stage.space);
  stage.startOrchestrator('first');
  await stage.until(['worker.0']);
  const ids = await submitAll(stage, 200);
  await stage.until(['worker.0', 'worker.1', 'worker.2', 'worker.3']);
  await waitFor(async () => (await stage.events('event.work.*.done')).length >= 200, {
    what: 'all tasks are done',
    timeoutMs: 20_000,
  });
  await stage.until(['worker.0']);
  const tasks = openTasks(stage.bus, stage.space);
  const outcomes = await Promise.all(ids.map((id) => tasks.outcomeOf(id)));
  expect(outcomes.map((outcome) => outcome?.kind)).toEqual(ids.map(() => 'completed'));
  // Not only has each one outcome: none was worked on twice, although three workers were told to stop.
  expect(await stage.events('event.work.*.done')).toHaveLength(200);
  const scales = await scalesOf(stage, 'worker');
  expect(scales.map(({ replicas }) => replicas)).toEqual([4, 1]);
  expect(scales[0]).toMatchObject({
    by: 'orchestrator',
    cause: expect.stringMatching(/^scaling more: \d+ tasks/),
  });
  const { agents, samples } = metrics.metrics(stage.mirror, Date.now());
  expect(samples).toEqual({ calls: 200, scores: 0 });
  expect(agents['worker']).toMatchObject({
    handled: 200,
    failed: 0,
    performance: 1,
    slots: 4,
    isStale: false,
  });
  expect(agents['worker']?.latencyMs?.p50).toBeGreaterThan(89);
}, 60_000);

test('drained workers lose nothing that they had begun', async () => {
  await using stage = await openStage(
    workers.replace('taskMs: 100', 'taskMs: 1000').replace(/scaling:[^]*/, ''),
  );
  stage.startOrchestrator('first');
  const wish = (replicas: number): Promise<number> =>
    putRaw(stage, scaleKey('worker'), {
      v: 1,
      replicas,
      by: 'test',
      at: new Date().toISOString(),
      cause: 'test',
    });
  await wish(3);
  await stage.until(['worker.0', 'worker.1', 'worker.2']);
  await submitAll(stage, 12);
  const busy = async (): Promise<boolean> => {
    const { bus, space } = stage;
    const { tasks } = spaceNames(space);
    const filter = subjects(space).task('work');
    return (await readBacklog(bus, { stream: tasks, durable: 'work', filter })).unacknowledged === 12;
  };
  await waitFor(busy, { what: 'all tasks are being worked on', timeoutMs: 5_000 });
  await wish(0);
  await stage.until(['worker.0']);
  await waitFor(async () => (await stage.events('event.work.*.done')).length >= 12, { what: 'all are done' });
  const done = await stage.events('event.work.*.done');
  expect(done).toHaveLength(12);
  expect(new Set(done.map((each) => JSON.stringify(each))).size).toBe(3);
}, 60_000);

test('a frozen space is not scaled, and goes on where it was', async () => {
  await using stage = await openStage(workers);
  stage.startOrchestrator('first');
  await stage.until(['worker.0']);
  await stage.store.freeze({ by: 'test', reason: 'test' });
  await submitAll(stage, 60);
  await waitFor(async () => (await stage.events('event.work.*.done')).length >= 45, {
    what: 'it works on with what it has',
    timeoutMs: 20_000,
  });
  expect(await scalesOf(stage, 'worker')).toEqual([]);
  expect(stage.running()).toEqual(['worker.0']);
  await submitAll(stage, 200);
  await stage.store.unfreeze({ by: 'test' });
  await waitFor(async () => (await scalesOf(stage, 'worker')).length > 0, {
    what: 'it is scaled',
    timeoutMs: 10_000,
  });
}, 60_000);

test('what the pool has no room for waits with its reason, and starts when there is room', async () => {
  await using stage = await openStage(`
space: SPACE
pool: { cpu: 1 }
agents:
  small: { module: ./fixtures/agent.ts, resources: { cpuWeight: 0.5 } }
  large: { module: ./fixtures/agent.ts, resources: { cpuWeight: 0.8 }, priority: 1 }
variables:
  active: { kind: agent-selection, agents: [large], initial: [large] }
`);
  stage.startOrchestrator('first');
  await stage.until(['large.0']);
  expect(waitingIn(stage.mirror, Date.now())).toEqual([
    { kind: 'waiting', agent: 'small', ordinal: 0, reason: 'resource-exhausted' },
  ]);
  expect(poolIn(stage.mirror, Date.now())).toMatchObject({ total: { cpu: 1 }, reserved: { cpu: 0.8 } });
  await stage.store.update('active', [], { by: 'test' });
  await stage.until(['small.0']);
  await stage.store.update('active', ['large'], { by: 'test' });
  await waitFor(() => waitingIn(stage.mirror, Date.now()).some(({ agent }) => agent === 'large'), {
    what: 'the large one waits now: who runs is not stopped for who is larger',
  });
  expect(stage.running()).toEqual(['small.0']);
}, 60_000);

test('a queue brings no more replicas than the pool has room for', async () => {
  const small = workers.replace('agents:', 'pool: { cpu: 1 }\nagents:');
  const needy = small.replace('group: work', 'group: work\n    resources: { cpuWeight: 0.4 }');
  await using stage = await openStage(needy);
  stage.startOrchestrator('first');
  await stage.until(['worker.0']);
  await submitAll(stage, 120);
  await stage.until(['worker.0', 'worker.1']);
  await waitFor(async () => (await stage.events('event.work.*.done')).length >= 110, {
    what: 'the two work it off',
    timeoutMs: 20_000,
  });
  expect((await scalesOf(stage, 'worker')).map(({ replicas }) => replicas)).toEqual([2]);
  expect(waitingIn(stage.mirror, Date.now())).toEqual([]);
}, 60_000);
