/**
 * Shows who would be voted out: replays the mail desk offline over many orders of the mail, and of each specialist, and of one that says
 * the opposite of it, prints in how many orders the audits prove it wrong, and after how many.
 *
 *   node --conditions=@mabeam/source docs/examples/01-mail-desk/experiments/who-is-accused.ts [--limit 2500] [--seeds 30]
 */
import { parseArgs } from 'node:util';
import { median } from 'simple-statistics';
import { openCorpus } from '../src/corpus.ts';
import { benchOf, defaultDeskSettings } from '../src/desk-settings.ts';
import { readMail } from '../src/mail-entry.ts';
import { parseMail, type ParsedMail } from '../src/mail.ts';
import { readDefinition } from '../src/team.ts';
import { accusedAfter } from './accused-after.ts';
import { replayMail } from './replay.ts';

const { values } = parseArgs({
  options: { limit: { type: 'string' }, seeds: { type: 'string', default: '30' } },
});
const limit = Number(values.limit ?? defaultDeskSettings().limit);
const settings = {
  ...defaultDeskSettings(),
  ...benchOf(await readDefinition()),
  feedbackLag: 32,
  adaptationLag: 100,
};
const parsed = new Map<string, ParsedMail>();
const found = new Map<string, number[]>();
let audited = 0;
for (let seed = 1; seed <= Number(values.seeds); seed += 1) {
  const corpus = await openCorpus({ seed, limit });
  for (const entry of corpus.phases.flatMap(({ entries }) => entries))
    if (!parsed.has(entry.id)) parsed.set(entry.id, await parseMail(await readMail(entry)));
  const { audits } = replayMail(corpus, parsed, { ...settings, seed });
  audited += audits.length;
  for (const [member, after] of accusedAfter(audits))
    found.set(member, [...(found.get(member) ?? []), ...(after === null ? [] : [after])]);
}
console.log(`${values.seeds} orders, ${audited} audits`);
console.log('| member | proven wrong in orders | after audits, median | at most |');
console.log('| --- | ---: | ---: | ---: |');
for (const [member, after] of [...found].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
  const cells = after.length === 0 ? ['–', '–'] : [median(after), Math.max(...after)];
  console.log(`| ${member} | ${after.length} | ${cells.join(' | ')} |`);
}
