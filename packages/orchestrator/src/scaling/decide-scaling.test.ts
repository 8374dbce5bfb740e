import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { parseScalingPolicy, type ScalingPolicy } from '../definition/scaling-policy.ts';
import { decideScaling, type ScalingObservation, type ScalingState } from './decide-scaling.ts';
import type { AgentMetrics } from './metrics.ts';

const now = Date.parse('2026-01-01T00:00:00.000Z');

const policyOf = (more: Partial<ScalingPolicy> = {}): ScalingPolicy =>
  parseScalingPolicy({ v: 1, id: 'p', target: { agent: 'words' }, ...more });

const metricsOf = (more: Partial<AgentMetrics> = {}): AgentMetrics => ({
  agent: 'words',
  instances: 2,
  isStale: false,
  performance: 1,
  scores: {},
  handled: 10,
  failed: 0,
  successRate: 1,
  inFlight: 0,
  busy: 0.5,
  latencyMs: undefined,
  slots: undefined,
  cpu: 1,
  memory: 1,
  cpuUse: undefined,
  memoryUse: undefined,
  queue: undefined,
  ...more,
});

const seen = (more: Partial<ScalingObservation> = {}): ScalingObservation => ({
  agent: 'words',
  wanted: 2,
  ready: 2,
  bounds: { min: 1, max: 5 },
  room: 10,
  metrics: metricsOf(),
  ...more,
});

const uses = (cpuUse: number, memoryUse?: number) => metricsOf({ cpuUse, memoryUse });

/** What has been wished for the whole of the stabilisation time. */
const patient = (replicas: number): ScalingState => ({
  since: now - 60_000,
  wishes: [{ at: now - 1_000, replicas }],
});

const decide = (
  observation: ScalingObservation,
  { policy = policyOf(), state }: { policy?: ScalingPolicy; state?: ScalingState } = {},
) => decideScaling(policy, observation, state, now).decision;

describe('the usual limits', () => {
  it('want one more when the cores are used above 0.8', () => {
    const decision = decide(seen({ metrics: uses(0.81) }));
    expect(decision).toMatchObject({ from: 2, to: 3, reason: 'scale', why: 'cpu 0.81 is above 0.8' });
  });

  it('want one more when memory is above 0.8, or more than ten tasks wait for each', () => {
    expect(decide(seen({ metrics: uses(0.1, 0.9) })).to).toBe(3);
    const backlog = { pending: 21, unacknowledged: 0 };
    expect(decide(seen({ metrics: uses(0.1), backlog })).to).toBe(3);
    expect(decide(seen({ metrics: uses(0.5), backlog: { pending: 20, unacknowledged: 0 } })).to).toBe(2);
  });

  it('want one fewer when all are below 0.3 and nothing waits, after it was so for long enough', () => {
    const idle = seen({ metrics: uses(0.29, 0.29), backlog: { pending: 0, unacknowledged: 0 } });
    expect(decide(idle, { state: patient(1) })).toMatchObject({ from: 2, to: 1, reason: 'scale' });
    expect(decide(idle)).toMatchObject({ to: 2, reason: 'stabilising' });
    const waiting = { ...idle, backlog: { pending: 1, unacknowledged: 0 } };
    expect(decide(waiting, { state: patient(1) })).toMatchObject({ to: 2, reason: 'steady' });
  });

  it('want nothing in between', () => {
    expect(decide(seen({ metrics: uses(0.5) }))).toMatchObject({ to: 2, reason: 'steady' });
  });

  it('let a change rest', () => {
    const changedAt = now - 29_999;
    expect(decide(seen({ metrics: uses(0.95), changedAt })).reason).toBe('cooldown');
    expect(decide(seen({ metrics: uses(0.95), changedAt: changedAt - 1 })).reason).toBe('scale');
    const idle = seen({ metrics: uses(0.1), changedAt });
    expect(decide(idle, { state: patient(1) }).reason).toBe('cooldown');
  });
});

describe('of a worker that does not tell what it uses', () => {
  const silent = (pending: number, unacknowledged: number) =>
    seen({ metrics: undefined, backlog: { pending, unacknowledged } });

  it('the queue wants more, and fewer only when nothing is in hand either', () => {
    expect(decide(silent(21, 2))).toMatchObject({ to: 3, reason: 'scale' });
    expect(decide(silent(0, 1), { state: patient(1) }).reason).toBe('steady');
    expect(decide(silent(0, 0), { state: patient(1) })).toMatchObject({ to: 1, reason: 'scale' });
  });
});

