/**
 * Directives: the nine actions on an agent, their form on the wire, and their answers (docs/protocol.md, "Directives").
 * Both ends read and write them here; carrying one out is directive-desk.ts.
 *
 * Configuration is level-triggered from the bucket (R14): four of the verbs only say "as of this revision" and are answered
 * with what is in force; `stop` acts; the rest are addressed to the host, for a member cannot start or move itself.
 */
import { randomUUID } from 'node:crypto';
import { isToken, parseToken, subjects, type Bus } from '@mabeam/bus';
import { z } from 'zod';
import { agentError } from './errors.ts';

/** Every action, and who carries it out: the member itself, or the host of its instances. */
export const agentActions = {
  start: 'host',
  stop: 'member',
  reconfigure: 'member',
  migrate: 'host',
  'scale-up': 'host',
  'scale-down': 'host',
  'change-role': 'member',
  'update-communication': 'member',
  'adjust-parameters': 'member',
} as const satisfies Readonly<Record<string, 'member' | 'host'>>;

/** An action on an agent. */
export type AgentAction = keyof typeof agentActions;

const whole = z.int().min(0);

const bodySchema = z.object({
  /** Carried out at most once for each id. */
  id: z.string().refine(isToken, { error: 'must be one token: up to 63 of a-z, 0-9, "_" and "-"' }),
  /** Revision of the key `leader` the sender goes by. */
  leaderRevision: whole,
  /** Revision of the space's bucket that the directive stands for. */
  revision: whole.optional(),
  /** The one instance meant; all when absent. */
  ordinal: whole.optional(),
  parameters: z.record(z.string(), z.unknown()).default({}),
});

/** What a directive says, beside its verb, sender and addressee, which are in its subject. */
export type DirectiveBody = Readonly<z.input<typeof bodySchema>>;

export interface Directive extends Readonly<z.output<typeof bodySchema>> {
  readonly verb: AgentAction;
  readonly from: string;
  readonly to: string;
}

const answerSchema = z.object({
  kind: z.enum(['applied', 'rejected', 'noop']),
  /** Why it was rejected, or why there was nothing to do. */
  reason: z.string().optional(),
  /** What is in force now: values, configuration, role, or epoch and peers. */
  effective: z.record(z.string(), z.unknown()).optional(),
  /** The instance that answers. */
  agent: z.string(),
  ordinal: z.number(),
  incarnation: z.string(),
});

/** How an instance answers a directive. */
export type DirectiveAnswer = Readonly<z.infer<typeof answerSchema>>;

/** Reads a directive from its subject and body. Throws `unknown-verb`, `invalid-directive`. */
export function parseDirective(subject: string, body: unknown): Directive {
  const [to = '', from = '', verb = ''] = subject.split('.').slice(4);
  if (!isAction(verb)) {
    const known = Object.keys(agentActions).join(', ');
    throw agentError('unknown-verb', `${to}: there is no directive "${verb}"; there are ${known}`, {
      details: { verb },
    });
  }
  const parsed = bodySchema.safeParse(body);
  if (parsed.success) return { ...parsed.data, verb, from, to };
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw agentError('invalid-directive', `${verb} to ${to} is malformed; ${problems.join('; ')}`, {
    details: { verb, problems },
  });
}

/** On whose behalf one directs, with what, and for how long one waits. */
export interface DirectOptions extends Omit<DirectiveBody, 'id'> {
  readonly from: string;
  /** A fresh one when absent; repeat a directive with the id it had. */
  readonly id?: string;
  /** Instances that should answer. Default 1. */
  readonly expect?: number;
  /** Default 5 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Sends a directive and resolves with the instances' answers: at the deadline, or as soon as `expect` of them have come; none
 * when nobody listens. Throws the error of an instance that could not read it.
 */
export async function directAgent(
  bus: Bus,
  space: string,
  to: string,
  verb: AgentAction,
  options: DirectOptions,
): Promise<DirectiveAnswer[]> {
  const { from, expect = 1, timeoutMs = 5_000, signal, id = randomUUID(), ...rest } = options;
  const subject = subjects(space).agentCommand(to, parseToken('sender', from), verb);
  const waiting = { timeoutMs, expect, ...(signal === undefined ? {} : { signal }) };
  const answers = await bus.requestAll(subject, { ...rest, id } satisfies DirectiveBody, waiting);
  return answers.map((answer) => {
    if (answer instanceof Error) throw answer;
    return answerSchema.parse(answer);
  });
}

function isAction(verb: string): verb is AgentAction {
  return Object.hasOwn(agentActions, verb);
}
