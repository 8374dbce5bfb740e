/**
 * A rule: "on trigger X adapt variable Y by Z". Data, so that it travels; the form in the bucket and in a definition.
 * A rule says what to do, never whether it may: the result is validated like any other change.
 */
import { isId } from '@mabeam/bus';
import { z } from 'zod';
import { orchestratorError } from '../errors.ts';

/** How a rule changes its variable: exactly one of the five. */
export type Modification =
  | { readonly set: unknown }
  | { readonly add: readonly string[] }
  | { readonly remove: readonly string[] }
  | { readonly increase: number }
  | { readonly decrease: number };

/** A rule of a space: on a trigger it changes one variable, at most once within `cooldownMs`. */
export interface AdaptationRule {
  readonly v: 1;
  readonly id: string;
  readonly on: { readonly trigger: string };
  /** The variable to adapt: a global one's id, or `<agent>.<name>`. */
  readonly adapt: string;
  readonly by: Modification;
  /** After it has adapted, the rule rests for so long. */
  readonly cooldownMs: number;
}

/** The cooldown of a rule that names none. */
export const defaultCooldownMs = 30_000;

const members = z.array(z.string().min(1)).min(1);
const amount = z.number().positive();

/** A rule's fields as zod shapes, for the bucket and for the definition file alike. */
export const modificationShape = {
  set: z.unknown().optional(),
  add: members.optional(),
  remove: members.optional(),
  increase: amount.optional(),
  decrease: amount.optional(),
};

const ruleSchema = z.object({
  v: z.literal(1),
  id: z.string().refine(isId, 'not an id'),
  on: z.object({ trigger: z.string().min(1) }),
  adapt: z.string().min(1),
  by: z.looseObject(modificationShape),
  cooldownMs: z.number().int().nonnegative().default(defaultCooldownMs),
});

/** The modification in an object with exactly one of the five words; undefined when there are none or several. */
export function modificationOf(by: Readonly<Record<string, unknown>>): Modification | undefined {
  const words = Object.keys(modificationShape).filter((word) => by[word] !== undefined);
  const [word] = words;
  if (words.length !== 1 || word === undefined) return undefined;
  // The shape has checked each word's argument; only "exactly one" was left to see.
  return { [word]: by[word] } as unknown as Modification;
}

/** Reads a rule out of the bucket; throws `rule-invalid` with the field at fault. */
export function parseRule(value: unknown): AdaptationRule {
  const parsed = ruleSchema.safeParse(value);
  if (!parsed.success) {
    const why = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw orchestratorError('rule-invalid', `not a rule: ${why}`, { details: { rule: value } });
  }
  const by = modificationOf(parsed.data.by);
  if (by === undefined) {
    const words = Object.keys(modificationShape).join(', ');
    throw orchestratorError('rule-invalid', `rule ${parsed.data.id}: "by" needs exactly one of ${words}`, {
      details: { rule: value },
    });
  }
  return { ...parsed.data, by };
}
