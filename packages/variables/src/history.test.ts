import { expect, test } from 'vitest';
import type { BucketEntry } from '@mabeam/bus';
import { joinHistory, type KnownRevision } from './history.ts';

const at = new Date('2026-01-31T00:00:00.000Z');
const data = new Uint8Array(0);
const kept = (from: number, to: number): BucketEntry[] =>
  Array.from({ length: to - from + 1 }, (_, n) => ({
    key: 'k',
    revision: from + n,
    operation: 'put',
    data,
    at,
  }));
const copies = (from: number, to: number) =>
  kept(from, to).map((entry) => ({ kind: 'revision', ...entry }) as const);
const gap = (from: number, to: number, keys?: readonly string[]) =>
  ({ kind: 'gap', from, to, keys, at }) as const;

const shown = (known: readonly KnownRevision[]): readonly string[] =>
  known.map((each) => ('key' in each ? `${each.revision}` : `${each.from}-${each.to}`));

test('what both have is told once, in the order of revisions', () => {
  const recorded = { copied: 6, revisions: copies(1, 6), gaps: [] };
  expect(shown(joinHistory('k', kept(4, 8), recorded))).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
});

test('a gap is told to the keys it can concern, and to all when it does not say', () => {
  const gaps = [gap(2, 3, ['other']), gap(5, 6, ['other', 'k']), gap(8, 9)];
  const recorded = { copied: 20, revisions: copies(1, 1), gaps };
  expect(shown(joinHistory('k', kept(10, 11), recorded))).toEqual(['1', '5-6', '8-9', '10', '11']);
});

test('what may be lost is told before it is recorded, if the bucket keeps no more of the key than it can', () => {
  const nothing = { copied: 3, revisions: copies(2, 2), gaps: [] };
  expect(shown(joinHistory('k', kept(100, 163), nothing)).slice(0, 3)).toEqual(['2', '4-99', '100']);
  expect(shown(joinHistory('k', kept(100, 162), nothing)).slice(0, 2)).toEqual(['2', '100']);
  expect(shown(joinHistory('k', kept(100, 163), { ...nothing, copied: 99 })).slice(0, 2)).toEqual([
    '2',
    '100',
  ]);
});

test('what belongs to a former variable of the same id is not told, nor is what was lost of it', () => {
  const recorded = { copied: 20, revisions: copies(1, 4), gaps: [gap(5, 6), gap(7, 12)] };
  expect(shown(joinHistory('k', kept(13, 14), recorded, 9))).toEqual(['10-12', '13', '14']);
});
