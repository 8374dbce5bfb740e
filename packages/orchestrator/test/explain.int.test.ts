/** Explaining on a real server: the story of what a trigger has changed, from the trigger to the instances it started. */
import { bucketStream, lastSequence, openEvents, readStreamOnce, spaceNames, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { readHistoryEvent, type HistoryEvent } from '@mabeam/variables';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { identityHash } from '../src/adaptation/trigger.ts';
import { tellStory } from '../src/history/tell-story.ts';
import type { StoryPlace } from '../src/history/read-material.ts';
import { faults } from './history-stage.ts';
import { openStage, putRaw, type RunningOrchestrator, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents:
  words: { module: ./fixtures/agent.ts }
  links: { module: ./fixtures/agent.ts }
variables:
  active: { kind: agent-selection, agents: [words, links], initial: [words] }
  talk: { kind: communication-topology, agents: [words, links], initial: { pattern: mesh } }
  threshold: { kind: performance-threshold, initial: 0.5, domain: { min: 0, max: 1 } }
rules:
  more: { on: { trigger: quality-low }, adapt: active, by: { add: [links] }, cooldownMs: 3600000 }
`;

let stage: Stage;
let place: StoryPlace;
let orchestrator: RunningOrchestrator;
const identity = { source: 'nightly', id: 'run-42' };
const hash = identityHash(identity);

beforeAll(async () => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
  stage = await openStage(definition);
  place = { bus: stage.bus, space: stage.space, mirror: stage.mirror };
  orchestrator = stage.startOrchestrator('first');
  await stage.until(['words.0']);
  await openEvents(stage.bus, stage.space).trigger('quality-low', { ...identity, score: 0.7 });
  const isApplied = async (): Promise<boolean> => (await stage.record(hash))?.outcome === 'applied';
  await waitFor(isApplied, { what: 'the adaptation is applied', timeoutMs: 15_000 });
  await stage.until(['links.0', 'words.0']);
}, 60_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
}, 60_000);

test('a revision that a trigger caused is told end to end, by number, by variable and by adaptation', async () => {
  const { revision } = stage.store.get('active');
  const story = await tellStory(place, String(revision));
  expect(story).toMatchObject({
    kind: 'revision',
    revision,
    provenance: { by: 'orchestrator', trigger: identity, leader: expect.any(Number) },
    trigger: { name: 'quality-low', ...identity, body: { ...identity, score: 0.7 } },
    adaptation: { hash, record: { rule: 'more', outcome: 'applied' } },
    outcome: { kind: 'adaptation', outcome: 'applied' },
    ledTo: { graph: { topology: 'mesh', nodes: ['words', 'links'] } },
    gaps: [],
  });
  if (story.kind !== 'revision') throw new Error('not a revision');
  const phases = story.adaptation?.phases.map(({ outcome }) => outcome);
  expect(phases).toEqual(['committed', 'applied']);
  const value = story.changes.find(({ key }) => key === 'space.active');
  expect(value).toMatchObject({ content: 'value', before: ['words'], after: ['words', 'links'] });
  expect(story.ledTo.graph?.epoch).toBe(stage.store.graph?.revision);
  const verbs = story.ledTo.instances.map(({ agent, verb }) => `${agent} ${verb}`);
  expect(verbs).toEqual(['links started', 'links ready']);
  const working = story.standing?.with.map(({ agent, ordinal }) => `${agent}.${ordinal}`).toSorted();
  expect(working).toEqual(['links.0', 'words.0']);

  const byVariable = await tellStory(place, 'active');
  expect(byVariable).toMatchObject({ kind: 'variable', revision, newest: { changeSet: story.changeSet } });
  for (const id of [hash, hash.slice(0, 8), `adaptation.${hash}`])
    expect(await tellStory(place, id)).toMatchObject({ changeSet: story.changeSet, adaptation: { hash } });
});

test('an instance is told with what governs it and why it started', async () => {
  const { revision } = stage.store.get('active');
  const story = await tellStory(place, 'links.0');
  expect(story).toMatchObject({
    kind: 'instance',
    agent: 'links',
    ordinal: 0,
    now: [{ status: 'active', isLeased: true, isDesired: true }],
  });
  if (story.kind !== 'instance') throw new Error('not an instance');
  expect(story.because.map(({ key }) => key).toSorted()).toEqual(['definition.agent.links', 'space.active']);
  expect(story.events.map(({ verb }) => verb)).toEqual(['started', 'ready']);
  expect(story.events[0]?.reasonFor).toMatchObject({ revision, key: 'space.active', by: 'orchestrator' });
  const { incarnation = '' } = story.events[0] ?? {};
  expect(await tellStory(place, incarnation)).toMatchObject({ kind: 'instance', agent: 'links' });
  expect(await tellStory(place, 'links')).toMatchObject({ kind: 'instance', now: [{ ordinal: 0 }] });
});

test("an operator's change is told with its cause, what it replaced, and what became of it", async () => {
  await stage.store.update('threshold', 0.7, { by: 'ada', cause: 'quieter' });
  const { revision } = stage.store.get('threshold');
  const mine = await tellStory(place, String(revision));
  expect(mine).toMatchObject({ provenance: { by: 'ada', cause: 'quieter' }, outcome: { kind: 'in-force' } });
  expect(mine).toMatchObject({ changes: [{ id: 'threshold', before: 0.5, after: 0.7 }] });
  await stage.store.update('threshold', 0.8, { by: 'bob' });
  const newer = stage.store.get('threshold').revision;
  expect(await tellStory(place, String(revision))).toMatchObject({
    outcome: { kind: 'superseded', revision: newer, by: 'bob' },
  });
  const refused = await putRaw(stage, 'space.threshold', { v: 1, value: 7 });
  const isRepaired = (): boolean => stage.store.get('threshold').revision > refused;
  await waitFor(isRepaired, { what: 'the value is repaired' });
  const outcome = { kind: 'refused', repairedAt: stage.store.get('threshold').revision };
  await stage.mirror.refresh();
  expect(await tellStory(place, String(refused))).toMatchObject({ outcome });
});

test('what is not known says so, and what is lost says that', async () => {
  await expect(tellStory(place, 'nobody')).rejects.toMatchObject({ code: 'unknown-id' });
  await expect(tellStory(place, '999999')).rejects.toMatchObject({ code: 'unknown-revision' });
  await expect(tellStory(place, '0')).rejects.toMatchObject({
    message: 'there is no revision 0: the first is 1',
  });
  await orchestrator.stop();
  const first = await putRaw(stage, 'other.key', 0);
  for (let n = 1; n <= 80; n++) await putRaw(stage, 'other.key', n);
  const again = stage.startOrchestrator('second');
  const events = openEvents(stage.bus, stage.space);
  await events.trigger('unheard-of', { id: 'after' });
  const lost = { code: 'history-gap', details: expect.objectContaining({ keys: ['other.key'] }) };
  const isTold = async (): Promise<boolean> => {
    const told: unknown = await tellStory(place, String(first + 1)).catch((error: unknown) => error);
    return typeof told === 'object' && told !== null && 'code' in told && told.code === lost.code;
  };
  await waitFor(isTold, { what: 'the gap is recorded', timeoutMs: 10_000 });
  await expect(tellStory(place, String(first + 1))).rejects.toMatchObject(lost);
  await again.stop();
}, 60_000);

test('a frozen space goes on being recorded', async () => {
  const again = stage.startOrchestrator('third');
  await stage.store.freeze({ by: 'ada', reason: 'incident 7' });
  await stage.store.update('threshold', 0.3, { by: 'ada' });
  const { revision } = stage.store.get('threshold');
  const filter = subjects(stage.space).history('space.threshold');
  const isCopied = async (): Promise<boolean> => {
    for await (const each of readStreamOnce(stage.bus, spaceNames(stage.space).history, { filter }))
      if (Object(each.json())['revision'] === revision) return true;
    return false;
  };
  await waitFor(isCopied, { what: 'the revision is in the history' });
  expect(stage.store.view.freeze).toBeDefined();
  await stage.store.unfreeze({ by: 'ada' });
  await again.stop();
}, 60_000);

test('over all its leaders the history of the space is whole, but for the loss that it names', async () => {
  const { bus, space } = stage;
  const { bucket, history } = spaceNames(space);
  const read = async (): Promise<readonly HistoryEvent[]> => {
    const events: HistoryEvent[] = [];
    for await (const message of readStreamOnce(bus, history))
      events.push(...[readHistoryEvent(message)].filter((event) => event !== undefined));
    return events;
  };
  const last = stage.startOrchestrator('last');
  const end = await putRaw(stage, 'other.end', 1);
  const isThere = (event: HistoryEvent): boolean => event.kind === 'revision' && event.revision >= end;
  await waitFor(async () => (await read()).some(isThere), { what: 'the end is copied', timeoutMs: 10_000 });
  await last.stop();
  const before = (await read()).filter((event) => event.kind !== 'revision' || event.revision <= end);
  expect(faults(before, end)).toEqual([]);
  expect(before.filter(({ kind }) => kind === 'gap')).toMatchObject([{ keys: ['other.key'] }]);
  expect(await lastSequence(bus, bucketStream(bucket))).toBeGreaterThanOrEqual(end);
}, 60_000);
