/**
 * AgentSpec: what an agent is, as data: the value of the key `definition.agent.<agent>` (docs/protocol.md, "Definitions").
 * Written by operators and the orchestrator, read by hosts, which start processes from it.
 *
 * Parsing fills the defaults, so a parsed spec is complete; it refuses unknown keys, because a misspelt key would
 * otherwise be an option silently ignored.
 */
import { errorsOf, isId, type ErrorTable } from '@mabeam/bus';
import { z } from 'zod';

/** The error codes of this border. */
export const agentSpecErrors = {
  'invalid-agent-spec': { retryable: false, exit: 2, status: 400 },
} as const satisfies ErrorTable;

const specError = errorsOf(agentSpecErrors);

const id = z.string().refine(isId, {
  error: 'must be a lower-case letter followed by up to 62 of a-z, 0-9, "_" and "-", and not a reserved word',
});

const localVariable = z
  .strictObject({
    initial: z.json(),
    min: z.number().optional(),
    max: z.number().optional(),
    step: z.number().positive().optional(),
    enum: z.array(z.json()).min(1).optional(),
    pattern: z.string().refine(isPattern, { error: 'must be a regular expression' }).optional(),
  })
  .refine(({ min, max }) => min === undefined || max === undefined || min <= max, {
    error: '`min` must not be greater than `max`',
    path: ['min'],
  });

const module = z
  .string()
  .min(1)
  .refine((text) => !text.startsWith('.'), {
    error:
      'must be a file URL, an absolute path or the name of a package; a relative path has no meaning on a node',
  });

const run = z.union([
  z.strictObject({ module }),
  z.strictObject({ command: z.tuple([z.string().min(1)], z.string()).readonly() }),
]);

/** The schema of a definition. */
const agentSpecSchema = z.strictObject({
  v: z.literal(1).default(1),
  id,
  /** What the agent may do (semantics of the six roles: docs/glossary.md). */
  role: z
    .enum(['coordinator', 'executor', 'evaluator', 'optimizer', 'monitor', 'custom'])
    .default('executor'),
  /** The queue its instances share: `ask.group.<group>` and `task.<group>`. */
  group: id.optional(),
  /** How a host starts it: a module run by Node, or any command. Absent: it is started elsewhere. */
  run: run.optional(),
  /**
   * In which form it is asked: `envelope` needs our library, `json` is a plain body with headers, for programs without it.
   * Default: `json` for a command, `envelope` for all else.
   */
  wire: z.enum(['envelope', 'json']).optional(),
  replicas: z.int().min(0).default(1),
  /** Handed to the agent as it is. */
  config: z.record(z.string(), z.json()).default({}),
  /** Local variables, called `<agent>.<name>`; their values live under `agent.<agent>.<name>`. */
  variables: z.record(id, localVariable).default({}),
  /** After which endings a host starts it again: every one, abnormal ones, none. */
  restart: z.enum(['permanent', 'transient', 'temporary']).default('permanent'),
});

/** A complete definition of an agent. */
export type AgentSpec = Readonly<z.infer<typeof agentSpecSchema>>;

/** A definition as people write it: defaults may be left out. */
export type AgentSpecInput = z.input<typeof agentSpecSchema>;

/** Checks a definition and fills its defaults. Throws `invalid-agent-spec`, naming each offending key. */
export function parseAgentSpec(value: unknown): AgentSpec {
  const parsed = agentSpecSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'definition'}: ${issue.message}`,
  );
  throw specError('invalid-agent-spec', `the definition of an agent is not valid; ${problems.join('; ')}`, {
    details: { problems },
  });
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
