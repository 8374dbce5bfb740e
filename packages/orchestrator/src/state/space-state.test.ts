import type { BucketEntry } from '@mabeam/bus';
import { describe, expect, test } from 'vitest';
import { specOf } from '../../test/team.ts';
import { emptyParts, foldParts } from './space-state.ts';

const put = (key: string, body: unknown, revision = 1): BucketEntry => ({
  key,
  revision,
  operation: 'put',
  data: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
  at: new Date(0),
});
const gone = (key: string, revision = 2): BucketEntry => ({ ...put(key, '', revision), operation: 'delete' });
const rule = { v: 1, id: 'more', on: { trigger: 't' }, adapt: 'x', by: { set: 1 } };

describe('the parts of a space', () => {
  test('are read from their keys, each with its revision', () => {
    const parts = foldParts(emptyParts(), [
      put('definition.agent.words', specOf('words'), 4),
      put('definition.rule.more', rule),
      put('definition.threshold', {}),
      put('space.threshold', {}),
      put('leader', {}),
    ]);
    expect([...parts.agents.values()]).toMatchObject([{ spec: { id: 'words' }, revision: 4 }]);
    expect([...parts.rules.keys()]).toEqual(['definition.rule.more']);
    expect(parts.problems.size).toBe(0);
  });
  test('what cannot be read is named and left out, and the others stay', () => {
    const parts = foldParts(emptyParts(), [
      put('definition.agent.words', '{broken'),
      put('definition.agent.links', specOf('links')),
      put('definition.rule.more', { ...rule, by: {} }),
      put('adaptation.abc', 'true'),
    ]);
    expect([...parts.agents.keys()]).toEqual(['definition.agent.links']);
    expect([...parts.problems.keys()]).toEqual([
      'definition.agent.words',
      'definition.rule.more',
      'adaptation.abc',
    ]);
  });
  test('a definition that becomes unreadable, or is deleted, is not in force any more', () => {
    const before = foldParts(emptyParts(), [put('definition.agent.words', specOf('words'))]);
    expect(foldParts(before, [put('definition.agent.words', '?', 2)]).agents.size).toBe(0);
    expect(foldParts(before, [gone('definition.agent.words')]).agents.size).toBe(0);
    expect(before.agents.size).toBe(1);
  });
  test('a mended key is no problem any more', () => {
    const broken = foldParts(emptyParts(), [put('definition.rule.more', '?')]);
    expect(foldParts(broken, [put('definition.rule.more', rule, 2)]).problems.size).toBe(0);
  });
});
