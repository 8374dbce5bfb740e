import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Opinion } from './specialists/opinion.ts';
import { combineOpinions } from './verdict.ts';

function says(probability: number): Opinion {
  return { probability, reasons: ['because'] };
}

const abstention: Opinion = { probability: 0.5, reasons: ['no feedback yet'], abstains: true };

describe('combineOpinions', () => {
  it('takes the mean of the log-odds', () => {
    expect(combineOpinions({ a: says(0.8), b: says(0.2) }, 0.5).probability).toBeCloseTo(0.5, 10);
    expect(combineOpinions({ a: says(0.9), b: says(0.5) }, 0.5).probability).toBeCloseTo(0.75, 10);
  });

  it('calls a mail spam at the threshold and ham below it', () => {
    expect(combineOpinions({ a: says(0.7) }, 0.6).label).toBe('spam');
    expect(combineOpinions({ a: says(0.7) }, 0.8).label).toBe('ham');
    expect(combineOpinions({ a: says(0.5) }, 0.5).label).toBe('spam');
  });

  it('leaves abstentions out but reports them', () => {
    const verdict = combineOpinions({ a: says(0.9), b: abstention }, 0.5);
    expect(verdict.probability).toBeCloseTo(0.9, 10);
    expect(Object.keys(verdict.opinions)).toEqual(['a', 'b']);
    expect(verdict).not.toHaveProperty('reason');
  });

  it('lets a mail through when nobody has an opinion, and says why', () => {
    expect(combineOpinions({}, 0.1)).toEqual({
      label: 'ham',
      probability: 0.5,
      opinions: {},
      reason: 'no specialist answered; the mail is let through',
    });
    expect(combineOpinions({ a: abstention }, 0.1)).toMatchObject({
      label: 'ham',
      reason: expect.stringContaining('abstained'),
    });
    expect(combineOpinions({ a: says(Number.NaN) }, 0.1)).toMatchObject({ label: 'ham', probability: 0.5 });
  });

  it('does not let one certain specialist outvote two that are fairly sure', () => {
    expect(combineOpinions({ a: says(1), b: says(0.05), c: says(0.05) }, 0.5).label).toBe('ham');
  });

  const team = fc.dictionary(fc.string(), fc.double({ min: 0, max: 1, noNaN: true }).map(says), {
    minKeys: 1,
  });
  test.prop([team])('lies between the lowest and the highest opinion', (opinions) => {
    const { probability } = combineOpinions(opinions, 0.5);
    const all = Object.values(opinions).map((opinion) => Math.min(0.99, Math.max(0.01, opinion.probability)));
    expect(probability).toBeGreaterThanOrEqual(Math.min(...all) - 1e-9);
    expect(probability).toBeLessThanOrEqual(Math.max(...all) + 1e-9);
  });
});
