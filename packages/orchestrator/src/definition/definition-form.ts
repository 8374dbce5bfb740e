/**
 * The form a person writes a space in: the fields of the YAML or JSON file, strict, so that a mistyped one is refused
 * with the nearest known name. snake_case is accepted for camelCase. What the fields mean together is checked elsewhere
 * (space-definition.ts). Pure.
 */
import { z } from 'zod';
import { defaultCooldownMs, modificationOf, modificationShape } from '../adaptation/adaptation-rule.ts';
import { camelCase, type FieldPath } from './definition-document.ts';
import { nearestWord } from './nearest-word.ts';

const kinds = ['agent-selection', 'performance-threshold', 'communication-topology', 'custom'] as const;
const roles = ['coordinator', 'executor', 'evaluator', 'optimizer', 'monitor', 'custom'] as const;
const restarts = ['permanent', 'transient', 'temporary'] as const;
const wires = ['envelope', 'json'] as const;

/** A misfit between what is written and the form. */
export interface FormProblem {
  readonly path: FieldPath;
  readonly message: string;
}

const localVariable = section({
  initial: z.unknown().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  step: z.number().positive().optional(),
  enum: z.array(z.unknown()).min(1).optional(),
  pattern: z.string().optional(),
});

const agent = section({
  module: z.string().min(1).optional(),
  command: z.array(z.string().min(1)).min(1).optional(),
  role: word(roles).optional(),
  group: z.string().optional(),
  wire: word(wires).optional(),
  replicas: z.number().int().min(0).optional(),
  restart: word(restarts).optional(),
  config: named(z.unknown()),
  variables: named(localVariable),
}).refine((written) => written.module === undefined || written.command === undefined, {
  error: 'has both "module" and "command"; keep the one that starts it',
});

const variable = section({
  kind: word(kinds),
  agents: z.array(z.string()).optional(),
  initial: z.unknown().optional(),
  domain: section({
    min: z.number().optional(),
    max: z.number().optional(),
    step: z.number().positive().optional(),
    enum: z.array(z.unknown()).min(1).optional(),
    pattern: z.string().optional(),
    patterns: z.array(z.string()).min(1).optional(),
  }).optional(),
  constraints: section({
    minActive: z.number().int().nonnegative().optional(),
    maxConcurrent: z.number().int().min(1).optional(),
    exclusive: z.array(z.tuple([z.string(), z.string()])).optional(),
    requires: z.record(z.string(), z.array(z.string())).optional(),
    allowPartition: z.boolean().optional(),
  }).optional(),
});

const rule = section({
  on: section({ trigger: z.string().min(1) }),
  adapt: z.string().min(1),
  by: section(modificationShape).transform((written, context) => {
    const by = modificationOf(written);
    if (by !== undefined) return by;
    context.addIssue(`needs exactly one of ${Object.keys(modificationShape).join(', ')}`);
    return z.NEVER;
  }),
  cooldownMs: z.number().int().nonnegative().default(defaultCooldownMs),
});

const space = section({
  space: z.string(),
  name: z.string().optional(),
  agents: named(agent),
  variables: named(variable),
  rules: named(rule),
});

/** A space as written. */
export type SpaceForm = z.output<typeof space>;
export type AgentForm = z.output<typeof agent>;
export type VariableForm = z.output<typeof variable>;

/** Fits a document's value into the form; all misfits at once, each with its field. */
export function readSpaceForm(
  value: unknown,
):
  | { readonly kind: 'read'; readonly form: SpaceForm }
  | { readonly kind: 'misfit'; readonly problems: readonly FormProblem[] } {
  const parsed = space.safeParse(value);
  if (parsed.success) return { kind: 'read', form: parsed.data };
  return { kind: 'misfit', problems: parsed.error.issues.flatMap(problemsOf) };
}

function problemsOf(issue: z.core.$ZodIssue): readonly FormProblem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  return issue.keys.map((key, index) => ({
    path: [...path, key],
    message: issue.message.split('\n')[index] ?? issue.message,
  }));
}

/** A strict object that accepts snake_case, and names the nearest known field for each unknown one. */
function section<S extends z.core.$ZodLooseShape>(shape: S) {
  const known = Object.keys(shape);
  const error: z.core.$ZodErrorMap = (issue) => {
    if (issue.code !== 'unrecognized_keys') return undefined;
    const keys: readonly string[] = issue.keys;
    return keys.map((key) => unknownField(key, known)).join('\n');
  };
  return z.preprocess((value) => renameAliases(value, known), z.strictObject(shape, { error }));
}

/** The one line for an unknown field; the caller matches lines to fields by their order. */
function unknownField(key: string, known: readonly string[]): string {
  const near = nearestWord(key, known);
  const cure = near === undefined ? `known here: ${known.join(', ')}` : `did you mean "${near}"?`;
  return `unknown field "${key.replaceAll('\n', ' ')}"; ${cure}`;
}

/** A mapping from ids to things; an empty section of a YAML file is an empty mapping. */
function named<T extends z.ZodType>(member: T) {
  return z
    .record(z.string(), member)
    .nullish()
    .transform((entries) => entries ?? {});
}

/** One of the words, snake_case accepted for kebab-case. */
function word<const W extends readonly [string, ...string[]]>(words: W) {
  return z.preprocess(
    (value) => (typeof value === 'string' ? value.replaceAll('_', '-') : value),
    z.enum(words, {
      error: ({ input }) => {
        const near = typeof input === 'string' ? nearestWord(input, words) : undefined;
        const cure = near === undefined ? '' : `; did you mean "${near}"?`;
        return `is ${JSON.stringify(input) ?? 'missing'}, not one of ${words.join(', ')}${cure}`;
      },
    }),
  );
}

function renameAliases(value: unknown, known: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const renamed = Object.entries(value).map(([key, member]) => {
    const alias = camelCase(key);
    return [
      !known.includes(key) && known.includes(alias) && !(alias in value) ? alias : key,
      member,
    ] as const;
  });
  return Object.fromEntries(renamed);
}
