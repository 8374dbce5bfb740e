import { describe, expect, it } from 'vitest';
import type { JudgedMail } from './feed.ts';
import type { Label } from './mail-entry.ts';
import { renderSummary, summaryOf, type Adaptation, type RunFacts } from './summary.ts';
import type { Trial } from './trials.ts';

const judged = (
  id: string,
  phase: number,
  truth: Label | undefined,
  label: Label,
  revision = 1,
): JudgedMail => ({
  id,
  phase,
  ...(truth === undefined ? {} : { truth }),
  latencyMs: 10,
  result: {
    kind: 'ruled',
    ruling: { id, label, probability: label === 'spam' ? 0.9 : 0.1, opinions: {}, revision, defects: [] },
  },
});

const adaptation: Adaptation = {
  id: 'after-m3',
  trigger: 'quality-low',
  rule: 'widen-the-bench',
  changes: [{ variable: 'specialists', from: ['a'], to: ['a', 'b'] }],
  revision: 20,
  triggerToAppliedMs: 140,
};

const facts = (over: Partial<RunFacts>): RunFacts => ({
  mails: [],
  control: [],
  adaptations: [],
  agreements: [],
  trials: [],
  scaled: [],
  pids: [1, 2],
  elapsedMs: 1_000,
  traceId: null,
  ...over,
});

describe('the summary', () => {
  const mails = [
    judged('m1', 0, 'ham', 'ham'),
    judged('m2', 0, 'spam', 'spam'),
    judged('m3', 1, 'spam', 'ham', 19),
    judged('m4', 1, 'ham', 'ham', 19),
    judged('m5', 1, 'spam', 'spam', 20),
    judged('m6', 1, 'ham', 'ham', 21),
  ];
  const control = mails.map((mail) => judged(mail.id, mail.phase, mail.truth, 'ham'));
  const summary = summaryOf(facts({ mails, control, adaptations: [adaptation] }));

  it('separates before, shifted and adapted by the revision the judge went by', () => {
    expect(summary.balancedAccuracy).toEqual({ before: 1, shifted: 0.5, adapted: 1, control: 0.5 });
    expect(Object.values(summary.scores).map(({ count }) => count)).toEqual([2, 2, 2, 2]);
  });

  it('the control is scored on exactly the mails of the adapted window', () => {
    expect(summary.scores.control.count).toBe(summary.scores.adapted.count);
  });

  it('says how long it took from trigger to applied, and names the change', () => {
    expect(summary.triggerToAppliedMs).toBe(140);
    expect(renderSummary(summary)).toContain('specialists [a] → [a, b]; applied 140 ms after the trigger');
  });

  it('names what was scaled, with its cause, and what was tried', () => {
    const change = { variable: 'threshold', from: 0.5, to: 0.6 };
    const arm = { count: 9, mean: 0.9 };
    const trial: Trial = {
      by: 'agreed-threshold',
      changes: [change],
      share: 0.5,
      metric: 'quality',
      outcome: 'success',
      reason: 'not found worse',
      tried: arm,
      former: arm,
    };
    const scaled = [{ agent: 'reader', replicas: 2, cause: 'scaling more-readers: 8 wait' }];
    const lines = renderSummary(summaryOf(facts({ mails, trials: [trial], scaled }))).split('\n');
    expect(lines).toContain('reader: 2 replicas (scaling more-readers: 8 wait)');
    expect(lines.filter((line) => line.startsWith('tried by agreed-threshold'))).toHaveLength(1);
  });

  it('without an adaptation it says so, and no window is invented', () => {
    const plain = summaryOf(facts({ mails: mails.slice(0, 2) }));
    expect(plain.balancedAccuracy).toEqual({ before: 1, shifted: null, adapted: null, control: null });
    expect(renderSummary(plain)).toContain('no adaptation was needed');
  });

  it('without labels nothing is said about quality', () => {
    const plain = summaryOf(facts({ mails: [judged('m1', 0, undefined, 'ham')] }));
    expect(plain.f1.before).toBeNull();
    expect(renderSummary(plain)).toContain('no labels were given');
  });

  it('a failed mail is counted as a failure and never as a verdict', () => {
    const failed: JudgedMail = {
      id: 'm9',
      phase: 0,
      truth: 'ham',
      latencyMs: 1,
      result: { kind: 'failed', code: 'deliveries-exhausted', message: 'gone' },
    };
    const plain = summaryOf(facts({ mails: [...mails, failed] }));
    expect(plain).toMatchObject({ messages: 7, verdicts: 6, failures: 1 });
  });
});