describe('a decision', () => {
  it('waits for the replicas wanted before', () => {
    expect(decide(seen({ metrics: uses(0.95), ready: 1 })).reason).toBe('stabilising');
  });

  it('says when the pool has no room, and takes what room there is', () => {
    expect(decide(seen({ metrics: uses(0.95), room: 0 }))).toMatchObject({ to: 2, reason: 'no-capacity' });
    const policy = policyOf({ step: 3 });
    expect(decide(seen({ metrics: uses(0.95), room: 2 }), { policy })).toMatchObject({ to: 4 });
  });

  it('says when the limits are reached, of the policy and of the agent', () => {
    expect(decide(seen({ metrics: uses(0.95), wanted: 5, ready: 5 })).reason).toBe('at-max');
    expect(decide(seen({ metrics: uses(0.95) }), { policy: policyOf({ max: 2 }) }).reason).toBe('at-max');
    expect(decide(seen({ metrics: uses(0.1), wanted: 1, ready: 1 })).reason).toBe('at-min');
    expect(decide(seen({ metrics: uses(0.1) }), { policy: policyOf({ min: 2 }) }).reason).toBe('at-min');
  });

  it('is not made on what is stale, not known, or not to be scaled', () => {
    expect(decide(seen({ metrics: metricsOf({ cpuUse: 0.95, isStale: true }) })).reason).toBe('unknown');
    expect(decide(seen({ metrics: undefined })).reason).toBe('unknown');
    expect(decide(seen({ metrics: uses(0.95), bounds: undefined })).to).toBe(2);
  });

  it('does not take away what the others could not bear', () => {
    const policy = policyOf({ metric: 'cpu', upAbove: 0.8, downBelow: 0.6 });
    const half = seen({ metrics: uses(0.5) });
    expect(decide(half, { policy, state: patient(1) }).reason).toBe('steady');
    const quarter = seen({ metrics: uses(0.4) });
    expect(decide(quarter, { policy, state: patient(1) })).toMatchObject({ to: 1 });
  });

  it('goes by a score, whichever way it is limited', () => {
    const policy = policyOf({ metric: 'waiting-ms', upAbove: 200 });
    const metrics = metricsOf({ scores: { 'waiting-ms': { mean: 250, samples: 4 } } });
    expect(decide(seen({ metrics }), { policy })).toMatchObject({
      to: 3,
      why: 'waiting-ms 250 is above 200',
    });
  });

  it('never leaves an agent that is asked without a replica', () => {
    const none = { min: 0, max: 3 };
    const idle = { metrics: uses(0.01), wanted: 1, ready: 1, bounds: none };
    expect(decide(seen(idle), { state: patient(0) }).reason).toBe('at-min');
    const worker = seen({ ...idle, backlog: { pending: 0, unacknowledged: 0 } });
    expect(decide(worker, { state: patient(0) })).toMatchObject({ to: 0, reason: 'scale' });
    const atWork = seen({ ...idle, backlog: { pending: 0, unacknowledged: 1 } });
    expect(decide(atWork, { state: patient(0) }).reason).toBe('at-min');
  });
});

describe('the queue rule', () => {
  const policy = policyOf({ metric: 'queue' });
  const slots = metricsOf({ slots: 4 });
  const queued = (pending: number, unacknowledged: number, more: Partial<ScalingObservation> = {}) =>
    decide(
      seen({
        metrics: slots,
        bounds: { min: 0, max: 100 },
        room: 100,
        backlog: { pending, unacknowledged },
        ...more,
      }),
      {
        policy,
      },
    );

  it('wants replicas that are busy to four fifths, at once and in one step', () => {
    expect(queued(24, 8)).toMatchObject({ to: 10, reason: 'scale' });
    expect(queued(24, 8, { changedAt: now - 1 })).toMatchObject({ to: 10 });
  });

  it('counts what the starting ones will take', () => {
    expect(queued(28, 4, { wanted: 8, ready: 1 })).toMatchObject({ to: 8, reason: 'stabilising' });
  });

  it('takes 16 at once for usual, as long as no replica has said how many', () => {
    expect(queued(26, 0, { metrics: undefined })).toMatchObject({ to: 3 });
  });

  it('wakes an agent that has no replicas', () => {
    expect(queued(1, 0, { wanted: 0, ready: 0, metrics: undefined })).toMatchObject({ to: 1 });
  });

  it('lets no load raise and lower them for ever', () => {
    expect(queued(0, 0, { wanted: 3, ready: 3 })).toMatchObject({ to: 3, reason: 'stabilising' });
  });
});

