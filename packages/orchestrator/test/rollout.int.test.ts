/** Guarded changes on real processes: agents that are scored, a leader that judges, and people who write in between. */
import { parseJson, readKeyHistory, spaceNames, openEvents } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { pickArm } from '@mabeam/variables';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { identityHash } from '../src/adaptation/trigger.ts';
import { adapt, command, converseTimes, converseUntilDecided, quickGuard } from './rollout-stage.ts';
import { openStage, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents:
  front: { module: ./fixtures/scored.ts, config: { next: back } }
  back: { module: ./fixtures/scored.ts }
  extra: { module: ./fixtures/agent.ts }
variables:
  pace: { kind: custom, initial: 1, domain: { min: 0, max: 10 } }
  active: { kind: agent-selection, agents: [extra], initial: [] }
rules:
  hurry:
    on: { trigger: hurry }
    adapt: pace
    by: { set: 5 }
    cooldownMs: 60000
    guard: { metric: quality, windowMs: 1000 }
    canary: 0.4
`;

const isLong = process.env['MABEAM_LONG'] === '1';
let stage: Stage;

beforeAll(async () => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
  stage = await openStage(definition);
  stage.startOrchestrator('first');
  await stage.until(['back.0', 'front.0']);
}, 60_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
}, 60_000);

beforeEach(async () => {
  await stage.store.update('pace', 1, { by: 'test', cause: 'a new test', ifChanged: true });
});

const share = 0.4;

async function historyOf(id: string) {
  const { bucket } = spaceNames(stage.space);
  const entries = await readKeyHistory(stage.bus, bucket, `space.${id}`);
  return entries.map(({ data }) => Object(parseJson(data)));
}

async function announced(hash: string, outcome: string): Promise<void> {
  await waitFor(async () => (await stage.events(`event.adaptation.${hash}.${outcome}`)).length === 1, {
    what: `${outcome} of ${hash} is announced`,
    timeoutMs: 10_000,
  });
}

test('a rule’s regression of a fifth is rolled back within three windows, and no more than the share saw it', async () => {
  await openEvents(stage.bus, stage.space).trigger('hurry', { source: 'test', id: 'regression' });
  const hash = identityHash({ source: 'test', id: 'regression' });
  await waitFor(async () => (await stage.record(hash)) !== undefined, { what: 'the rule has acted' });
  const { record, seen } = await converseUntilDecided(stage, hash);
  expect(record).toMatchObject({ outcome: 'rolled-back', rollout: { mode: 'canary' }, rule: 'hurry' });
  expect(record.rollout?.decision?.evidence.windows).toBeLessThanOrEqual(3);
  expect(stage.store.get('pace')).toMatchObject({ value: 1 });
  expect(stage.store.get('pace').candidate).toBeUndefined();
  const touched = seen.filter(({ pace }) => pace === 5);
  expect(touched.length).toBeGreaterThan(0);
  // Five standard deviations of chance over the share.
  expect(touched.length / seen.length).toBeLessThan(share + 5 * Math.sqrt((share * 0.6) / seen.length));
  const inShare = ({ conversation }: { conversation: string }): boolean =>
    pickArm({ salt: hash, share }, conversation) === 'candidate';
  expect(touched.every(inShare)).toBe(true);
  // Both agents of a journey see the same, but where a step of the rollout came between.
  expect(seen.filter(({ beyond, pace }) => beyond !== pace).length).toBeLessThanOrEqual(16);
  await announced(hash, 'rolled-back');
  // Not tried again in the cooldown.
  await openEvents(stage.bus, stage.space).trigger('hurry', { source: 'test', id: 'again' });
  const again = identityHash({ source: 'test', id: 'again' });
  await waitFor(async () => (await stage.record(again)) !== undefined, { what: 'the rule is asked again' });
  expect((await stage.record(again))?.outcome).toBe('cooldown');
}, 60_000);

test('an improvement is promoted: the candidate becomes the value for everybody', async () => {
  const asked = await adapt(stage, {
    changes: [{ variable: 'pace', value: 3 }],
    guard: quickGuard(700, share),
    id: 'improvement',
  });
  expect(asked).toMatchObject({ kind: 'written', outcome: 'evaluating', mode: 'canary' });
  const twice = { changes: [{ variable: 'pace', value: 7 }], guard: quickGuard(700, share) };
  await expect(adapt(stage, twice)).rejects.toMatchObject({ code: 'change-in-flight' });
  const { record, seen } = await converseUntilDecided(stage, asked.adaptation);
  expect(record.outcome).toBe('success');
  expect(record.rollout?.decision?.evidence.impact).toBeGreaterThan(0.1);
  expect(stage.store.get('pace')).toMatchObject({ value: 3 });
  expect(seen.some(({ pace }) => pace === 1)).toBe(true);
  await announced(asked.adaptation, 'success');
  const after = await converseTimes(stage, 2);
  expect(after.every(({ beyond, pace }) => pace === 3 && beyond === 3)).toBe(true);
  // Asked for once more under the same id it is the same.
  const again = await adapt(stage, { changes: [{ variable: 'pace', value: 3 }], id: 'improvement' });
  expect(again).toMatchObject({ kind: 'duplicate', outcome: 'success', adaptation: asked.adaptation });
  // And undone it is exactly as it was, once.
  const undone = await command(stage, 'undo', { adaptation: asked.adaptation, by: 'test' });
  expect(undone).toMatchObject({ kind: 'written', outcome: 'rolled-back' });
  await waitFor(() => stage.store.get('pace').value === 1, { what: 'the former value is back' });
  await announced(asked.adaptation, 'rolled-back');
  await expect(command(stage, 'undo', { adaptation: asked.adaptation })).rejects.toMatchObject({
    code: 'not-undoable',
  });
}, 60_000);

test('what an operator writes in between is never overwritten', async () => {
  const asked = await adapt(stage, {
    changes: [{ variable: 'pace', value: 5 }],
    guard: quickGuard(700, share),
  });
  const before = (await historyOf('pace')).length;
  const { record } = await converseUntilDecided(stage, asked.adaptation, {
    onRound: async (round) => {
      if (round === 3) await stage.store.update('pace', 8, { by: 'operator' });
    },
  });
  expect(record).toMatchObject({ outcome: 'superseded' });
  expect(stage.store.get('pace').value).toBe(8);
  await announced(asked.adaptation, 'superseded');
  expect((await historyOf('pace')).slice(before)).toMatchObject([{ value: 8, by: 'operator' }]);
  await expect(command(stage, 'undo', { adaptation: asked.adaptation })).rejects.toMatchObject({
    code: 'not-undoable',
  });
}, 60_000);

test('a structural change is guarded by before and after, says so, and stays when nothing got worse', async () => {
  await converseTimes(stage, 40);
  const asked = await adapt(stage, {
    changes: [{ variable: 'active', value: ['extra'] }],
    guard: quickGuard(600, share),
  });
  expect(asked).toMatchObject({ mode: 'before-after', reason: expect.stringContaining('active') });
  const { record } = await converseUntilDecided(stage, asked.adaptation);
  expect(['success', 'partial-success']).toContain(record.outcome);
  expect(record.appliedAt).toBeDefined();
  expect(stage.store.get('active').value).toEqual(['extra']);
  expect(stage.running()).toContain('extra.0');
  await command(stage, 'undo', { adaptation: asked.adaptation });
  await stage.until(['back.0', 'front.0']);
}, 60_000);

test('a whole change that makes everything worse is taken back', async () => {
  await converseTimes(stage, 60);
  const asked = await adapt(stage, { changes: [{ variable: 'pace', value: 5 }], guard: quickGuard(700) });
  expect(asked.mode).toBe('before-after');
  const { record, seen } = await converseUntilDecided(stage, asked.adaptation);
  expect(seen.some(({ pace }) => pace === 5)).toBe(true);
  expect(record.outcome).toBe('rolled-back');
  expect(stage.store.get('pace').value).toBe(1);
}, 60_000);

test('in a frozen space a rollout stands still, and is decided after the unfreezing', async () => {
  const asked = await adapt(stage, {
    changes: [{ variable: 'pace', value: 5 }],
    guard: quickGuard(300, share),
  });
  await stage.store.freeze({ by: 'test', reason: 'a test' });
  // Long enough for all three windows, by what the stream says of the time.
  const last = Date.now() + 1_500;
  while (Date.now() < last) await converseTimes(stage, 1);
  expect(await stage.record(asked.adaptation)).toMatchObject({ outcome: 'evaluating' });
  expect(stage.store.get('pace')).toMatchObject({ value: 1, candidate: { value: 5 } });
  await stage.store.unfreeze({ by: 'test' });
  const { record } = await converseUntilDecided(stage, asked.adaptation);
  expect(record.outcome).toBe('rolled-back');
}, 60_000);

test('it is promoted by hand before its time, and undone by hand before its time', async () => {
  const changes = [{ variable: 'pace', value: 7 }];
  const first = await adapt(stage, { changes, guard: quickGuard(600_000, share) });
  expect(await command(stage, 'promote', { adaptation: first.adaptation, by: 'test' })).toMatchObject({
    outcome: 'success',
    reason: 'promoted by test',
  });
  await waitFor(() => stage.store.get('pace').value === 7, { what: 'the candidate is the value' });
  expect(stage.store.get('pace').candidate).toBeUndefined();
  const next = await adapt(stage, {
    changes: [{ variable: 'pace', value: 9 }],
    guard: quickGuard(600_000, share),
  });
  await command(stage, 'undo', { adaptation: next.adaptation, by: 'test' });
  await waitFor(() => stage.store.get('pace').candidate === undefined, { what: 'the candidate is gone' });
  expect(stage.store.get('pace')).toMatchObject({ value: 7 });
  await expect(command(stage, 'promote', { adaptation: next.adaptation })).rejects.toMatchObject({
    code: 'not-undoable',
  });
}, 60_000);

const runs = isLong ? 200 : 2;

test(`of ${runs} candidates that are as good hardly any is blamed, with no tolerance`, async () => {
  let [blamed, standing] = [0, 1];
  for (let run = 0; run < runs; run++) {
    const value = standing === 6 ? 7 : 6;
    const guard = { ...quickGuard(300, 0.5), tolerance: 0 };
    const asked = await adapt(stage, { changes: [{ variable: 'pace', value }], guard });
    const { record } = await converseUntilDecided(stage, asked.adaptation);
    expect(['success', 'partial-success', 'rolled-back']).toContain(record.outcome);
    if (record.outcome === 'rolled-back') blamed++;
    else standing = value;
  }
  if (isLong) console.info(`${blamed} of ${runs} were blamed`);
  // Five standard deviations of chance over 1 %.
  expect(blamed).toBeLessThanOrEqual(Math.max(1, 0.01 * runs + 5 * Math.sqrt(0.0099 * runs)));
}, 600_000);
