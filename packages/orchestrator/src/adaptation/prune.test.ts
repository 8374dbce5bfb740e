import { expect, test } from 'vitest';
import type { AdaptationRecord } from './adaptation-record.ts';
import { recordsToPrune, removal } from './prune.ts';
import type { StoredAdaptation } from '../state/space-state.ts';

const now = Date.parse('2026-01-31T00:00:00.000Z');
const day = 86_400_000;

function stored(revision: number, ageMs: number, more: Partial<AdaptationRecord> = {}): StoredAdaptation {
  const at = new Date(now - ageMs).toISOString();
  const record = { v: 1, source: '', id: `${revision}`, trigger: 't', rule: '', changes: [], at } as const;
  return {
    hash: `h${revision}`,
    revision,
    record: { ...record, outcome: 'no-rule', triggeredAt: at, ...more },
  };
}

const acted = { outcome: 'applied', changes: [{ rule: 'r', variable: 'x', from: 1, to: 2 }] } as const;
const hashes = (records: readonly StoredAdaptation[]): readonly string[] => records.map(({ hash }) => hash);

test('what is older than the event stream keeps triggers goes, and beyond the number the oldest', () => {
  const records = [stored(5, 1), stored(1, 8 * day), stored(2, 3 * day), stored(3, 2 * day)];
  const week = { maxAgeMs: 7 * day, maxRecords: 10 };
  expect(hashes(recordsToPrune(records, week, now))).toEqual(['h1']);
  expect(hashes(recordsToPrune(records, { ...week, maxRecords: 2 }, now))).toEqual(['h1', 'h2']);
  expect(recordsToPrune(records.slice(2), week, now)).toEqual([]);
});

test('an open record stays, and so does the newest one of a rule that has acted, however old', () => {
  const open = stored(1, 9 * day, { ...acted, outcome: 'committed', changes: [] });
  const records = [open, stored(2, 9 * day, acted), stored(3, 8 * day, acted), stored(4, 8 * day)];
  expect(hashes(recordsToPrune(records, { maxAgeMs: 7 * day, maxRecords: 1 }, now))).toEqual(['h2', 'h4']);
});

test('the changes of the last hour stay, however many records there are: they say how often a variable has turned round', () => {
  const hour = 3_600_000;
  const other = { ...acted, changes: [{ rule: 'q', variable: 'x', from: 1, to: 2 }] };
  const records = [
    stored(1, hour + 1, acted),
    stored(2, hour - 1, acted),
    stored(3, 5),
    stored(4, 1, acted),
    stored(5, 0, other),
  ];
  const limits = { maxAgeMs: 7 * day, maxRecords: 0 };
  expect(hashes(recordsToPrune(records, { ...limits, changesMs: hour }, now))).toEqual(['h1', 'h3']);
  expect(hashes(recordsToPrune(records, limits, now))).toEqual(['h1', 'h2', 'h3']);
});

test('a marker lasts until its record would be two weeks old, and a day at the least', () => {
  const lastsDays = (record: StoredAdaptation): number => (removal(record, now).lastsMs ?? 0) / day;
  expect([0, 8 * day, 30 * day, -5 * day].map((ageMs) => lastsDays(stored(1, ageMs)))).toEqual([
    14, 6, 1, 14,
  ]);
  expect(lastsDays(stored(1, 0, { at: 'never' }))).toBe(14);
  expect(removal(stored(7, 0), now)).toMatchObject({ expect: 7, operation: 'delete' });
});
