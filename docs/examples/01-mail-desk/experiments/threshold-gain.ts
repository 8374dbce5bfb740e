/**
 * Shows what the negotiated threshold gains: replays the mail desk offline, and scores the mails that the larger team judged after it had
 * met by balanced accuracy – with the threshold they agreed on, with fixed ones, and with the best of all, which nobody can know before.
 *
 *   node --conditions=@mabeam/source docs/examples/01-mail-desk/experiments/threshold-gain.ts [--limit 2500] [--seeds 30]
 */
import { parseArgs } from 'node:util';
import { mean } from 'simple-statistics';
import { openCorpus, type Corpus } from '../src/corpus.ts';
import { benchOf, defaultDeskSettings } from '../src/desk-settings.ts';
import { readMail } from '../src/mail-entry.ts';
import { parseMail, type ParsedMail } from '../src/mail.ts';
import { countOutcomes, scoresOf } from '../src/scores.ts';
import { readDefinition } from '../src/team.ts';
import { replayMail, type ReplayedMail } from './replay.ts';

const fixed = [0.2, 0.35, 0.5, 0.6, 0.65, 0.8];
const lags = { feedbackLag: 32, adaptationLag: 100 };
/** Fewer mails than this say nothing. */
const leastMails = 150;

const { values } = parseArgs({
  options: { limit: { type: 'string' }, seeds: { type: 'string', default: '30' } },
});
const limit = Number(values.limit ?? defaultDeskSettings().limit);
const parsed = new Map<string, ParsedMail>();
const bench = benchOf(await readDefinition());
const agreed: number[] = [];
const scores = new Map<string, number[]>();
for (let seed = 1; seed <= Number(values.seeds); seed += 1) {
  const corpus = await openCorpus({ seed, limit });
  await parseAll(corpus);
  const { mails, negotiated } = replayMail(corpus, parsed, {
    ...defaultDeskSettings(),
    ...bench,
    ...lags,
    seed,
  });
  const tail = mails.slice(negotiated?.at ?? mails.length);
  if (negotiated === undefined || tail.length < leastMails) continue;
  agreed.push(negotiated.threshold);
  note('negotiated', accuracy(tail, negotiated.threshold));
  for (const threshold of fixed) note(`fixed at ${threshold}`, accuracy(tail, threshold));
  const all = Array.from({ length: 99 }, (_, n) => accuracy(tail, (n + 1) / 100));
  note('the best afterwards', Math.max(...all));
}
const usual = scores.get('fixed at 0.5') ?? [];
console.log(`${agreed.length} runs; agreed on ${agreed.map((each) => each.toFixed(2)).join(' ')}`);
console.log('| threshold | balanced accuracy | beside 0.5: mean | worst | best |');
console.log('| --- | ---: | ---: | ---: | ---: |');
for (const [name, list] of scores) {
  const beside = list.map((each, at) => each - (usual[at] ?? 0));
  const cells = [mean(list), mean(beside), Math.min(...beside), Math.max(...beside)];
  console.log(`| ${name} | ${cells.map((cell) => cell.toFixed(4)).join(' | ')} |`);
}

async function parseAll({ phases }: Corpus): Promise<void> {
  for (const entry of phases.flatMap(({ entries }) => entries))
    if (!parsed.has(entry.id)) parsed.set(entry.id, await parseMail(await readMail(entry)));
}

function note(name: string, score: number): void {
  scores.set(name, [...(scores.get(name) ?? []), score]);
}

function accuracy(mails: readonly ReplayedMail[], threshold: number): number {
  const audits = mails.map(({ probability, truth }) => ({
    truth,
    verdict: probability >= threshold ? ('spam' as const) : ('ham' as const),
  }));
  return scoresOf(countOutcomes(audits)).balancedAccuracy ?? 0;
}
