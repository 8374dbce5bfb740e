import { emptyView, foldChanges, type SpaceView } from '@mabeam/variables';
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

describe('the values of the agents of one process', () => {
  it('an agent sees the global ones and its own by their bare names, and not those of others', () => {
    const values = new SharedValues();
    expect(values.of(view, 'words')).toEqual({ tone: 'calm', pace: 3 });
    expect(values.of(view, 'links')).toEqual({ tone: 'calm' });
  });

  it('a variable for a few agents is seen by them alone, whoever looks first', () => {
    const few = { ...tone, id: 'few', scope: 'cluster', agents: ['words', 'judge'], distribution: undefined };
    const scoped = foldChanges(view, [put('definition.few', few, 3)]);
    const values = new SharedValues();
    expect(values.of(scoped, 'links')).toEqual({ tone: 'calm' });
    expect(values.of(scoped, 'judge')).toEqual({ tone: 'calm', few: 'calm' });
    expect(values.of(scoped, 'words')).toEqual({ tone: 'calm', pace: 3, few: 'calm' });
  });

  it('agents without local variables share one object, which nobody can change', () => {
    const values = new SharedValues();
    expect(values.of(view, 'links')).toBe(values.of(view, 'judge'));
    expect(Object.isFrozen(values.of(view, 'words'))).toBe(true);
  });

  it('a new view brings new values, and leaves those of the old one as they were', () => {
    const values = new SharedValues();
    const before = values.of(view, 'words');
    const entry = {
      v: 1,
      value: 'brisk',
      definitionRevision: 1,
      by: 'op',
      at: new Date(0).toISOString(),
      cause: 'x',
    };
    const later = foldChanges(view, [put('space.tone', entry, 3)]);
    expect(values.of(later, 'words')).toEqual({ tone: 'brisk', pace: 3 });
    expect(before).toEqual({ tone: 'calm', pace: 3 });
  });
});
