import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Label } from './mail-entry.ts';
import {
  defaultQualitySettings,
  newQualityWatch,
  watchQuality,
  type QualitySettings,
  type QualityStep,
  type QualityWatch,
} from './quality.ts';
import type { Audit } from './scores.ts';

const SETTINGS: QualitySettings = { windowPerLabel: 10, threshold: 0.8, margin: 0.05, minimumPerLabel: 4 };

/** Audits of ham and spam in turn, `right` of every ten of each label being right. */
function stretch(pairs: number, right: number): Audit[] {
  return Array.from({ length: pairs }, (_, at) => (at * 7) % 10 < right).flatMap((isRight) => [
    { truth: 'ham', verdict: isRight ? 'ham' : 'spam' } as const,
    { truth: 'spam', verdict: isRight ? 'spam' : 'ham' } as const,
  ]);
}

function watchAll(audits: readonly Audit[], settings = SETTINGS): QualityStep[] {
  const steps: QualityStep[] = [];
  let watch: QualityWatch = newQualityWatch();
  for (const audit of audits) {
    const step = watchQuality(watch, audit, settings);
    watch = step.watch;
    steps.push(step);
  }
  return steps;
}

function fires(audits: readonly Audit[]): number {
  return watchAll(audits).filter(({ fired }) => fired).length;
}

describe('watchQuality', () => {
  it('fires once per drop, however long quality stays low', () => {
    expect(fires([...stretch(20, 10), ...stretch(100, 3)])).toBe(1);
  });

  it('fires again only after quality was good again', () => {
    expect(fires([...stretch(20, 10), ...stretch(30, 3), ...stretch(30, 10), ...stretch(30, 3)])).toBe(2);
  });

  it('does not fire when quality was never good (Q1)', () => {
    expect(fires(stretch(200, 5))).toBe(0);
  });

  it('does not arm between threshold and margin', () => {
    const settings = { ...SETTINGS, margin: 0.3 };
    expect(watchAll([...stretch(50, 10), ...stretch(50, 2)], settings).some(({ fired }) => fired)).toBe(
      false,
    );
  });

  it('neither arms nor fires with too few mails of one label (Q3)', () => {
    const ham = Array.from({ length: 100 }, () => ({ truth: 'ham', verdict: 'ham' }) as const);
    expect(watchAll(ham).some(({ watch, fired }) => watch.armed || fired)).toBe(false);
    const few = [...ham, ...stretch(3, 10)];
    expect(watchAll(few).at(-1)?.watch.armed).toBe(false);
  });

  it('does not mistake more spam for a drop', () => {
    const good: Audit[] = stretch(20, 10);
    const spam = Array.from({ length: 200 }, () => ({ truth: 'spam', verdict: 'spam' }) as const);
    expect(fires([...good, ...spam])).toBe(0);
  });

  const label = fc.constantFrom<Label>('ham', 'spam');
  test.prop([fc.array(fc.record<Audit>({ truth: label, verdict: label }), { maxLength: 200 })])(
    'holds no more of each label than the window, the latest ones',
    (audits) => {
      const last = watchAll(audits).at(-1)?.watch.audits ?? [];
      for (const kind of ['ham', 'spam']) {
        expect(last.filter(({ truth }) => truth === kind)).toEqual(
          audits.filter(({ truth }) => truth === kind).slice(-SETTINGS.windowPerLabel),
        );
      }
    },
  );

  test.prop([fc.array(fc.record<Audit>({ truth: label, verdict: label }), { maxLength: 200 })])(
    'fires only below the threshold, and was armed just before (Q2)',
    (audits) => {
      const steps = watchAll(audits);
      for (const [at, { fired, scores, watch }] of steps.entries()) {
        if (!fired) continue;
        expect(scores.balancedAccuracy).toBeLessThan(SETTINGS.threshold);
        expect(steps[at - 1]?.watch.armed).toBe(true);
        expect(watch.armed).toBe(false);
      }
    },
  );
});

describe('defaultQualitySettings', () => {
  it('leave room to arm: threshold and margin together stay below 1', () => {
    const { threshold, margin, minimumPerLabel, windowPerLabel } = defaultQualitySettings();
    expect(threshold + margin).toBeLessThan(1);
    expect(minimumPerLabel).toBeLessThanOrEqual(windowPerLabel);
  });
});
