/**
 * Examples: labelled mails of the built-in corpus, given to the learners before the first mail is judged. Own mail often has no
 * labels, and a learner without feedback has no opinion.
 */
import { openEvents, type Bus } from '@mabeam/bus';
import { openCorpus } from './corpus.ts';
import { readMail } from './mail-entry.ts';
import { parseMail } from './mail.ts';
import type { ScoredVerdict } from './messages.ts';
import type { DeskOptions } from './options.ts';

const examplesForOwnMail = 600;

/** Reads the examples of a run: from each phase of the corpus its share, in the order of the seed. */
export async function readExamples({ input, prime, seed }: DeskOptions): Promise<ScoredVerdict[]> {
  const limit = prime ?? (input === undefined ? 0 : examplesForOwnMail);
  if (limit === 0) return [];
  const { phases } = await openCorpus({ seed, limit });
  const examples: ScoredVerdict[] = [];
  for (const entry of phases.flatMap(({ entries }) => entries)) {
    const { label } = entry;
    if (label !== undefined)
      examples.push({ mail: await parseMail(await readMail(entry)), label, verdict: label });
  }
  return examples;
}

/** Publishes the examples as kept events; the learners fold them while they start. */
export async function giveExamples(
  bus: Bus,
  space: string,
  examples: readonly ScoredVerdict[],
): Promise<void> {
  const events = openEvents(bus, space);
  const given = examples.map((example) =>
    events.publish('example', example.mail.id, 'scored', example, {
      messageId: `example.${example.mail.id}`,
    }),
  );
  await Promise.all(given);
}
