/**
 * A rule: "on trigger or event X, where …, adapt variable Y by Z". Data, so that it travels; the form in the bucket and in a definition.
 * A rule says what to do, never whether it may: the result is validated like any other change.
 */
import { isId } from '@mabeam/bus';
import { z } from 'zod';
import { issueText } from '../definition/issues.ts';
import { orchestratorError } from '../errors.ts';

/** How a rule changes its variable: exactly one of the six. */
export type Modification =
  | { readonly set: unknown }
  /**
   * The value that the trigger or event brings, by the path of its field as in `where`: what a round has agreed on, for one. With
   * `from` only while the variable has the value of that field: what was agreed on for another value is not done.
   */
  | { readonly take: string | { readonly to: string; readonly from: string } }
  | { readonly add: readonly string[] }
  | { readonly remove: readonly string[] }
  | { readonly increase: number }
  | { readonly decrease: number };

/** What a rule answers: a trigger by its name, or events by their kind (`task.failed`, `score.*.given`). */
export type RuleOccasion = { readonly trigger: string } | { readonly event: string };

/** A test of one field of the body; a bare value stands for `equals`. */
export type RuleCondition =
  | string
  | number
  | boolean
  | null
  | {
      readonly equals?: unknown;
      readonly not?: unknown;
      readonly in?: readonly unknown[] | undefined;
      readonly above?: number | undefined;
      readonly below?: number | undefined;
      readonly atLeast?: number | undefined;
      readonly atMost?: number | undefined;
      /** Is the field there at all? */
      readonly exists?: boolean | undefined;
    };

/** How it is judged afterwards whether a change was for the better; what is bad is taken back. */
export interface RuleGuard {
  readonly metric: string;
  /** On which side of its former level the metric is bad. */
  readonly direction: 'above' | 'below';
  /** The length of one evaluation window, and how many there are. */
  readonly windowMs: number;
  readonly windows: number;
  /** The share of the former level that counts as worse. */
  readonly tolerance: number;
  /** How often a change that is as good may be taken back all the same. */
  readonly alpha: number;
}

/** A rule of a space: on an occasion it changes one variable, at most once within `cooldownMs`. */
export interface AdaptationRule {
  readonly v: 1;
  readonly id: string;
  readonly on: RuleOccasion;
  /** Tests of the trigger's or event's body by the path of a field (`score`, `mail.size`); all must hold. */
  readonly where?: Readonly<Record<string, RuleCondition>> | undefined;
  /** The variable to adapt: a global one's id, or `<agent>.<name>`. */
  readonly adapt: string;
  readonly by: Modification;
  /** At most so many changes by this rule within any stretch of `perMs`. */
  readonly atMost?: { readonly changes: number; readonly perMs: number } | undefined;
  /** After it has adapted, the rule rests for so long. */
  readonly cooldownMs: number;
  /** Who goes first when rules contradict each other: the larger, then the smaller id; 0 when absent. */
  readonly priority?: number | undefined;
  readonly guard?: RuleGuard | undefined;
  /** The share of conversations, above 0, that see the value while its guard judges it; all when absent. */
  readonly canary?: number | undefined;
}

/** The cooldown of a rule that names none. */
const defaultCooldownMs = 30_000;

const members = z.array(z.string().min(1)).min(1);
const amount = z.number().positive();

/** A rule's fields as zod shapes, for the bucket and for the definition file alike. */
export const modificationShape = {
  set: z.unknown().optional(),
  take: z
    .union([z.string().min(1), z.strictObject({ to: z.string().min(1), from: z.string().min(1) })])
    .optional(),
  add: members.optional(),
  remove: members.optional(),
  increase: amount.optional(),
  decrease: amount.optional(),
};

/** `noun.verb`, `noun.id.verb`, or a filter of these; `*` stands for any one word. */
const eventPattern = /^(\*|[a-z0-9][a-z0-9_-]*)(\.(\*|[a-z0-9][a-z0-9_-]*)){1,2}$/;

const operators = z.strictObject({
  equals: z.unknown().optional(),
  not: z.unknown().optional(),
  in: z.array(z.unknown()).min(1).optional(),
  above: z.number().optional(),
  below: z.number().optional(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
  exists: z.boolean().optional(),
});

const condition = z.union([operators, z.string(), z.number(), z.boolean(), z.null()]);

const guard = z.strictObject({
  metric: z.string().min(1),
  direction: z.enum(['above', 'below']).default('below'),
  windowMs: z.int().min(1).default(60_000),
  windows: z.int().min(1).default(3),
  tolerance: z.number().min(0).default(0.05),
  alpha: z.number().gt(0).lt(1).default(0.01),
});

/** A rule's fields beside `by`, for the bucket and for the definition file alike. */
export const ruleShape = {
  on: z.union([
    z.strictObject({ trigger: z.string().min(1) }),
    z.strictObject({
      event: z.string().regex(eventPattern, 'is not noun.verb, noun.id.verb or a filter of these'),
    }),
  ]),
  where: z.record(z.string().min(1), condition).optional(),
  adapt: z.string().min(1),
  atMost: z.strictObject({ changes: z.int().min(1), perMs: z.int().min(1) }).optional(),
  cooldownMs: z.int().min(0).default(defaultCooldownMs),
  priority: z.int().optional(),
  guard: guard.optional(),
  canary: z.number().gt(0).max(1).optional(),
};

const ruleSchema = z.object({
  v: z.literal(1),
  id: z.string().refine(isId, 'not an id'),
  by: z.looseObject(modificationShape),
  ...ruleShape,
});

/** The modification in an object with exactly one of the six words; undefined when there are none or several. */
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
    const why = issueText(parsed.error);
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
