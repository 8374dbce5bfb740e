import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Label } from './mail-entry.ts';
import { noOpinions, noteOpinion, preferredThreshold, type OwnOpinions } from './preferred-threshold.ts';

function opinionsOf(said: Readonly<Record<Label, readonly number[]>>): OwnOpinions {
  let opinions = noOpinions();
  for (const label of ['ham', 'spam'] satisfies Label[])
    for (const probability of said[label]) opinions = noteOpinion(opinions, label, probability);
  return opinions;
}

function about(middle: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => middle + (n % 2 === 0 ? 0.05 : -0.05));
}

describe('the threshold that suits a specialist', () => {
  it('lies between what it says of ham and of spam', () => {
    const preferred = preferredThreshold(opinionsOf({ ham: about(0.6, 60), spam: about(0.9, 60) }));
    expect(preferred).toBeGreaterThan(0.6);
    expect(preferred).toBeLessThan(0.9);
  });

  it('is nearer to 0.5 the fewer mails speak for it', () => {
    const many = preferredThreshold(opinionsOf({ ham: about(0.6, 60), spam: about(0.9, 60) }));
    const few = preferredThreshold(opinionsOf({ ham: about(0.6, 12), spam: about(0.9, 12) }));
    expect(few).toBeLessThan(many ?? 0);
    expect(few).toBeGreaterThan(0.5);
  });

  it('is not stated after fewer than ten mails of a label', () => {
    expect(preferredThreshold(opinionsOf({ ham: about(0.2, 60), spam: about(0.8, 9) }))).toBeUndefined();
    expect(preferredThreshold(opinionsOf({ ham: about(0.2, 60), spam: about(0.8, 10) }))).toBeDefined();
  });

  it('is not stated by one that takes ham for spam and spam for ham', () => {
    expect(preferredThreshold(opinionsOf({ ham: about(0.8, 60), spam: about(0.2, 60) }))).toBeUndefined();
  });

  const said = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 10, maxLength: 80 });
  test.prop([said, said])('is a probability between the extremes, whatever was said', (ham, spam) => {
    const preferred = preferredThreshold(opinionsOf({ ham, spam }));
    if (preferred === undefined) return;
    expect(preferred).toBeGreaterThan(0);
    expect(preferred).toBeLessThan(1);
  });
});