const anyLoad = fc.record({
  cpuUse: fc.option(fc.double({ min: 0, max: 2, noNaN: true }), { nil: undefined }),
  pending: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
  busy: fc.integer({ min: 0, max: 50 }),
  room: fc.integer({ min: 0, max: 6 }),
  isStale: fc.boolean(),
});
const anyPolicy = fc.record({
  metric: fc.constantFrom(undefined, 'queue'),
  min: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  max: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  step: fc.integer({ min: 1, max: 4 }),
});

/** Plays a load second by second; the replicas wanted are there `delay` looks later. */
function play(policy: ScalingPolicy, loads: readonly ScalingObservation[], delay = 0) {
  let state: ScalingState | undefined;
  let changedAt: number | undefined;
  let wanted = 2;
  const history = [wanted];
  const decisions = loads.map((load, second) => {
    const at = now + second * 1_000;
    const ready = Math.min(...history.slice(-1 - delay));
    const { decision, state: next } = decideScaling(policy, { ...load, wanted, ready, changedAt }, state, at);
    state = next;
    if (decision.to !== wanted) changedAt = at;
    wanted = decision.to;
    history.push(wanted);
    return decision;
  });
  return { decisions, history };
}

test.prop([anyPolicy, fc.array(anyLoad, { maxLength: 150 })])(
  'whatever the load, never beyond the room, the policy and the bounds; and a reason for all that stays',
  (limits, loads) => {
    const policy = policyOf(limits);
    const observations = loads.map(({ busy, cpuUse, isStale, pending, room }) =>
      seen({
        room,
        metrics: metricsOf({ cpuUse, isStale, slots: 4 }),
        ...(pending === undefined ? {} : { backlog: { pending, unacknowledged: busy } }),
      }),
    );
    const { decisions } = play(policy, observations);
    for (const [index, { from, reason, to }] of decisions.entries()) {
      expect(to - from).toBeLessThanOrEqual(observations[index]?.room ?? 0);
      expect(reason === 'scale').toBe(to !== from);
      if (to > from) expect(to).toBeLessThanOrEqual(Math.min(limits.max ?? 5, 5));
      if (to < from) expect(to).toBeGreaterThanOrEqual(Math.min(limits.min ?? 0, limits.max ?? 5, 5));
    }
  },
);

describe('a sawtooth', () => {
  const seconds = 1_800;
  /** Up and down between nothing and far too much, every so many seconds. */
  const sawtooth = (period: number, of: (height: number) => Partial<ScalingObservation>) =>
    Array.from({ length: seconds }, (_, second) => seen(of((second % period) / period)));
  const decreases = (history: readonly number[]) =>
    history.filter((count, index) => index > 0 && count < (history[index - 1] ?? 0)).length;

  it.each([2, 10, 45, 90, 200])('of %i s changes the replicas at most once in a cooldown', (period) => {
    const load = sawtooth(period, (height) => ({ metrics: uses(height * 1.2) }));
    const { decisions, history } = play(policyOf(), load, 2);
    const changes = decisions.filter(({ reason }) => reason === 'scale').length;
    expect(changes).toBeLessThanOrEqual(seconds / 30 + 1);
    expect(decreases(history)).toBeLessThanOrEqual(seconds / 60 + 1);
  });

  it.each([2, 10, 45, 90, 200])(
    'of %i s lowers by the queue rule at most once in the stabilisation time',
    (period) => {
      const load = sawtooth(period, (height) => ({
        metrics: metricsOf({ slots: 4 }),
        backlog: { pending: Math.round(height * 40), unacknowledged: 4 },
      }));
      const { decisions, history } = play(policyOf({ metric: 'queue' }), load, 2);
      expect(decreases(history)).toBeLessThanOrEqual(seconds / 60 + 1);
      // Between two decreases there are at most as many steps upwards as there are replicas.
      const changes = decisions.filter(({ reason }) => reason === 'scale').length;
      expect(changes).toBeLessThanOrEqual((seconds / 60 + 1) * 5);
    },
  );

  it('faster than the stabilisation time leaves the replicas where its height needs them', () => {
    const load = sawtooth(20, (height) => ({
      metrics: metricsOf({ slots: 4 }),
      backlog: { pending: Math.round(height * 20), unacknowledged: 4 },
    }));
    const { decisions } = play(policyOf({ metric: 'queue' }), load);
    expect(decisions.slice(120).every(({ reason }) => reason !== 'scale')).toBe(true);
  });
});
