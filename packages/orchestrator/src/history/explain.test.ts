import { expect, test } from 'vitest';
import type { RecordedRevision } from '@mabeam/variables';
import { contentOf, differenceOf, provenanceOf } from './change-story.ts';
import { consequencesOf, type LifecycleEvent } from './consequences.ts';
import { explainRevision, type StoryMaterial } from './explain.ts';
import { explainInstance } from './instance-story.ts';

const second = (at: number): Date => new Date(Date.UTC(2026, 0, 31, 0, 0, at));
const trace = 'a'.repeat(32);

interface Rest {
  readonly batch?: string;
  readonly at?: number;
}

function put(
  revision: number,
  key: string,
  body: unknown,
  { batch, at = revision }: Rest = {},
): RecordedRevision {
  const data = Buffer.from(JSON.stringify(body));
  const about = { kind: 'revision', key, revision, operation: 'put', data, at: second(at) } as const;
  return batch === undefined ? about : { ...about, batch };
}

const chosen = (value: readonly string[], more: object = {}) => ({
  v: 1,
  value,
  by: 'ada',
  at: 't',
  cause: 'why',
  ...more,
});

function event(agent: string, at: number, verb: string, traceId?: string): LifecycleEvent {
  return { agent, ordinal: 0, incarnation: `${agent}-1`, verb, at: second(at).toISOString(), traceId };
}

function material(
  more: Partial<StoryMaterial> & Pick<StoryMaterial, 'revision' | 'revisions'>,
): StoryMaterial {
  const kinds = new Map([['active', 'agent-selection']]);
  return { before: new Map(), now: new Map(), events: [], gaps: [], kinds, ...more };
}

test.each([
  ['space.x', 'value', 'x'],
  ['agent.words.pace', 'value', 'words.pace'],
  ['definition.x', 'definition', 'x'],
  ['definition.agent.words', 'agent-definition', 'words'],
  ['definition.rule.more', 'rule', 'more'],
  ['scale.words', 'scale', 'words'],
  ['adaptation.ab12', 'adaptation', 'ab12'],
  ['fence.freeze', 'fence', 'fence.freeze'],
  ['graph', 'graph', 'graph'],
  ['definition.space', 'other', 'definition.space'],
])('under %s stands a %s', (key, content, id) => {
  expect(contentOf(key)).toEqual({ content, id });
});

test('a difference tells the value of an entry, a whole body of anything else, and bytes that are no JSON as text', () => {
  const before = put(1, 'space.x', { v: 1, value: 1 });
  expect(differenceOf(put(2, 'space.x', { v: 1, value: 2 }), before)).toMatchObject({ before: 1, after: 2 });
  expect(differenceOf(put(2, 'graph', { v: 1 }), undefined)).toMatchObject({ after: { v: 1 } });
  const gone: RecordedRevision = { ...before, revision: 3, operation: 'delete', data: new Uint8Array(0) };
  expect(differenceOf(gone, before)).toMatchObject({ operation: 'delete', before: 1, beforeRevision: 1 });
  expect(differenceOf(gone, before)).not.toHaveProperty('after');
  const trial = put(2, 'space.x', { v: 1, value: 1, candidate: { value: 2, share: 0.1 } });
  expect(differenceOf(trial, before)).toMatchObject({
    before: 1,
    after: 1,
    candidate: { value: 2, share: 0.1 },
  });
  const raw = { ...before, data: Buffer.from('{nonsense') };
  expect(differenceOf(raw, undefined).after).toBe('{nonsense');
});

test('the author is who wrote the value, else who fenced it; a trigger is read out of the cause', () => {
  const cause = JSON.stringify({ kind: 'trigger', source: 's', id: 'i' });
  const value = put(2, 'space.x', { v: 1, value: 1, by: 'orchestrator', cause });
  const fence = put(3, 'fence', { v: 1, leader: 9 });
  expect(provenanceOf([value, fence])).toMatchObject({ leader: 9, trigger: { source: 's', id: 'i' } });
  expect(provenanceOf([put(1, 'graph', {}), fence])).toEqual({ by: 'orchestrator', leader: 9 });
  const removal = put(4, 'fence', { v: 1, by: 'ada', cause: 'removed' });
  expect(provenanceOf([removal])).toMatchObject({ by: 'ada', cause: 'removed' });
  expect(provenanceOf([put(1, 'other', 'text')])).toEqual({});
});

test('the change set is told as a whole, without its fences', () => {
  const set = [
    put(5, 'space.active', chosen(['words', 'links']), { batch: 'b' }),
    put(6, 'adaptation.h', { outcome: 'committed' }, { batch: 'b' }),
    put(7, 'fence', { v: 1, leader: 2 }, { batch: 'b' }),
  ];
  const former = put(4, 'space.active', chosen(['words']));
  const record = { outcome: 'rolled-back', reason: 'worse', evidence: { p: 0.01 } };
  const adaptation = { hash: 'h', record, phases: [] };
  const story = explainRevision(
    material({ revision: 6, revisions: set, before: new Map([['space.active', former]]), adaptation }),
  );
  expect(story).toMatchObject({ changeSet: [5, 7], outcome: { outcome: 'rolled-back', reason: 'worse' } });
  expect(story?.changes.map(({ key }) => key)).toEqual(['space.active', 'adaptation.h']);
  expect(story?.changes[0]).toMatchObject({ before: ['words'], after: ['words', 'links'] });
  expect(story?.adaptation?.record).toHaveProperty('evidence');
  expect(explainRevision(material({ revision: 99, revisions: set }))).toBeUndefined();
});

