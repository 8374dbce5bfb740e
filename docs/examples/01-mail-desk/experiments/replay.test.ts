import { beforeAll, describe, expect, it } from 'vitest';
import { limitPhases, openCorpus, type Corpus } from '../src/corpus.ts';
import { benchOf, defaultDeskSettings } from '../src/desk-settings.ts';
import { readMail } from '../src/mail-entry.ts';
import { parseMail, type ParsedMail } from '../src/mail.ts';
import { countOutcomes, scoresOf } from '../src/scores.ts';
import { readDefinition } from '../src/team.ts';
import { accusedAfter } from './accused-after.ts';
import { replayMail, type ReplayedMail } from './replay.ts';

const OPTIONS = {
  ...defaultDeskSettings(),
  ...benchOf(await readDefinition()),
  seed: 2,
  feedbackLag: 32,
  adaptationLag: 100,
};

let corpus: Corpus;
const parsed = new Map<string, ParsedMail>();
beforeAll(async () => {
  corpus = await openCorpus({ seed: 2, limit: 2_000 });
  for (const entry of corpus.phases.flatMap(({ entries }) => entries))
    parsed.set(entry.id, await parseMail(await readMail(entry)));
}, 20_000);

function accuracy(mails: readonly ReplayedMail[], run: 'adapted' | 'control'): number {
  return (
    scoresOf(countOutcomes(mails.map((mail) => ({ truth: mail.truth, verdict: mail[run] }))))
      .balancedAccuracy ?? 0
  );
}

describe('replayMail', () => {
  it(
    'raises the alarm in the second phase, after which the larger team does better than the control, and nobody of it is accused',
    { timeout: 20_000 },
    () => {
      const { mails, alarms, audits, negotiated } = replayMail(corpus, parsed, OPTIONS);
      const begin = corpus.phases[0]?.entries.length ?? 0;
      const alarm = alarms[0] ?? 0;
      expect(alarm).toBeGreaterThan(begin);
      const tail = mails.slice(alarm + OPTIONS.adaptationLag);
      expect(tail.length).toBeGreaterThan(100);
      expect(accuracy(tail, 'adapted')).toBeGreaterThan(accuracy(tail, 'control'));
      expect(mails.slice(0, alarm).every(({ adapted, control }) => adapted === control)).toBe(true);
      // What they agree on serves them about as well as the threshold that was given.
      expect(negotiated?.threshold).toBeGreaterThan(0.4);
      expect(negotiated?.threshold).toBeLessThan(0.7);
      // And the audits prove those wrong who are, and nobody else.
      const wrong = [...accusedAfter(audits)].flatMap(([member, after]) => (after === null ? [] : [member]));
      expect(wrong.toSorted()).toEqual(['not headers', 'not links', 'not style', 'not words']);
    },
  );

  it('learns nothing when no feedback is given', () => {
    const few = { ...corpus, phases: limitPhases(corpus.phases, 100) };
    const { mails, alarms } = replayMail(few, parsed, { ...OPTIONS, feedbackShare: 0 });
    expect(alarms).toEqual([]);
    expect(new Set(mails.map(({ control }) => control))).toEqual(new Set(['ham']));
  });
});
