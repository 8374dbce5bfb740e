/**
 * A change of a variable as it is put to the vote: a proposal of the protocol `consensus` like any other (docs/protocol.md, "Policies").
 * Both ends are here: who proposes a change writes it, and an agent that votes reads it.
 */
import { isJson, type Json } from '@mabeam/variables';
import { z } from 'zod';

const json = z.custom<Json>((value) => isJson(value), 'not JSON');
const changeSchema = z.object({
  kind: z.literal('change'),
  variable: z.string(),
  from: json,
  to: json,
  reason: z.string(),
});

/** A change that is put to the vote, as a voter sees it. */
export type ProposedChange = Readonly<Omit<z.infer<typeof changeSchema>, 'kind'>>;

/** The proposal that stands for a change. */
export function changeProposal({ from, reason, to, variable }: ProposedChange): Json {
  return { kind: 'change', variable, from, to, reason };
}

/** The change in a proposal; undefined when it proposes something else. */
export function readChange(proposal: unknown): ProposedChange | undefined {
  const read = changeSchema.safeParse(proposal).data;
  if (read === undefined) return undefined;
  const { from, reason, to, variable } = read;
  return { variable, from, to, reason };
}
