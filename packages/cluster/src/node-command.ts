/**
 * The commands a node obeys, and how to give them (docs/protocol.md, "Node commands"):
 * `mabeam.all.command.node.<node>.start|stop`. Both are idempotent by target state and carry the revision of the leader
 * who orders them.
 */
import { parseAgentSpec, type AgentSpec } from '@mabeam/agents';
import { isId, MabeamError, platformSpace, subjects, type Bus } from '@mabeam/bus';
import { z } from 'zod';
import { clusterError } from './errors.ts';

const id = z.string().refine(isId, { error: 'is not a valid id' });
const revision = z.int().min(0);
const instance = { space: id, agent: id, ordinal: z.int().min(0).max(999_999), leaderRevision: revision };

/** How the node starts the instance again when it ends; absent: as its own settings say. */
const restarts = z.object({
  maxFailures: z.int().min(0),
  windowMs: z.int().min(1),
  backoffMs: z.int().min(0),
  backoffMaxMs: z.int().min(0),
});

const startCommand = z.object({
  ...instance,
  spec: z.unknown(),
  definitionRevision: revision,
  restarts: restarts.optional(),
});

/** With `incarnation` only that life is stopped: if another has followed already, that is nothing. */
const stopCommand = z.object({
  ...instance,
  drainMs: z.number().min(0).max(3_600_000).optional(),
  incarnation: z.string().optional(),
});

const reply = z.object({
  kind: z.enum(['applied', 'noop', 'rejected']),
  reason: z.string().optional(),
  incarnation: z.string().optional(),
  pid: z.int().optional(),
});

/** Starts an instance unless it runs already. */
export type StartCommand = Readonly<z.infer<typeof startCommand> & { spec: AgentSpec }>;

/** Stops an instance unless it is stopped already. */
export type StopCommand = Readonly<z.infer<typeof stopCommand>>;

/**
 * A node's answer. `applied`: the lease is held and the process spawned, or stopping has begun. `noop`: it was so already.
 * `rejected`, by `reason`: `stale-leader` (a newer leader has spoken), `lease-held` (another host has the instance),
 * `stopping` (it still ends; order again), `draining` (the node is ending).
 */
export type NodeReply = Readonly<z.infer<typeof reply>>;

/** The subject on which a node takes a command. */
export function nodeCommandSubject(node: string, verb: 'start' | 'stop'): string {
  return subjects(platformSpace).command('node', node, verb);
}

/** How long a node may take to answer, and what cancels the wait. */
export interface NodeRequestOptions {
  /** Default: 5 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Orders a node to start an instance. Throws what the node throws: `invalid-command`, `not-hostable`, `spawn-failed`, or `no-responders` when there is no such node. */
export function orderStart(
  bus: Bus,
  node: string,
  command: StartCommand,
  options: NodeRequestOptions = {},
): Promise<NodeReply> {
  return order(bus, nodeCommandSubject(node, 'start'), command, options);
}

/** Orders a node to stop an instance. Throws `invalid-command`, or `no-responders` when there is no such node. */
export function orderStop(
  bus: Bus,
  node: string,
  command: StopCommand,
  options: NodeRequestOptions = {},
): Promise<NodeReply> {
  return order(bus, nodeCommandSubject(node, 'stop'), command, options);
}

/** Checks the body of a start command. Throws `invalid-command`, naming each offending field. */
export function parseStartCommand(body: unknown): StartCommand {
  const command = parsed(startCommand.safeParse(body), 'start');
  const spec = specOf(command.spec);
  if (spec.id === command.agent) return { ...command, spec };
  throw invalid('start', [`spec.id: "${spec.id}" is not the agent "${command.agent}" of the command`]);
}

/** Checks the body of a stop command. Throws `invalid-command`, naming each offending field. */
export function parseStopCommand(body: unknown): StopCommand {
  return parsed(stopCommand.safeParse(body), 'stop');
}

async function order(
  bus: Bus,
  subject: string,
  body: unknown,
  options: NodeRequestOptions,
): Promise<NodeReply> {
  const answer = reply.safeParse(await bus.request(subject, body, options));
  if (answer.success) return answer.data;
  throw clusterError('invalid-command', `${subject} was answered with something that is no reply of a node`, {
    cause: answer.error,
  });
}

function specOf(value: unknown): AgentSpec {
  try {
    return parseAgentSpec(value);
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    throw invalid('start', [`spec: ${error.message}`], error);
  }
}

function parsed<T>(result: z.ZodSafeParseResult<T>, verb: string): T {
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw invalid(verb, problems, result.error);
}

function invalid(verb: string, problems: readonly string[], cause?: unknown): MabeamError {
  const message = `the ${verb} command is not valid; ${problems.join('; ')}`;
  return clusterError('invalid-command', message, { details: { problems }, cause });
}
