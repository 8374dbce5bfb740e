// The life of a rollout under everything that may happen to it: judges that come late, die, or are two; scores of any kind; somebody who
// writes in between. A bucket with compare-and-set stands in for the space.
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import type { Guard } from './guard.ts';
import { arrivalLimitMs, judgeRollout, settleRollout, type Arrival, type RolloutVerdict } from './judge.ts';
import { beginRollout, type Rollout, type RolloutWrite, type StandingValue } from './rollout.ts';
import type { Score } from './samples.ts';

const begun = Date.parse('2026-01-31T12:00:00.000Z');
const windowMs = 1_000;
const over = begun + arrivalLimitMs + 3 * windowMs;
const numRuns = process.env['MABEAM_LONG'] === '1' ? 5_000 : 200;

/** What a space keeps: one revision for everything, a batch written whole or not at all. */
interface Bucket {
  record: Rollout;
  readonly values: Map<string, StandingValue>;
  revision: number;
}

function open(share: number | undefined, variables: readonly string[]): Bucket {
  const guard: Guard = {
    metric: 'm',
    direction: 'below',
    windowMs,
    windows: 3,
    tolerance: 0.05,
    alpha: 0.01,
    share,
  };
  const changes = variables.map((variable) => ({
    variable,
    kind: 'custom' as const,
    from: 'old',
    to: 'new',
    expect: 1,
  }));
  const plan = beginRollout({ id: 'a1', cause: 'mine', changes }, guard, new Date(begun));
  const values = variables.map((variable): [string, StandingValue] => [
    variable,
    { value: 'old', cause: 'before', revision: 1 },
  ]);
  const bucket = { record: plan.rollout, values: new Map(values), revision: 1 };
  expect(commit(bucket, plan.writes, plan.rollout)).toBe(true);
  return bucket;
}

function commit(bucket: Bucket, writes: readonly RolloutWrite[], record: Rollout): boolean {
  if (writes.some(({ expect: revision, variable }) => bucket.values.get(variable)?.revision !== revision))
    return false;
  for (const { candidate, value, variable } of writes)
    bucket.values.set(variable, { value, candidate, cause: 'mine', revision: ++bucket.revision });
  bucket.record = record;
  return true;
}

const score = fc.record({
  metric: fc.constantFrom('m', 'm', 'm', 'other'),
  value: fc.oneof(fc.double({ min: -2, max: 2, noNaN: true }), fc.constantFrom(0, 1, Number.NaN)),
  conversation: fc.option(fc.integer({ min: 0, max: 60 }).map(String), { nil: undefined }),
  at: fc.integer({ min: begun - 9_500, max: over }),
});
const arrival: fc.Arbitrary<Arrival> = fc.oneof(
  fc.record({ at: fc.integer({ min: begun, max: over }), applied: fc.constant(2), of: fc.constant(2) }),
  fc.record({ applied: fc.integer({ min: 0, max: 2 }), of: fc.constant(2) }),
);
const variables = fc.constantFrom(['x'], ['x', 'y']);
const share = fc.constantFrom(undefined, 0.1, 0.5, 1);
/** A judge that looks; it may die between its verdict and its commit, or commit what it saw before somebody else wrote. */
const look = fc.record({
  at: fc.integer({ min: begun, max: over + 5_000 }),
  dies: fc.boolean(),
  intruder: fc.option(fc.constantFrom('x', 'y'), { nil: undefined, freq: 6 }),
});

test.prop(
  [
    share,
    variables,
    fc.array(score, { maxLength: 120 }),
    arrival,
    fc.array(look, { minLength: 1, maxLength: 12 }),
  ],
  {
    numRuns,
  },
)('it ends once, in one way, and never over what somebody else wrote', (part, names, scores, seen, looks) => {
  const bucket = open(part, names);
  const kinds: RolloutVerdict['kind'][] = [];
  const intruded = new Map<string, StandingValue>();
  const lastLook = { at: over + 10_000, dies: false, intruder: undefined };
  const order = [...looks].sort((a, b) => a.at - b.at);
  for (const { at, dies, intruder } of [...order, lastLook]) {
    const known = scores.filter((each: Score) => each.at <= at);
    const verdict = judgeRollout(
      bucket.record,
      { scores: known, standing: bucket.values, arrival: seen },
      new Date(at),
    );
    expect(
      judgeRollout(bucket.record, { scores: known, standing: bucket.values, arrival: seen }, new Date(at)),
    ).toEqual(verdict);
    if (intruder !== undefined && bucket.values.has(intruder)) {
      const standing = { value: 'theirs', cause: 'by hand', revision: ++bucket.revision };
      bucket.values.set(intruder, standing);
      intruded.set(intruder, standing);
    }
    if (dies || verdict.kind === 'continue') continue;
    const isDecided = bucket.record.decision !== undefined;
    if (isDecided) expect(verdict.writes).toEqual([]);
    else if (commit(bucket, verdict.writes, settleRollout(bucket.record, verdict))) kinds.push(verdict.kind);
  }
  // The last look may have lost to the last intruder; then the next one ends it.
  const final = judgeRollout(
    bucket.record,
    { scores, standing: bucket.values, arrival: seen },
    new Date(over + 20_000),
  );
  expect(final.kind).not.toBe('continue');
  expect(kinds.length).toBeLessThanOrEqual(1);
  for (const [name, standing] of intruded) expect(bucket.values.get(name)).toEqual(standing);
  const own = names.filter((name) => !intruded.has(name)).map((name) => bucket.values.get(name));
  const [kind] = kinds;
  if (kind === 'roll-back')
    expect(own.every((entry) => entry?.value === 'old' && entry.candidate === undefined)).toBe(true);
  if (kind === 'promote')
    expect(own.every((entry) => entry?.value === 'new' && entry.candidate === undefined)).toBe(true);
});

test.prop(
  [
    share,
    variables,
    fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 1, maxLength: 9 }),
    fc.integer({ min: 0, max: 4_000 }),
  ],
  { numRuns: numRuns / 5 },
)('when both arms get the very same scores it goes on or succeeds', (part, names, values, after) => {
  const { record, values: standing } = open(part, names);
  // Each value comes many times in every window, before and after, whatever the arm.
  const scores = Array.from({ length: 12 * 20 * values.length }, (_, i) => {
    const window = Math.floor(i / (20 * values.length)) - 9;
    return {
      metric: 'm',
      value: values[i % values.length] ?? 0,
      conversation: `c${i}`,
      at: begun + window * windowMs + (i % windowMs),
    };
  });
  const observed = { scores, standing, arrival: { at: begun, applied: 1, of: 1 } };
  const verdict = judgeRollout(record, observed, new Date(begun + after));
  if (verdict.kind === 'continue') expect(after).toBeLessThan(3 * windowMs);
  else expect(['success', 'partial-success']).toContain(verdict.outcome);
});
