import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { logOddsOf, probabilityOf, reasonsOf } from './opinion.ts';

describe('log-odds', () => {
  test.prop([fc.double({ min: 0.02, max: 0.98, noNaN: true })])(
    'turn back into the probability they came from',
    (probability) => {
      expect(probabilityOf(logOddsOf(probability, 0.01))).toBeCloseTo(probability, 10);
    },
  );

  it('stay finite for certainty', () => {
    expect(logOddsOf(1, 0.01)).toBeCloseTo(-logOddsOf(0, 0.01), 10);
    expect(logOddsOf(1, 0.01)).toBeLessThan(5);
  });
});

describe('reasonsOf', () => {
  it('names the four weightiest clues with their direction and leaves out what weighs nothing', () => {
    const clues = [0.01, -2, 0.5, 3, 1, 0.6].map((weight, at) => ({ weight, name: `c${at}` }));
    expect(reasonsOf(clues)).toEqual(['c3 (spam 3.0)', 'c1 (ham 2.0)', 'c4 (spam 1.0)', 'c5 (spam 0.6)']);
  });
});
