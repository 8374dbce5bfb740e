/**
 * Several processes under faults: republished revisions lost, doubled, delayed and reordered, connections cut and frozen, and
 * the server killed again and again. Afterwards everybody's books must agree with the server's.
 */
import { appendFile } from 'node:fs/promises';
import { processesNaming } from '@mabeam/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { runUnderFaults, type FaultRunResult } from './fault-run.ts';

const isLong = process.env['MABEAM_LONG'] === '1';
const faultsMs = isLong ? 240_000 : 9_000;
const serverKills = isLong ? 12 : 3;
const seed = process.env['MABEAM_SEED'] ?? 'bones';

let run: FaultRunResult;

beforeAll(async () => {
  const shares = { drop: 0.2, duplicate: 0.05, reorder: 0.05 };
  run = await runUnderFaults({ seed, processes: isLong ? 5 : 3, faultsMs, serverKills, shares });
  const report = process.env['MABEAM_REPORT'];
  if (report !== undefined) await appendFile(report, `${JSON.stringify(summaryOf(run))}\n`);
}, faultsMs + 120_000);

const total = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

/** The numbers of the results page. */
function summaryOf({ books, done, healedAfterMs, tallies }: FaultRunResult): object {
  const counted = tallies.flatMap((tally) => Object.values(tally.counters));
  const codes: Record<string, number> = {};
  for (const tally of tallies)
    for (const [code, n] of Object.entries(tally.codes)) codes[code] = (codes[code] ?? 0) + n;
  const of = (account: 'acknowledged' | 'reported') => ({
    updates: total(counted.map((each) => each[account])),
    changeSets: total(tallies.map((tally) => tally.changeSets[account])),
    tasks: total(tallies.map((tally) => tally.tasks[account].length)),
    events: total(tallies.map((tally) => tally.events[account].length)),
  });
  return {
    seed,
    faultsMs,
    processes: tallies.length,
    ...done,
    acknowledged: of('acknowledged'),
    reported: of('reported'),
    codes,
    revision: books.revision,
    outcomes: books.outcomes.size,
    redelivered: books.redelivered,
    eventsStored: books.events.length,
    healedAfterMs: Math.round(healedAfterMs),
  };
}

describe('after a run under faults', () => {
  test('the faults were really there', () => {
    expect(run.done.kills).toBe(serverKills);
    expect(run.done.cuts).toBeGreaterThan(0);
    expect(run.done.freezes).toBeGreaterThan(0);
    expect(run.done.dropped).toBeGreaterThan(50);
    expect(run.done.duplicated).toBeGreaterThan(0);
    expect(run.done.reordered).toBeGreaterThan(0);
    const reported = run.tallies.flatMap(({ events, tasks }) => [...events.reported, ...tasks.reported]);
    expect(reported.length).toBeGreaterThan(0);
  });

  test('no process has a stale variable: each view equals the bucket as its leader reads it', () => {
    const truth = [...run.books.entries].map(([key, entry]) => ({ key, ...entry }));
    for (const { applied, entries } of run.looks) {
      expect(applied).toBe(run.books.revision);
      expect(entries).toEqual(truth.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
    }
  });

  test('nobody ever saw half a change set', () => {
    expect(run.looks.map(({ tornViews }) => tornViews)).toEqual(run.looks.map(() => 0));
    expect(total(run.tallies.map(({ changeSets }) => changeSets.acknowledged))).toBeGreaterThan(0);
  });

  test('a counter is the sum of the acknowledged increments, and of no others but those reported as unknown', () => {
    const ids = new Set(run.tallies.flatMap(({ counters }) => Object.keys(counters)));
    for (const id of ids) {
      const sum = (account: 'acknowledged' | 'reported'): number =>
        total(run.tallies.map(({ counters }) => counters[id]?.[account] ?? 0));
      const entry: unknown = JSON.parse(run.books.entries.get(`space.${id}`)?.text ?? '{}');
      expect(entry, id).toMatchObject({ value: expect.any(Number) });
      const value = Number(Object(entry).value);
      expect(value, id).toBeGreaterThanOrEqual(sum('acknowledged'));
      expect(value, id).toBeLessThanOrEqual(sum('acknowledged') + sum('reported'));
    }
  });

  test('no task is lost and none has a second outcome', () => {
    const submitted = run.tallies.flatMap(({ tasks }) => tasks.acknowledged);
    const maybe = run.tallies.flatMap(({ tasks }) => tasks.reported);
    expect(submitted.length).toBeGreaterThan(100);
    expect(submitted.filter((id) => !run.books.outcomes.has(id))).toEqual([]);
    expect([...run.books.outcomes].filter(([, count]) => count !== 1)).toEqual([]);
    const known = new Set([...submitted, ...maybe]);
    expect([...run.books.outcomes.keys()].filter((id) => !known.has(id))).toEqual([]);
    expect(run.books.openTasks).toBe(0);
  });

  test('every event was acknowledged and is there once, or was reported as an error', () => {
    const acknowledged = run.tallies.flatMap(({ events }) => events.acknowledged);
    const reported = run.tallies.flatMap(({ events }) => events.reported);
    const stored = run.books.events.map(({ id }) => id);
    expect(acknowledged.length).toBeGreaterThan(100);
    const present = new Set(stored);
    expect(acknowledged.filter((id) => !present.has(id))).toEqual([]);
    expect(stored.length).toBe(present.size);
    const known = new Set([...acknowledged, ...reported]);
    expect(stored.filter((id) => !known.has(id))).toEqual([]);
  });

  test('every reader has read every event once and in order', () => {
    const sequences = run.books.events.map(({ sequence }) => sequence);
    for (const { seen } of run.looks) expect(seen).toEqual(sequences);
  });

  test('every error has a code', () => {
    expect(run.tallies.flatMap(({ untyped }) => untyped)).toEqual([]);
  });

  test('nothing is left running', async () => {
    expect(run.exitCodes).toEqual(run.exitCodes.map(() => 0));
    expect(await processesNaming(run.space)).toEqual([]);
    expect(await processesNaming(run.storeDir)).toEqual([]);
  });
});
