import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LatestEnd } from './latest-end.ts';

describe('the end of what several ask for', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('comes when the last of them has no time left, whoever asked last', () => {
    let ends = 0;
    const end = new LatestEnd(() => (ends += 1));
    end.extend(1_000);
    end.extend(0);
    end.extend(200);
    vi.advanceTimersByTime(999);
    expect(ends).toBe(0);
    end.extend(500);
    vi.advanceTimersByTime(499);
    expect(ends).toBe(0);
    vi.advanceTimersByTime(1);
    expect(ends).toBe(1);
  });

  it('comes again when somebody asks after it has come, and never once it was disposed of', () => {
    let ends = 0;
    const end = new LatestEnd(() => (ends += 1));
    end.extend(10);
    vi.advanceTimersByTime(10);
    end.extend(10);
    vi.advanceTimersByTime(10);
    expect(ends).toBe(2);
    end.extend(10);
    end[Symbol.dispose]();
    end.extend(20);
    vi.advanceTimersByTime(100);
    expect(ends).toBe(2);
  });
});
