import type { AdaptationRecord } from '@mabeam/orchestrator';
import { describe, expect, it } from 'vitest';
import { renderTrial, trialOf, trialsOf } from './trials.ts';

type Rollout = NonNullable<AdaptationRecord['rollout']>;

const at = '2026-01-01T00:00:00.000Z';

const rollout: Rollout = {
  v: 1,
  id: 'h',
  mode: 'canary',
  guard: {
    metric: 'quality',
    direction: 'below',
    share: 0.5,
    windowMs: 1_000,
    windows: 3,
    tolerance: 0.05,
    alpha: 0.01,
  },
  changes: [{ variable: 'threshold', from: 0.5, to: 0.6 }],
  cause: 'c',
  committedAt: at,
};

const decided = (outcome: NonNullable<Rollout['decision']>['outcome'], reason = 'r'): Rollout => ({
  ...rollout,
  decision: {
    outcome,
    evidence: {
      metric: 'quality',
      mode: 'canary',
      incumbent: { samples: 80, mean: 0.9125 },
      candidate: { samples: 78, mean: 0.95 },
      eValues: [],
      threshold: 100,
      windows: 3,
      windowsPlanned: 3,
      decidedAt: at,
      reason,
    },
  },
});

const record = (over: Partial<AdaptationRecord>): AdaptationRecord => ({
  v: 1,
  source: 's',
  id: 'i',
  trigger: 't',
  rule: 'agreed-threshold',
  changes: [],
  outcome: 'evaluating',
  at,
  triggeredAt: at,
  ...over,
});

const rendered = (over: Partial<AdaptationRecord>): string =>
  trialsOf([record(over)])
    .map(renderTrial)
    .join('\n');

describe('a trial', () => {
  it('is told with both arms, and that what was not worse was kept', () => {
    expect(rendered({ rollout: decided('success') })).toBe(
      'tried by agreed-threshold: threshold 0.5 → 0.6 on 50 % of the mail; quality 0.950 (78 scores) beside 0.912 (80 scores): kept for all',
    );
  });

  it('that was for the worse is told with the reason for which it was taken back', () => {
    expect(rendered({ rollout: decided('rolled-back', 'much worse') })).toMatch(
      /: taken back \(much worse\)$/,
    );
    expect(rendered({ rollout: decided('superseded', 'somebody wrote') })).toMatch(
      /: given up \(somebody wrote\)$/,
    );
  });

  it('that nobody has judged is not said to be kept', () => {
    expect(rendered({ rollout })).toMatch(/on 50 % of the mail; the mail ended before it was judged$/);
  });

  it('of a person is told by that person', () => {
    expect(trialOf(record({ rule: '', source: 'operator:ada', rollout }))?.by).toBe('operator:ada');
  });

  it('is no adaptation for good', () => {
    expect(trialOf(record({ outcome: 'applied' }))).toBeUndefined();
  });
});
