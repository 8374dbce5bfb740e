/**
 * A specialist as an agent: answers the judge with its opinion, and folds every audit the space has kept before it is ready. So one that
 * joins late or is started again knows what the others know: if it learns, what is spam; how right each of the bench has been, by which
 * it votes; and how right it would have been itself, by which it says where a mail should begin to be called spam.
 */
import { defineAgent, type AgentDefinition } from '@mabeam/agents';
import { doesAgree } from '../discharge.ts';
import { feedbackFilter, opinion, parsedMail, scoredVerdict, type ScoredVerdict } from '../messages.ts';
import type { ParsedMail } from '../mail.ts';
import { noOpinions, noteOpinion, preferredThreshold } from '../preferred-threshold.ts';
import type { Learner, Opinion, Specialist } from '../specialists/opinion.ts';
import { freshRecord, noteAudit } from '../track-record.ts';

/** The agent of a specialist; its settings are the agent's local variables of the same names. */
export function specialistAgent<S, T extends object>(
  specialist: Specialist<S, T> | Learner<S, T>,
): AgentDefinition<ParsedMail, Opinion> {
  let state = specialist.fresh();
  let own = noOpinions();
  let record = freshRecord();
  const takeAudit = (audit: ScoredVerdict, settings: T): void => {
    const { mail, label } = audit;
    record = noteAudit(record, audit);
    // What it would have said before it is told: an opinion on what it has learned from would be no test.
    const { abstains, probability } = specialist.opinion(state, mail, settings);
    if (abstains !== true) own = noteOpinion(own, label, probability);
    if ('learn' in specialist) state = specialist.learn(state, mail, label, settings);
  };
  return defineAgent({
    input: parsedMail,
    output: opinion,
    start: (context) =>
      context.fold(feedbackFilter, (event) =>
        takeAudit(scoredVerdict.parse(event.json()), settingsOf(specialist.settings, context.variables)),
      ),
    ask: (mail, { variables }) => specialist.opinion(state, mail, settingsOf(specialist.settings, variables)),
    party: {
      prefer: ({ variable }) => {
        const preferred = variable === 'threshold' ? preferredThreshold(own) : undefined;
        if (preferred === undefined) return undefined;
        const { ham, spam } = own;
        return { preferred, reason: `by its opinions on ${ham.length} ham and ${spam.length} spam` };
      },
    },
    vote: ({ change }, { agent, variables }) =>
      doesAgree(change, { agent, record, bench: variables['specialists'] }),
  });
}

/** The specialist's settings, each replaced by the variable of its name when that is a number. */
function settingsOf<T extends object>(defaults: T, variables: Readonly<Record<string, unknown>>): T {
  const known = Object.entries(variables).filter(
    ([name, value]) => name in defaults && typeof value === 'number',
  );
  return { ...defaults, ...Object.fromEntries(known) };
}
