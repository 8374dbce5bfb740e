import { fc, test } from '@fast-check/vitest';
import { emptyView, foldChanges, pickArm, valuesFor, type SpaceView } from '@mabeam/variables';
import { describe, expect, it } from 'vitest';
import { SharedValues } from './shared-values.ts';

const put = (key: string, value: unknown, revision: number) => ({
  revision,
  entries: [
    { key, revision, operation: 'put' as const, data: Buffer.from(JSON.stringify(value)), at: new Date(0) },
  ],
});
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
const words = { v: 1, id: 'words', variables: { pace: { initial: 3 } } };
const view: SpaceView = foldChanges(emptyView(), [
  put('definition.tone', tone, 1),
  put('definition.agent.words', words, 2),
]);

/** Keys that are written, or where they begin with `drop` definitions that are deleted. */
const changes = [
  'space.tone',
  'agent.words.pace',
  'agent.links.depth',
  'space.few',
  'definition.few',
  'drop.few',
  'definition.agent.links',
  'drop.agent.links',
  'leader',
];

describe('the values of the agents of one process', () => {
  it('an agent sees the global ones and its own by their bare names, and not those of others', () => {
    const values = new SharedValues();
    expect(values.of(view, 'words').values).toEqual({ tone: 'calm', pace: 3 });
    expect(values.of(view, 'links').values).toEqual({ tone: 'calm' });
  });

  it('a variable for a few agents is seen by them alone, whoever looks first', () => {
    const few = { ...tone, id: 'few', scope: 'cluster', agents: ['words', 'judge'], distribution: undefined };
    const scoped = foldChanges(view, [put('definition.few', few, 3)]);
    const values = new SharedValues();
    expect(values.of(scoped, 'links').values).toEqual({ tone: 'calm' });
    expect(values.of(scoped, 'judge').values).toEqual({ tone: 'calm', few: 'calm' });
    expect(values.of(scoped, 'words').values).toEqual({ tone: 'calm', pace: 3, few: 'calm' });
  });

  it('agents without local variables share one object, which nobody can change', () => {
    const values = new SharedValues();
    expect(values.of(view, 'links').values).toBe(values.of(view, 'judge').values);
    expect(Object.isFrozen(values.of(view, 'words').values)).toBe(true);
  });

  it('a new view brings new values, and leaves those of the old one as they were', () => {
    const values = new SharedValues();
    const before = values.of(view, 'words').values;
    const entry = {
      v: 1,
      value: 'brisk',
      definitionRevision: 1,
      by: 'op',
      at: new Date(0).toISOString(),
      cause: 'x',
    };
    const later = foldChanges(view, [put('space.tone', entry, 3)]);
    expect(values.of(later, 'words').values).toEqual({ tone: 'brisk', pace: 3 });
    expect(before).toEqual({ tone: 'calm', pace: 3 });
  });

  it('another value of one agent’s own variable makes nobody else’s values anew', () => {
    const values = new SharedValues();
    const before = values.of(view, 'links').values;
    const later = foldChanges(view, [put('agent.words.pace', valueEntry(9), 3)]);
    expect(values.of(later, 'links').values).toBe(before);
    expect(values.of(later, 'words').values).toEqual({ tone: 'calm', pace: 9 });
  });

  it('a revision that changes no variable makes no values anew', () => {
    const values = new SharedValues();
    const before = values.of(view, 'words').values;
    expect(values.of(foldChanges(view, [put('adaptation.x', {}, 3)]), 'words').values).toBe(before);
  });

  it('what is on trial is seen by the conversations of its share, each time alike, and by them alone', () => {
    const values = new SharedValues();
    const candidate = { value: 'brisk', share: 0.5, salt: 'a1' };
    const tried = foldChanges(view, [put('space.tone', { ...valueEntry('calm'), candidate }, 3)]);
    const shown = values.of(tried, 'words');
    expect(shown.values).toEqual({ tone: 'calm', pace: 3 });
    const conversations = Array.from({ length: 200 }, (_, i) => `c${i}`);
    const arms = conversations.map((name) => shown.inConversation(name));
    for (const [i, name] of conversations.entries()) {
      const arm = pickArm(candidate, name);
      expect(arms[i]?.arms).toEqual({ tone: arm });
      expect(arms[i]?.values).toEqual({ tone: arm === 'candidate' ? 'brisk' : 'calm', pace: 3 });
      expect(values.of(tried, 'links').inConversation(name).values).toEqual(valuesFor(tried, 'links', name));
    }
    expect(new Set(arms).size).toBe(2);
  });

  test.prop([
    fc.array(
      fc.record({
        change: fc.constantFrom(...changes),
        value: fc.nat(9),
        lookers: fc.subarray(['words', 'links', 'judge']),
      }),
      { maxLength: 80 },
    ),
  ])('whoever looks when, sees what a look at the whole view shows', (steps) => {
    const values = new SharedValues();
    let seen = view;
    for (const [n, { change, value, lookers }] of steps.entries()) {
      seen = foldChanges(seen, [changeOf(change, value, n + 10)]);
      for (const agent of lookers) expect(values.of(seen, agent).values).toEqual(valuesFor(seen, agent));
    }
  });
});

function valueEntry(value: unknown): object {
  return { v: 1, value, definitionRevision: 1, by: 'op', at: new Date(0).toISOString(), cause: 'x' };
}

function changeOf(change: string, value: number, revision: number): ReturnType<typeof put> {
  const few = { ...tone, id: 'few', scope: 'cluster', agents: ['words', 'judge'] };
  const links = { v: 1, id: 'links', variables: { depth: { initial: value } } };
  if (change === 'definition.few') return put(change, few, revision);
  if (change === 'definition.agent.links') return put(change, links, revision);
  if (!change.startsWith('drop.')) return put(change, valueEntry(value), revision);
  const key = change.replace('drop', 'definition');
  const entries = [{ key, revision, operation: 'delete' as const, data: new Uint8Array(), at: new Date(0) }];
  return { revision, entries } as unknown as ReturnType<typeof put>;
}
