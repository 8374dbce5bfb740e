/**
 * AgentSpec: what an agent is, as data: the value of the key `definition.agent.<agent>` (docs/protocol.md, "Definitions").
 * Written by operators and the orchestrator, read by hosts, which start processes from it.
 *
 * Parsing fills the defaults, so a parsed spec is complete; it refuses unknown keys, because a misspelt key would
 * otherwise be an option silently ignored.
 */
import { errorsOf, isId, reservedIds, type ErrorTable } from '@mabeam/bus';
import { resourceDemandSchema } from '@mabeam/variables';
import { z } from 'zod';
import { supervisionPolicySchema } from './supervision-policy.ts';

/** The error codes of this border. */
export const agentSpecErrors = {
  'invalid-agent-spec': { retryable: false, exit: 2, status: 400 },
} as const satisfies ErrorTable;

const specError = errorsOf(agentSpecErrors);

const id = z
  .string()
  .refine(isId, {
    error:
      'must be a lower-case letter followed by up to 62 of a-z, 0-9, "_" and "-", and not a reserved word',
  })
  // The same rule for readers of the published schema.
  .meta({ pattern: '^[a-z][a-z0-9_-]{0,62}$', not: { enum: [...reservedIds] } });

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

/**
 * Where a module runs: in a process of its own, on a thread of its own, or in the process of its host.
 */
export const hostingForms = ['process', 'worker', 'in-process'] as const;

/** What an agent may be in its team; what each may do: rights.ts. */
export const roles = ['coordinator', 'executor', 'evaluator', 'optimizer', 'monitor', 'custom'] as const;

const command = z.tuple([z.string().min(1)], z.string()).readonly();
const hostingForm = z.enum(hostingForms);

const run = z.union([z.strictObject({ module, form: hostingForm.optional() }), z.strictObject({ command })]);

const bounds = z
  .strictObject({ min: z.int().min(0), max: z.int().min(1) })
  .refine(({ min, max }) => min <= max, {
    error: '`min` must not be greater than `max`',
    path: ['min'],
  });

/** The schema of a definition, from which other forms of it are made; `parseAgentSpec` says more. */
export const agentSpecSchema = z.strictObject({
  v: z.literal(1).default(1),
  id,
  /** What the agent may do (semantics of the six roles: docs/glossary.md). */
  role: z.enum(roles).default('executor'),
  /** The queue its instances share: `ask.group.<group>` and `task.<group>`. */
  group: id.optional(),
  /** How a host starts it: a module run by Node, or any command. Absent: it is started elsewhere. */
  run: run.optional(),
  /**
   * In which form it is asked: `envelope` needs our library, `json` is a plain body with headers, for programs without it.
   * Default: `json` for a command, `envelope` for all else.
   */
  wire: z.enum(['envelope', 'json']).optional(),
  /** How many instances there are to begin with. */
  replicas: z.int().min(0).default(1),
  /** Between which numbers the replicas may be scaled; absent: they are not. */
  bounds: bounds.optional(),
  /** Handed to the agent as it is. */
  config: z.record(z.string(), z.json()).default({}),
  /** Local variables, called `<agent>.<name>`; their values live under `agent.<agent>.<name>`. */
  variables: z.record(id, localVariable).default({}),
  /** After which endings a host starts it again: every one, abnormal ones, none. */
  restart: z.enum(['permanent', 'transient', 'temporary']).default('permanent'),
  /** What each instance takes from the space's pool. */
  resources: resourceDemandSchema.optional(),
  /** Agents that run before it is started. */
  after: z.array(id).optional(),
  /** Who is told first when it fails, and whose `supervision` then decides; absent: the space's. */
  supervisor: id.optional(),
  /** Governs the agents that name this one as their supervisor. */
  supervision: supervisionPolicySchema.optional(),
  /** Who goes first when not all can: the larger; 0 when absent. */
  priority: z.int().optional(),
  /** What an agent of the role `custom` is called, and what it may do. */
  customRole: id.optional(),
  permissions: z.array(z.string().min(1)).optional(),
  /** It keeps nothing between two calls, so a call may run anywhere and with another configuration. */
  stateless: z.boolean().optional(),
});

/** A complete definition of an agent. */
export type AgentSpec = Readonly<z.infer<typeof agentSpecSchema>>;

/** A definition as people write it: defaults may be left out. */
export type AgentSpecInput = z.input<typeof agentSpecSchema>;

/** Checks a definition and fills its defaults. Throws `invalid-agent-spec`, naming each offending key. */
export function parseAgentSpec(value: unknown): AgentSpec {
  const parsed = agentSpecSchema.safeParse(value);
  const problems = parsed.success
    ? contradictions(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.join('.') || 'definition'}: ${issue.message}`);
  if (parsed.success && problems.length === 0) return parsed.data;
  throw specError('invalid-agent-spec', `the definition of an agent is not valid; ${problems.join('; ')}`, {
    details: { problems },
  });
}

/** What fields say that cannot be true together. */
function contradictions(spec: AgentSpec): readonly string[] {
  const { id: own, role, replicas, bounds: limits, after = [], supervisor, customRole, permissions } = spec;
  const isCustom = role === 'custom';
  return [
    ...(limits !== undefined && (replicas < limits.min || replicas > limits.max)
      ? [`replicas: ${replicas} is not between ${limits.min} and ${limits.max}, its bounds`]
      : []),
    ...(after.includes(own) ? ['after: an agent does not start after itself; remove it'] : []),
    ...(supervisor === own ? ['supervisor: an agent does not supervise itself; name another'] : []),
    ...(customRole !== undefined && !isCustom ? [`customRole: the role is ${role}, not custom`] : []),
    ...(permissions !== undefined && !isCustom
      ? [`permissions: the role ${role} has its own; only the role custom lists them`]
      : []),
  ];
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
