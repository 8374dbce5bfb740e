/**
 * Local proposals: which value of a variable has served an agent, and how well, as a kept event, `event.proposal.<variable>.made`
 * (docs/protocol.md, "Adaptation of variables by themselves"). An emergent variable moves to what all of them come to. Both ends are here.
 */
import type { BusMessage, Events } from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import { z } from 'zod';
import { agentError } from './errors.ts';
import { hasVoice, type RoleSpec } from './rights.ts';

const proposalSchema = z.object({
  agent: z.string().min(1),
  value: z.custom<Json>((value) => isJson(value), 'is not JSON'),
  reward: z.number(),
});

/** The body of the event; which variable it is for stands in its subject. */
export type ProposalBody = Readonly<z.infer<typeof proposalSchema>>;

/** A proposal and the variable it is for; undefined when it is none: anybody may publish anything there. */
export function readProposal(
  message: Pick<BusMessage, 'subject' | 'json'>,
): { readonly variable: string; readonly proposal: ProposalBody } | undefined {
  const variable = message.subject.split('.')[4] ?? '';
  try {
    const parsed = proposalSchema.safeParse(message.json());
    return parsed.success ? { variable, proposal: parsed.data } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Publishes a proposal; resolves with its sequence once it is kept. Throws `not-permitted` when the role of its agent only watches,
 * `invalid-local-proposal` when the value is not JSON or the reward not finite, `invalid-id` for what can be no variable of a space,
 * and what a store throws.
 */
export async function makeProposal(
  events: Events,
  variable: string,
  { agent, value, reward }: { readonly agent: string; readonly value: unknown; readonly reward: number },
  { conversation, spec }: { readonly conversation: string; readonly spec?: RoleSpec | undefined },
): Promise<number> {
  if (spec !== undefined && !hasVoice(spec)) {
    const message = `${agent} is of the role ${spec.role}, which proposes nothing; give it another role`;
    throw agentError('not-permitted', message, { details: { agent, role: spec.role } });
  }
  const { data: body } = proposalSchema.safeParse({ agent, value, reward });
  if (body === undefined) {
    const message = `a proposal for ${variable} is a JSON value and a finite reward, not one of ${reward}; correct what ${agent} proposes`;
    throw agentError('invalid-local-proposal', message, { details: { agent, variable } });
  }
  return events.publish('proposal', variable, 'made', body, { conversation });
}
