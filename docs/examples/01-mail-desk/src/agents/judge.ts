/**
 * The judge asks every selected specialist it is wired to, all at once, and combines the opinions that come in time.
 * One that is silent abstains: a verdict never waits for a dead specialist.
 */
import { defineAgent, runAgent, type CallContext } from '@mabeam/agents';
import { MabeamError } from '@mabeam/bus';
import { z } from 'zod';
import { opinion, parsedMail, ruling, type RuledMail } from '../messages.ts';
import type { ParsedMail } from '../mail.ts';
import type { Opinion } from '../specialists/opinion.ts';
import { combineOpinions } from '../verdict.ts';

const variables = z.object({ specialists: z.array(z.string()), threshold: z.number() });
const config = z.object({ patienceMs: z.number().default(1_000) });

await runAgent(
  defineAgent({
    input: parsedMail,
    output: ruling,
    ask: async (mail, context) => {
      const { specialists, threshold } = variables.parse(context.variables);
      const wired = specialists.filter((id) => context.peers?.includes(id) ?? true);
      const opinions = await Promise.all(
        wired.map(async (id) => [id, await opinionOf(id, mail, context)] as const),
      );
      const verdict = combineOpinions(Object.fromEntries(opinions), threshold);
      const said = opinions.filter(([, { abstains }]) => abstains !== true);
      const told = Object.fromEntries(said.map(([id, { probability }]) => [id, probability]));
      context.tell('auditor', { mail, label: verdict.label, opinions: told } satisfies RuledMail);
      return { id: mail.id, ...verdict, revision: context.revision, defects: mail.defects };
    },
  }),
);

async function opinionOf(specialist: string, mail: ParsedMail, context: CallContext): Promise<Opinion> {
  try {
    const { patienceMs } = config.parse(context.config);
    return opinion.parse(await context.ask(specialist, mail, { timeoutMs: patienceMs }));
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    return { probability: 0.5, reasons: [`${specialist} did not answer (${error.code})`], abstains: true };
  }
}
