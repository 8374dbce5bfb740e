import type { ObservedInstance } from '@mabeam/cluster';
import { expect, test } from 'vitest';
import { ProcessReports } from './reports.ts';

const seen = (agent: string, more: Partial<ObservedInstance> = {}): ObservedInstance => ({
  v: 1,
  agent,
  ordinal: 0,
  incarnation: 'i1',
  status: 'active',
  node: 'n1',
  definitionRevision: 1,
  restarts: 0,
  since: '2026-01-01T00:00:00.000Z',
  ...more,
});

const word = (process: string, applied: number) => ({ process, applied, laggards: [], instances: 1 });

test('a process speaks for those that are active in it, and for nobody else', () => {
  const reports = new ProcessReports();
  expect(reports.take(word('p1', 7))).toBe(true);
  expect(reports.take(word('p1', 7))).toBe(false);
  expect(reports.take(word('p1', 8))).toBe(true);
  const own = new Map([['alone.0', { incarnation: 'i9', applied: 5 }]]);
  const observed = [
    seen('words', { process: 'p1' }),
    seen('links', { process: 'p1', status: 'starting' }),
    seen('style', { process: 'p2' }),
    seen('alone', { incarnation: 'i9' }),
  ];
  expect(Object.fromEntries(reports.with(own, observed))).toEqual({
    'alone.0': { incarnation: 'i9', applied: 5 },
    'words.0': { incarnation: 'i1', applied: 8 },
  });
});
