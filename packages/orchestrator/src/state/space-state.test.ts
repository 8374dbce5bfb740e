import type { BucketEntry } from '@mabeam/bus';
import { describe, expect, test } from 'vitest';
import { specOf } from '../../test/team.ts';
import { emptyParts, foldParts, spaceRecordOf } from './space-state.ts';

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
  test('are the record of the space, its scaling policies and scales, too', () => {
    const policy = { v: 1, id: 'more', target: { agent: 'words' } };
    const scale = { v: 1, replicas: 3, by: 'x', at: '2026-01-01T00:00:00.000Z', cause: '' };
    const parts = foldParts(emptyParts(), [
      put('definition.space', { v: 1, name: 'Desk', pool: { cpu: 2 } }),
      put('definition.scaling.more', policy),
      put('scale.words', scale),
      put('scale.links', { ...scale, replicas: -1 }),
    ]);
    expect(spaceRecordOf(parts)).toEqual({ v: 1, name: 'Desk', pool: { cpu: 2 } });
    expect([...parts.scaling.values()]).toMatchObject([{ id: 'more', step: 1 }]);
    expect([...parts.scales]).toEqual([['scale.words', scale]]);
    expect([...parts.problems.keys()]).toEqual(['scale.links']);
    const without = foldParts(
      parts,
      ['definition.space', 'scale.words'].map((key) => gone(key)),
    );
    expect([spaceRecordOf(without), without.scales.size]).toEqual([undefined, 0]);
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
