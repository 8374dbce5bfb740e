import { fc, test } from '@fast-check/vitest';
import { MabeamError } from '@mabeam/bus';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Meter } from './metrics-meter.ts';

const refusal = (status: number) => new MabeamError('x', { retryable: false, status }, 'no');

describe('the meter of an instance', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('has nothing to tell before anything happened, nor after it was told', () => {
    const meter = new Meter();
    expect(meter.read()).toBeUndefined();
    meter.end(meter.begin());
    expect(meter.read()).toMatchObject({ handled: 1, failed: 0, inFlight: 0 });
    meter.reset();
    expect(meter.read()).toBeUndefined();
  });

  it('counts the time of what still runs, each of two at once for itself', () => {
    const meter = new Meter();
    meter.begin();
    vi.advanceTimersByTime(100);
    meter.begin();
    vi.advanceTimersByTime(50);
    expect(meter.read()).toMatchObject({ handled: 0, inFlight: 2, busyMs: 200 });
    meter.reset();
    vi.advanceTimersByTime(10);
    expect(meter.read()).toMatchObject({ inFlight: 2, busyMs: 20 });
  });

  it('takes a stranger’s error for the agent’s fault, and a refusal for the asker’s', () => {
    const meter = new Meter();
    for (const error of [new Error('no'), refusal(500), refusal(503), refusal(400), refusal(404)])
      meter.end(meter.begin(), error);
    expect(meter.read()).toMatchObject({ handled: 5, failed: 3 });
  });

  it('counts what was sent and what arrived', async () => {
    const meter = new Meter();
    expect(await meter.countSent(Promise.resolve('kept'))).toBe('kept');
    await expect(meter.countSent(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    expect(meter.read()).toMatchObject({ sent: 2, acknowledged: 1 });
  });

  test.prop([
    fc.array(fc.double({ min: 0.01, max: 1_000_000, noNaN: true }), { minLength: 1, maxLength: 60 }),
  ])('tells quantiles within a tenth', (latencies) => {
    const meter = new Meter();
    for (const ms of latencies) {
      const startedAt = meter.begin();
      vi.advanceTimersByTime(ms);
      meter.end(startedAt);
    }
    const { latencyMs } = meter.read() ?? {};
    const ranked = latencies.toSorted((a, b) => a - b);
    for (const [share, told] of [
      [0.5, latencyMs?.p50],
      [0.95, latencyMs?.p95],
    ] as const) {
      const exact = ranked[Math.ceil(share * ranked.length) - 1] ?? Number.NaN;
      expect(told).toBeGreaterThan(exact * 0.89);
      expect(told).toBeLessThan(exact * 1.11 + 0.001);
    }
  });
});
