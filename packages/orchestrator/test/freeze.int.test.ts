/** A frozen space with real processes: what stands still, what goes on, and what happens after the unfreezing. */
import { deleteKey, ensureStreams, openEvents, spaceNames, spaceStreams, subjects } from '@mabeam/bus';
import { freshSpace, waitFor } from '@mabeam/testing';
import { freezeKey } from '@mabeam/variables';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AdaptationRecord } from '../src/adaptation/adaptation-record.ts';
import { seekLeadership } from '../src/term/fence.ts';
import { identityHash } from '../src/adaptation/trigger.ts';
import { openStage, putRaw, type RunningOrchestrator, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents:
  judge: { module: ./fixtures/agent.ts }
  words: { module: ./fixtures/agent.ts }
  links: { module: ./fixtures/agent.ts }
variables:
  active: { kind: agent-selection, agents: [words, links], initial: [words], constraints: { minActive: 1 } }
  threshold: { kind: performance-threshold, initial: 0.5, domain: { min: 0, max: 1 } }
  talk: { kind: communication-topology, agents: [judge, words, links], initial: { pattern: star, hub: judge } }
rules:
  stricter: { on: { trigger: too-lax }, adapt: threshold, by: { increase: 0.1 }, cooldownMs: 0 }
`;

let stage: Stage;
let leader: RunningOrchestrator;

beforeAll(async () => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
  stage = await openStage(definition);
  leader = stage.startOrchestrator('first');
  await stage.until(['judge.0', 'words.0']);
  await waitFor(() => stage.store.graph?.graph.nodes.join() === 'judge,words', {
    what: 'the graph is there',
  });
}, 60_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
}, 60_000);

function freeze(): Promise<number> {
  return putRaw(stage, freezeKey, { v: 1, by: 'ops', at: new Date().toISOString(), reason: 'looking' });
}

/** Resolves in a later millisecond: in the same one a trigger counts as having come before. */
async function unfreeze(): Promise<void> {
  await deleteKey(stage.bus, spaceNames(stage.space).bucket, freezeKey);
  const at = Date.now();
  await waitFor(() => Date.now() > at, { what: 'a millisecond has passed' });
}

async function answered(id: string): Promise<AdaptationRecord> {
  const hash = identityHash({ source: '', id });
  return waitFor(
    async () => {
      const record = await stage.record(hash);
      return record?.outcome === 'committed' ? undefined : record;
    },
    { what: `the trigger ${id} is answered`, timeoutMs: 15_000 },
  );
}

/** Resolves when the leader has looked at the space at least twice more: its digests are a second apart, its rounds half of one. */
async function leaderHasLooked(): Promise<void> {
  let digests = 0;
  const subject = subjects(stage.space).signal('digest', spaceNames(stage.space).bucket);
  await using _heard = stage.bus.subscribe(subject, () => void digests++);
  await waitFor(() => digests >= 2, { what: 'two digests of the leader', timeoutMs: 5_000 });
}

test('a frozen space starts, stops, wires and repairs nothing; unfrozen it becomes what was set meanwhile', async () => {
  await freeze();
  const { graph } = stage.store;
  await stage.store.update('active', ['links'], { by: 'test' });
  const bad = await putRaw(stage, 'space.threshold', { v: 1, value: 7, by: 'shell' });
  await leaderHasLooked();
  expect(stage.running()).toEqual(['judge.0', 'words.0']);
  expect(stage.store.graph).toEqual(graph);
  expect(stage.store.view.rejected.get('space.threshold')).toMatchObject({ revision: bad });
  await unfreeze();
  await stage.until(['judge.0', 'links.0']);
  await waitFor(() => stage.store.graph?.graph.nodes.join() === 'judge,links', { what: 'the new graph' });
  await waitFor(() => stage.store.get('threshold').revision > bad, { what: 'the value is repaired' });
}, 60_000);

test('a trigger that comes while the space is frozen is recorded as such and never acts', async () => {
  const { value } = stage.store.get('threshold');
  const events = openEvents(stage.bus, stage.space);
  await freeze();
  await events.trigger('too-lax', { id: 'while-frozen' });
  const record = await answered('while-frozen');
  expect(record).toMatchObject({
    outcome: 'frozen',
    changes: [],
    reason: 'the space is frozen by ops (looking)',
  });
  await unfreeze();
  await events.trigger('too-lax', { id: 'while-frozen' });
  await events.trigger('too-lax', { id: 'after-it' });
  expect(await answered('after-it')).toMatchObject({ outcome: 'applied', changes: [{ from: value }] });
}, 60_000);

test('a trigger that nobody answered before the unfreezing does not act after it either', async () => {
  const { value } = stage.store.get('threshold');
  const events = openEvents(stage.bus, stage.space);
  await leader.stop();
  await freeze();
  await events.trigger('too-lax', { id: 'unheard' });
  await unfreeze();
  await events.trigger('too-lax', { id: 'heard' });
  leader = stage.startOrchestrator('second');
  const record = await answered('unheard');
  expect(record).toMatchObject({ outcome: 'frozen', reason: 'the space was frozen when the trigger came' });
  expect(await answered('heard')).toMatchObject({ changes: [{ from: value }] });
}, 60_000);

test('what a person sets by command while the space is frozen is written', async () => {
  await freeze();
  const subject = subjects(stage.space).command('variable', 'threshold', 'set');
  expect(await stage.bus.request(subject, { value: 0.25, by: 'shell' })).toMatchObject({ kind: 'applied' });
  expect(stage.store.get('threshold').value).toBe(0.25);
  await unfreeze();
});

test('whatever stands in the key freezes, and the leader stays the leader', async () => {
  const leaderRevision = stage.mirror.revisionOf('leader');
  await putRaw(stage, freezeKey, 'in a hurry');
  await openEvents(stage.bus, stage.space).trigger('too-lax', { id: 'hurried' });
  expect(await answered('hurried')).toMatchObject({ outcome: 'frozen' });
  expect(stage.mirror.revisionOf('leader')).toBe(leaderRevision);
  await unfreeze();
});

test('a commit that was decided before a freeze and comes after it is refused whole', async () => {
  const space = freshSpace();
  await ensureStreams(stage.bus, spaceStreams(space));
  const identity = { process: 'o', pid: 1, host: 'h' };
  await using leadership = await seekLeadership(stage.bus, { space, identity });
  const put = (key: string) => leadership?.commit([{ key, body: { v: 1 } }], { freezeRevision: 0 });
  expect(await put('adaptation.a')).toMatchObject({ kind: 'committed' });
  await leadership?.commit([{ key: freezeKey, body: { v: 1 } }]);
  expect(await put('adaptation.b')).toEqual({ kind: 'conflict' });
  expect(leadership?.over.aborted).toBe(false);
});
