/** Parties as a person or a file writes them: plain JSON, checked. */
import { coordinationError } from '../errors.ts';
import * as z from 'zod';
import type { NegotiatingParty } from './electorate.ts';
import { stanceSchema } from './messages.ts';

const partySchema = stanceSchema.omit({ kind: true }).extend({
  party: z.string(),
  weight: z.number().optional(),
  priority: z.number().optional(),
  credit: z.number().optional(),
  ask: z.boolean().optional(),
  wire: z.enum(['envelope', 'json']).optional(),
});

/** Reads a list of parties. Throws `invalid-preference`, naming the field; what it means together is checked by the negotiation. */
export function parseParties(value: unknown): readonly NegotiatingParty[] {
  const read = z.array(z.strictObject(partySchema.shape)).safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue?.path.join('.') ?? '';
  const message = `parties${where === '' ? '' : `.${where}`}: ${issue?.message ?? 'malformed'}; give a list of {party, preferred, weight, …}`;
  throw coordinationError('invalid-preference', message, { details: { field: where } });
}
