import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadlines, type Waiting } from './deadlines.ts';

describe('deadlines', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const opened = (waits: Set<Waiting>, expired: number[]) => {
    const deadlines = new Deadlines(() => waits);
    return (inMs: number): Waiting => {
      const wait: Waiting = {
        dueAt: performance.now() + inMs,
        expire: () => {
          waits.delete(wait);
          expired.push(inMs);
        },
      };
      waits.add(wait);
      deadlines.watch(wait.dueAt);
      return wait;
    };
  };

  it('each ends in its turn, none before it is due, with one timer', () => {
    const expired: number[] = [];
    const open = opened(new Set(), expired);
    for (const inMs of [300, 100, 200]) open(inMs);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(99);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(2);
    expect(expired).toEqual([100]);
    vi.advanceTimersByTime(250);
    expect(expired).toEqual([100, 200, 300]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('what was settled in time does not end, and leaves no timer behind', () => {
    const expired: number[] = [];
    const waits = new Set<Waiting>();
    const wait = opened(waits, expired)(50);
    waits.delete(wait);
    vi.advanceTimersByTime(100);
    expect(expired).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a wait without an end arms nothing', () => {
    opened(new Set(), [])(Number.POSITIVE_INFINITY);
    expect(vi.getTimerCount()).toBe(0);
  });
});
