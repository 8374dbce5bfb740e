/**
 * The form a person writes a space in: the fields of the YAML or JSON file, strict, so that a mistyped one is refused with the nearest
 * known name. It is made of the schemas of the parts, so it knows every field that they know; what differs from the stored form is
 * here: a module without a `run` around it, replicas as bounds, ids as keys. What the fields mean together is checked elsewhere
 * (space-definition.ts). Pure.
 */
import { agentSpecSchema, hostingForms } from '@mabeam/agents';
import { variableDefinitionSchema } from '@mabeam/variables';
import { z } from 'zod';
import { modificationOf, modificationShape, ruleShape } from '../adaptation/adaptation-rule.ts';
import type { FieldPath } from './definition-document.ts';
import { plainIssues, type PlainIssue } from './issues.ts';
import { knownFields, withOurNames, type SchemaNode } from './form-names.ts';
import { misfitWords, unknownField } from './misfit-words.ts';
import { scalingShape } from './scaling-policy.ts';
import { spaceShape } from './space-record.ts';

/** A misfit between what is written and the form. */
export interface FormProblem {
  readonly path: FieldPath;
  readonly message: string;
}

/** Judged later, with a message of its own; readers of the published schema see the rule here. */
const id = z.string().meta({ pattern: '^[a-z][a-z0-9_-]{0,62}$' });

const replicas = z.union(
  [
    z.int().min(0),
    z.strictObject({ min: z.int().min(0), max: z.int().min(1), initial: z.int().min(0).optional() }),
  ],
  { error: 'is neither a whole number nor {min, max, initial?}' },
);

const agent = z
  .strictObject({
    ...agentSpecSchema.omit({ v: true, id: true, run: true, bounds: true }).shape,
    module: z
      .string()
      .min(1)
      .optional()
      .describe('A file beside this one (./words.ts), a package, or a file URL'),
    command: z
      .tuple([z.string().min(1)], z.string())
      .optional()
      .describe('Any program; ./x is a file beside this one'),
    form: z.enum(hostingForms).optional().describe('Where the module runs; its own process when absent'),
    replicas: replicas.optional().describe('How many instances, or between which numbers they may be scaled'),
    config: named(agentSpecSchema.shape.config.unwrap().valueType, z.string()),
    variables: named(agentSpecSchema.shape.variables.unwrap().valueType),
  })
  .refine((written) => written.module === undefined || written.command === undefined, {
    error: 'has both "module" and "command"; keep the one that starts it',
  })
  .meta({ not: { required: ['module', 'command'] } });

const variable = z.strictObject(variableDefinitionSchema.omit({ v: true, id: true }).shape);

const modification = z
  .strictObject(modificationShape)
  .meta({ minProperties: 1, maxProperties: 1 })
  .transform((written, context) => {
    const by = modificationOf(written);
    if (by !== undefined) return by;
    context.addIssue(`needs exactly one of ${Object.keys(modificationShape).join(', ')}`);
    return z.NEVER;
  });

const space = z
  .strictObject({
    $schema: z.string().optional().describe('Where editors find this schema'),
    space: id.describe('The id of the space'),
    ...spaceShape,
    agents: named(agent),
    variables: named(variable),
    scaling: named(z.strictObject(scalingShape)),
    rules: named(z.strictObject({ ...ruleShape, by: modification })),
  })
  .describe(
    'A team of agents: who they are, the variables that run them, and the rules that move the variables',
  );

/** A space as written, with its defaults. */
export type SpaceForm = z.output<typeof space>;
export type AgentForm = SpaceForm['agents'][string];
export type VariableForm = SpaceForm['variables'][string];

/** What came of fitting a document into the form. */
export type FormReading =
  | { readonly kind: 'read'; readonly form: SpaceForm }
  | { readonly kind: 'misfit'; readonly problems: readonly FormProblem[] };

/** Fits a document's value into the form; all misfits at once, each with its field. snake_case is accepted for our names. */
export function readSpaceForm(value: unknown): FormReading {
  const schema = spaceFormSchema();
  const parsed = space.safeParse(withOurNames(value, schema), { reportInput: true });
  if (parsed.success) return { kind: 'read', form: parsed.data };
  const problems = plainIssues(parsed.error.issues).flatMap((found) => problemsOf(found, schema));
  return { kind: 'misfit', problems };
}

/** The published schema: the form as a JSON Schema (draft 2020-12), for editors and for programs in other languages. */
export function spaceSchema(): Readonly<Record<string, unknown>> {
  return { title: 'MABEAM space', ...spaceFormSchema() };
}

let published: SchemaNode | undefined;

/** The form as a JSON Schema of what may be written, without the snake_case aliases. */
function spaceFormSchema(): SchemaNode {
  published ??= z.toJSONSchema(space, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Every whole number has this limit; it tells a reader nothing.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  return published;
}

function problemsOf({ path, issue }: PlainIssue, schema: SchemaNode): readonly FormProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(schema, path);
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownField(key, known) }));
  }
  return [{ path, message: misfitWords(issue) }];
}

/** A mapping from ids to things; an empty section of a YAML file is an empty mapping. */
function named<T extends z.core.$ZodType>(member: T, key = id) {
  return z
    .record(key, member)
    .nullish()
    .transform((entries) => entries ?? {});
}
