import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { confidenceAbove, forecast } from './forecast.ts';

describe('a forecast', () => {
  test.prop([
    fc.integer({ min: -50, max: 50 }),
    fc.integer({ min: -5, max: 5 }),
    fc.integer({ min: 2, max: 20 }),
    fc.integer({ min: 1, max: 9 }),
  ])('of a straight line goes on along it, without spread', (start, slope, length, horizon) => {
    const line = Array.from({ length }, (_, i) => start + slope * i);
    const { spread, value } = forecast(line, horizon);
    expect(value).toBeCloseTo(start + slope * (length - 1 + horizon), 6);
    expect(spread).toBeCloseTo(0, 6);
  });
  it('is what the recurrences come to, worked out by hand', () => {
    // Levels 0, 1, 2.5; trends 1, 1, 1.15; errors one step ahead, after the start: 1.
    const { spread, value } = forecast([0, 1, 3], 3);
    expect(value).toBeCloseTo(2.5 + 3 * 1.15, 12);
    expect(spread).toBeCloseTo(Math.sqrt(1 + 0.65 ** 2 + 0.8 ** 2), 12);
  });
  it('is the less sure the farther it looks', () => {
    const noisy = [1, 3, 2, 4, 3, 5, 4];
    expect(forecast(noisy, 5).spread).toBeGreaterThan(forecast(noisy, 1).spread);
  });
  it('is half sure of what it expects itself, and 0.975 sure at 1.96 spreads', () => {
    expect(confidenceAbove({ value: 3, spread: 2 }, 3)).toBeCloseTo(0.5, 6);
    expect(confidenceAbove({ value: 3.92, spread: 2 }, 0)).toBeCloseTo(0.975, 3);
    expect(confidenceAbove({ value: -3.92, spread: 2 }, 0)).toBeCloseTo(0.025, 3);
    expect(confidenceAbove({ value: 1, spread: 0 }, 1)).toBe(0);
  });
});
