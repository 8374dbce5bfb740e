import { emptyView, foldChanges, pickArm } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { contextOf, type Occasion } from './context.ts';
import { SharedValues } from './shared-values.ts';
import type { Speaker } from './ways.ts';

const candidate = { value: 'brisk', share: 0.5, salt: 'a1' };
const tone = {
  v: 1,
  id: 'tone',
  kind: 'custom',
  scope: 'global',
  agents: [],
  domain: {},
  constraints: {},
  initial: 'calm',
};
const entry = {
  v: 1,
  value: 'calm',
  definitionRevision: 1,
  by: 'op',
  at: '2026-01-31T12:00:00.000Z',
  cause: 'x',
};

const put = (key: string, revision: number, value: unknown) => ({
  revision,
  entries: [
    { key, revision, operation: 'put' as const, data: new TextEncoder().encode(JSON.stringify(value)) },
  ],
});
const tried = foldChanges(emptyView(), [
  put('definition.tone', 1, tone),
  put('space.tone', 2, { ...entry, candidate }),
]);

function speakerOf(agent: string, store: { view: typeof tried }): Speaker {
  const instance = { agent, ordinal: 0, incarnation: 'i1' };
  // Of a speaker a context looks at these alone for its variables.
  return {
    premises: { store, values: new SharedValues(), space: 's' },
    instance,
    config: {},
  } as unknown as Speaker;
}

const signal = new AbortController().signal;
const toneIn = (speaker: Speaker, occasion: Partial<Occasion>): unknown =>
  contextOf(speaker, { signal, ...occasion }).variables['tone'];

const names = Array.from({ length: 50 }, (_, i) => `c${i}`);

test('what is on trial is the same for all agents of a conversation, and at each attempt', () => {
  const [first, second] = [speakerOf('first', { view: tried }), speakerOf('second', { view: tried })];
  for (const conversation of names) {
    const wanted = pickArm(candidate, conversation) === 'candidate' ? 'brisk' : 'calm';
    const seen = [first, second, first].map((speaker) => toneIn(speaker, { conversation }));
    expect(seen).toEqual([wanted, wanted, wanted]);
  }
  expect(new Set(names.map((conversation) => toneIn(first, { conversation })))).toEqual(
    new Set(['brisk', 'calm']),
  );
});

test('a call goes on with what it saw, also when the trial has ended meanwhile', () => {
  const conversation = names.find((name) => pickArm(candidate, name) === 'candidate');
  const store = { view: tried };
  const context = contextOf(speakerOf('first', store), { signal, conversation });
  store.view = foldChanges(tried, [put('space.tone', 3, entry)]);
  expect(context.variables['tone']).toBe('brisk');
  expect(toneIn(speakerOf('first', store), { conversation })).toBe('calm');
});

test('a call without a conversation of others has one of its own, and its arm by that', () => {
  const speaker = speakerOf('first', { view: tried });
  const arms = names.map(() => {
    const context = contextOf(speaker, { signal });
    const isTried = pickArm(candidate, context.conversation) === 'candidate';
    expect(context.variables['tone']).toBe(isTried ? 'brisk' : 'calm');
    return isTried;
  });
  expect(new Set(arms).size).toBe(2);
});

test('what is done for all conversations, as at the start, sees nothing that is on trial', () => {
  const speaker = speakerOf('first', { view: tried });
  expect(new Set(names.map(() => toneIn(speaker, { isForAll: true })))).toEqual(new Set(['calm']));
});
