import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decideRestart,
  defaultRestartPolicy,
  describeExit,
  type Exit,
  type RestartPolicy,
} from './supervision.ts';

const normal: Exit = { code: 0, signal: null, asked: false };
const crashed: Exit = { code: 1, signal: null, asked: false };
const killed: Exit = { code: null, signal: 'SIGKILL', asked: false };
const unstartable: Exit = { code: null, signal: null, asked: false, failure: 'spawn nothing ENOENT' };
const asked = (exit: Exit): Exit => ({ ...exit, asked: true });

describe('restart types (conformance vector 13)', () => {
  test.each([
    ['permanent', normal, 'restart'],
    ['permanent', crashed, 'restart'],
    ['permanent', killed, 'restart'],
    ['permanent', unstartable, 'restart'],
    ['transient', normal, 'done stopped'],
    ['transient', crashed, 'restart'],
    ['transient', killed, 'restart'],
    ['transient', unstartable, 'restart'],
    ['temporary', normal, 'done stopped'],
    ['temporary', crashed, 'done failed'],
    ['temporary', killed, 'done failed'],
    ['temporary', unstartable, 'done failed'],
    ['permanent', asked(normal), 'done stopped'],
    ['permanent', asked(killed), 'done stopped'],
    ['transient', asked(killed), 'done stopped'],
    ['temporary', asked(killed), 'done stopped'],
  ] as const)('%s after %o: %s', (type, exit, expected) => {
    const decision = decideRestart({ type, exit, restartsAtMs: [], nowMs: 0, random: 0.5 });
    expect(decision.kind === 'done' ? `done ${decision.outcome}` : decision.kind).toBe(expected);
  });
});

describe('the restart window', () => {
  test('the fourth crash within a minute escalates', () => {
    const crash = (nowMs: number, restartsAtMs: number[]) =>
      decideRestart({ type: 'permanent', exit: crashed, restartsAtMs, nowMs, random: 0 }).kind;
    expect(crash(200, [100])).toBe('restart');
    expect(crash(400, [100, 300, 500])).toBe('escalate');
    expect(crash(60_100, [100, 300, 500])).toBe('restart');
  });

  test('for usual has three restarts a minute, the first after 100 ms and none after more than 30 s', () => {
    const decide = (nowMs: number, recent: number, maxFailures: number) => {
      const policy = { ...defaultRestartPolicy, maxFailures };
      const restartsAtMs = Array.from({ length: recent }, () => 0);
      return decideRestart({ type: 'permanent', exit: crashed, restartsAtMs, nowMs, policy, random: 1 });
    };
    const usual = defaultRestartPolicy.maxFailures;
    expect(decide(59_999, 3, usual)).toEqual({ kind: 'escalate', restarts: 3 });
    expect(decide(60_000, 3, usual)).toEqual({ kind: 'restart', delayMs: 100 });
    expect(decide(1, 19, 20)).toEqual({ kind: 'restart', delayMs: 30_000 });
  });

  test('the delays double from 100 ms and stop growing at their maximum', () => {
    const policy: RestartPolicy = { maxFailures: 20, windowMs: 1e9, backoffMs: 100, backoffMaxMs: 30_000 };
    const delays = Array.from({ length: 12 }, (_, recent) => {
      const restartsAtMs = Array.from({ length: recent }, () => 0);
      return decideRestart({ type: 'permanent', exit: crashed, restartsAtMs, nowMs: 0, policy, random: 1 });
    });
    expect(
      delays.map((decision) => (decision.kind === 'restart' ? decision.delayMs : decision.kind)),
    ).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000]);
  });

  test('no window has more than maxFailures restarts, whatever the process does', () => {
    const given = fc.record({
      runsMs: fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 60 }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      maxFailures: fc.integer({ min: 0, max: 5 }),
      windowMs: fc.integer({ min: 1, max: 60_000 }),
    });
    fc.assert(
      fc.property(given, (given) => {
        const policy = {
          maxFailures: given.maxFailures,
          windowMs: given.windowMs,
          backoffMs: 100,
          backoffMaxMs: 30_000,
        };
        const restartsAtMs: number[] = [];
        let nowMs = 0;
        for (const runMs of given.runsMs) {
          nowMs += runMs;
          const ending = { type: 'permanent', exit: crashed, restartsAtMs, nowMs, policy } as const;
          const decision = decideRestart({ ...ending, random: given.random });
          if (decision.kind !== 'restart') break;
          nowMs += decision.delayMs;
          restartsAtMs.push(nowMs);
        }
        for (const startMs of restartsAtMs) {
          const inWindow = restartsAtMs.filter((atMs) => atMs >= startMs && atMs < startMs + given.windowMs);
          expect(inWindow.length).toBeLessThanOrEqual(given.maxFailures);
        }
      }),
    );
  });

  test('a delay lies between half of its backoff and all of it', () => {
    const given = fc.record({
      recent: fc.integer({ min: 0, max: 40 }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      backoffMs: fc.integer({ min: 1, max: 1_000 }),
    });
    fc.assert(
      fc.property(given, ({ recent, random, backoffMs }) => {
        const policy = { maxFailures: 100, windowMs: 60_000, backoffMs, backoffMaxMs: 30_000 };
        const restartsAtMs = Array.from({ length: recent }, () => 0);
        const decision = decideRestart({
          type: 'permanent',
          exit: killed,
          restartsAtMs,
          nowMs: 0,
          policy,
          random,
        });
        const fullMs = Math.min(30_000, backoffMs * 2 ** recent);
        if (decision.kind !== 'restart') throw new Error(`expected a restart, got ${decision.kind}`);
        expect(decision.delayMs).toBeGreaterThanOrEqual(Math.floor(fullMs / 2));
        expect(decision.delayMs).toBeLessThanOrEqual(fullMs);
      }),
    );
  });

  test('a process that was asked to end is never started again', () => {
    const given = fc.record({
      type: fc.constantFrom('permanent', 'transient', 'temporary'),
      code: fc.option(fc.integer({ min: 0, max: 255 }), { nil: null }),
    });
    fc.assert(
      fc.property(given, ({ type, code }) => {
        const exit = { code, signal: code === null ? 'SIGTERM' : null, asked: true };
        expect(decideRestart({ type, exit, restartsAtMs: [], nowMs: 0, random: 0 }).kind).toBe('done');
      }),
    );
  });
});

test('an ending is described by its code, its signal or its failure to start', () => {
  expect([normal, crashed, killed, unstartable].map(describeExit)).toEqual([
    'exit code 0',
    'exit code 1',
    'signal SIGKILL',
    'spawn nothing ENOENT',
  ]);
});
