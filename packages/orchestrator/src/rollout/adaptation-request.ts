/** The bodies of the commands by which a space is adapted, as they come over the wire. */
import { randomUUID } from 'node:crypto';
import type { ServedRequest } from '@mabeam/bus';
import { z } from 'zod';
import { issueText } from '../definition/issues.ts';
import { orchestratorError } from '../errors.ts';
import { guardSchema, type Guard } from './guard.ts';

/** A change that is wished for. */
export interface AdaptRequest {
  readonly changes: readonly { readonly variable: string; readonly value: unknown }[];
  readonly guard?: Guard | undefined;
  readonly id: string;
  readonly by: string;
}

/** An adaptation that is to be undone or promoted. */
export interface ChosenAdaptation {
  /** Its hash. */
  readonly adaptation: string;
  readonly by: string;
}

const by = z.string().min(1).max(128).optional();

const adapt = z.strictObject({
  changes: z.array(z.strictObject({ variable: z.string().min(1), value: z.unknown() })).min(1),
  guard: guardSchema.optional(),
  id: z.string().min(1).max(1_024).optional(),
  by,
});

const chosen = z.strictObject({ adaptation: z.string().min(1), by });

/** Reads the request; without an id it gets a fresh one. Throws `invalid-adaptation`. */
export function readAdapt({ body, from }: Pick<ServedRequest, 'body' | 'from'>): AdaptRequest {
  const parsed = adapt.safeParse(body);
  if (!parsed.success)
    throw invalid('adapt', '{changes: [{variable, value}], guard?, id?, by?}', parsed.error);
  const { id = randomUUID(), by: author = from ?? 'unnamed', ...rest } = parsed.data;
  return { ...rest, id, by: author };
}

/** Reads which adaptation is meant. Throws `invalid-adaptation`. */
export function readChosen(
  { body, from }: Pick<ServedRequest, 'body' | 'from'>,
  verb: string,
): ChosenAdaptation {
  const parsed = chosen.safeParse(body);
  if (!parsed.success) throw invalid(verb, '{adaptation, by?}', parsed.error);
  return { adaptation: parsed.data.adaptation, by: parsed.data.by ?? from ?? 'unnamed' };
}

function invalid(verb: string, form: string, error: z.ZodError): Error {
  const message = `command.space.<space>.${verb} takes ${form}: ${issueText(error)}`;
  return orchestratorError('invalid-adaptation', message, { details: { verb } });
}
