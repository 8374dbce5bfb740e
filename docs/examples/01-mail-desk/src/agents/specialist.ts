/**
 * A specialist as an agent: answers the judge with its opinion, and, if it learns, folds every piece of feedback the
 * space has kept before it is ready. So one that joins late or is started again knows what the others know.
 */
import { defineAgent, type AgentDefinition } from '@mabeam/agents';
import { feedbackFilter, opinion, parsedMail, scoredVerdict } from '../messages.ts';
import type { ParsedMail } from '../mail.ts';
import type { Learner, Opinion, Specialist } from '../specialists/opinion.ts';

/** The agent of a specialist; its settings are the agent's local variables of the same names. */
export function specialistAgent<S, T extends object>(
  specialist: Specialist<S, T> | Learner<S, T>,
): AgentDefinition<ParsedMail, Opinion> {
  let state = specialist.fresh();
  return defineAgent({
    input: parsedMail,
    output: opinion,
    start: async (context) => {
      if (!('learn' in specialist)) return;
      await context.fold(feedbackFilter, (event) => {
        const { mail, label } = scoredVerdict.parse(event.json());
        state = specialist.learn(state, mail, label, settingsOf(specialist.settings, context.variables));
      });
    },
    ask: (mail, { variables }) => specialist.opinion(state, mail, settingsOf(specialist.settings, variables)),
  });
}

/** The specialist's settings, each replaced by the variable of its name when that is a number. */
function settingsOf<T extends object>(defaults: T, variables: Readonly<Record<string, unknown>>): T {
  const known = Object.entries(variables).filter(
    ([name, value]) => name in defaults && typeof value === 'number',
  );
  return { ...defaults, ...Object.fromEntries(known) };
}