test('what changed nothing is told with its trigger and its reason', () => {
  const record = { source: 's', id: 'i', trigger: 't', outcome: 'cooldown', reason: 'rests', changes: [] };
  const set = [
    put(5, 'adaptation.h', record, { batch: 'b' }),
    put(6, 'fence', { leader: 2 }, { batch: 'b' }),
  ];
  const adaptation = { hash: 'h', record, phases: [] };
  expect(explainRevision(material({ revision: 5, revisions: set, adaptation }))).toMatchObject({
    provenance: { by: 'orchestrator', leader: 2, trigger: { source: 's', id: 'i' } },
    outcome: { outcome: 'cooldown', reason: 'rests' },
    ledTo: { instances: [] },
  });
});

test('a roll-back is not told to have led to what it takes back, and has led to what it stops', () => {
  const back = [
    put(9, 'space.active', chosen(['words']), { batch: 'c' }),
    put(10, 'adaptation.h', { outcome: 'rolled-back' }, { batch: 'c' }),
  ];
  const former = put(5, 'space.active', chosen(['words', 'links']));
  const traceparent = `00-${trace}-${'c'.repeat(16)}-01`;
  const at = second(0).toISOString();
  const phases = [
    { revision: 6, at, outcome: 'committed' },
    { revision: 10, at, outcome: 'rolled-back' },
  ];
  const adaptation = { hash: 'h', record: { outcome: 'rolled-back', traceparent }, phases };
  const events = [event('links', 6, 'started', trace), event('links', 11, 'stopped', 'b'.repeat(32))];
  const before = new Map([['space.active', former]]);
  const story = explainRevision(material({ revision: 9, revisions: back, before, adaptation, events }));
  expect(story?.ledTo.instances).toMatchObject([{ verb: 'stopped', linkedBy: 'time' }]);
});

test('a gap is told when it touches what is told, and not otherwise', () => {
  const revisions = [put(10, 'space.x', chosen([])), put(12, 'space.y', chosen([]))];
  const gap = (from: number, to: number) => ({ kind: 'gap', from, to, at: second(0) }) as const;
  const story = explainRevision(
    material({ revision: 10, revisions, gaps: [gap(1, 3), gap(8, 9), gap(11, 11)] }),
  );
  expect(story?.gaps).toEqual([
    { from: 8, to: 9 },
    { from: 11, to: 11 },
  ]);
});

const selection = put(5, 'space.active', chosen(['links']));
const changes = [differenceOf(selection, put(1, 'space.active', chosen(['words'])))];
const graph = put(7, 'graph', { topology: 'ring', nodes: ['links'] });
const kinds = new Map([['active', 'agent-selection']]);
const aftermath = { changes, last: selection, kinds, traceId: undefined };

test('by time an event belongs to the change that concerns its agent, until the next change of the team', () => {
  const next = put(9, 'space.active', chosen([]));
  const unrelated = put(6, 'space.other', chosen([]));
  const events = [
    event('links', 4, 'ready'),
    event('links', 5, 'started'),
    event('words', 6, 'stopped'),
    event('judge', 6, 'failed'),
    event('links', 9, 'stopped'),
  ];
  const found = consequencesOf({ ...aftermath, revisions: [selection, unrelated, graph, next], events });
  expect(found.instances.map(({ agent, verb, linkedBy }) => `${agent} ${verb} ${linkedBy}`)).toEqual([
    'links started time',
    'words stopped time',
  ]);
  expect(found).toMatchObject({ graph: { epoch: 7, topology: 'ring', nodes: ['links'] }, until: 8 });
  const early = consequencesOf({
    ...aftermath,
    revisions: [selection, next, put(10, 'graph', {})],
    events: [],
  });
  expect(early).not.toHaveProperty('graph');
});

test('by trace an event belongs to its change whenever it comes, and one of another trace does not', () => {
  const events = [event('judge', 60, 'started', trace), event('links', 6, 'started', 'b'.repeat(32))];
  const found = consequencesOf({ ...aftermath, traceId: trace, revisions: [selection], events });
  expect(found.instances).toMatchObject([{ agent: 'judge', linkedBy: 'trace' }]);
});

test('a change that says nothing about the team led to no graph and no instance', () => {
  const value = put(5, 'space.threshold', chosen([]));
  const revisions = [value, graph];
  const about = { ...aftermath, last: value, changes: [differenceOf(value, undefined)] };
  expect(consequencesOf({ ...about, revisions, events: [event('links', 6, 'failed')] })).toMatchObject({
    instances: [],
  });
});

test('an event of an instance is put down to the adaptation of its trace, else to the last change before it', () => {
  const at = second(20).toISOString();
  const record = {
    v: 1,
    source: '',
    id: 'i',
    trigger: 't',
    rule: 'more',
    changes: [],
    at,
    triggeredAt: at,
  } as const;
  const traceparent = `00-${trace}-${'c'.repeat(16)}-01`;
  const stored = {
    hash: 'h',
    revision: 21,
    record: { ...record, outcome: 'committed', traceparent },
  } as const;
  const story = explainInstance({
    agent: 'links',
    observed: [],
    leased: new Set(),
    desired: new Set(),
    events: [event('links', 6, 'started'), event('words', 6, 'started'), event('links', 22, 'ready', trace)],
    adaptations: [stored],
    governing: [put(1, 'definition.agent.links', {}), selection, put(30, 'space.active', chosen([]))],
  });
  expect(story.events.map(({ reasonFor }) => reasonFor)).toMatchObject([
    { key: 'space.active', revision: 5, by: 'ada', cause: 'why', linkedBy: 'time' },
    { adaptation: 'h', revision: 21, linkedBy: 'trace' },
  ]);
  expect(story.because.map(({ revision }) => revision)).toEqual([1, 30]);
});
