/** Ids as they stand in schemas: judged by the bus's rule, and published with its pattern for readers of JSON Schema. */
import { isId, reservedIds } from '@mabeam/bus';
import * as z from 'zod';

const pattern = '^[a-z][a-z0-9_-]{0,62}$';

/** The schema of an id; `what` names the thing in the message (`an agent id`). */
export function idText(what: string): z.ZodString {
  return z
    .string()
    .refine(isId, `is not ${what}`)
    .meta({ pattern, not: { enum: [...reservedIds] } });
}

/** The schema of a variable's id: `threshold`, or `words.smoothing` for a local one. */
export function variableIdText(): z.ZodString {
  return z
    .string()
    .refine(isVariableId, 'is not the id of a variable')
    .meta({ pattern: '^[a-z][a-z0-9_-]{0,62}(\\.[a-z][a-z0-9_-]{0,62})?$' });
}

/** Is this `name`, or `agent.name`? */
export function isVariableId(id: string): boolean {
  const parts = id.split('.');
  return parts.length <= 2 && parts.every(isId);
}
