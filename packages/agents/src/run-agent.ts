/**
 * The process that is an agent: from its definition to a member of the team, until its host says stop.
 *
 * Invariants
 *  A1  It is ready only when its variables are here, `start` has returned and its subscriptions are known to the server.
 *  A2  A question from an agent is admitted by the topology's newest graph that sender or receiver knows.
 *  A3  On SIGTERM it takes nothing new, finishes what it has within `drainMs`, and exits 0; when its host is gone, it ends.
 *  A4  It says which revision its handlers see, at once when that changes and with every heartbeat.
 */
import {
  connectBus,
  openTasks,
  readKey,
  spaceNames,
  subjects,
  type Bus,
  type ServedRequest,
  type Service,
  type Task,
  type Worker,
} from '@mabeam/bus';
import { attributes, createLogger, shutdownTelemetry, type Logger } from '@mabeam/telemetry/api';
import { trace } from '@opentelemetry/api';
import { openVariables, type VariableStore } from '@mabeam/variables';
import { parseAgentSpec, type AgentSpec } from './agent-spec.ts';
import { ContextSource, type AgentContext } from './context.ts';
import type { AgentDefinition } from './define.ts';
import { agentError } from './errors.ts';
import { ControlPipe, parseHosting, type Hosting } from './hosting.ts';
import { checked } from './schema.ts';
import { startHeartbeat } from './heartbeat.ts';
import { admit } from './wiring.ts';

const drainMs = 5_000;
const graphWaitMs = 1_000;

/** Runs the agent until it is told to stop, then ends the process. Meant to be the last line of an agent's module. */
export async function runAgent<I, O>(definition: AgentDefinition<I, O>): Promise<void> {
  const log = createLogger({ name: process.env['MABEAM_AGENT'] ?? 'agent' });
  const stop = new AbortController();
  const fail = (error: unknown): void => {
    log.fatal({ err: error }, 'the agent cannot go on');
    process.exitCode = 1;
    stop.abort();
  };
  try {
    const hosting = parseHosting(process.env);
    using control = new ControlPipe(hosting.controlFd, () => stop.abort());
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
    await serveUntil(definition, { hosting, control, log, stop: stop.signal, fail });
  } catch (error) {
    fail(error);
  }
  await shutdownTelemetry(1_000);
  process.exit();
}

interface Run {
  readonly hosting: Hosting;
  readonly control: ControlPipe;
  readonly log: Logger;
  readonly stop: AbortSignal;
  readonly fail: (error: unknown) => void;
}

async function serveUntil<I, O>(definition: AgentDefinition<I, O>, run: Run): Promise<void> {
  const { hosting, control, log, stop } = run;
  await using bus = await connectBus({ name: `${hosting.space}/${hosting.agent}.${hosting.ordinal}` });
  await using store = await openVariables(bus, hosting.space);
  const spec = await readSpec(bus, hosting);
  const source = new ContextSource({ bus, hosting, store, log, signal: stop, fail: run.fail });
  await definition.start?.(source.current());
  const member: Member<I, O> = { definition, hosting, bus, store, source };
  const doors = openDoors(member, spec);
  await bus.flush();
  const heart = startHeartbeat(bus, hosting, store);
  control.tell({ kind: 'ready' });
  log.info({ revision: store.applied }, 'ready');
  await aborted(stop);
  heart[Symbol.dispose]();
  await Promise.all(doors.map((door) => closeWithin(door, drainMs)));
  control.tell({ kind: 'drained' });
  log.info('stopped');
}

interface Member<I, O> {
  readonly definition: AgentDefinition<I, O>;
  readonly hosting: Hosting;
  readonly bus: Bus;
  readonly store: VariableStore;
  readonly source: ContextSource;
}

/** The agent's subscriptions: itself, its group, and its group's tasks. Instances of one agent share its questions. */
function openDoors<I, O>(member: Member<I, O>, spec: AgentSpec | undefined): (Service | Worker)[] {
  const { definition, hosting, bus } = member;
  const at = subjects(hosting.space);
  const answer = (request: ServedRequest): Promise<unknown> => answerQuestion(member, request);
  const doors: (Service | Worker)[] = [bus.serve(at.askAgent(hosting.agent), answer, { queue: 'agent' })];
  if (spec?.group === undefined) return doors;
  doors.push(bus.serve(at.askGroup(spec.group), answer, { queue: 'group' }));
  if (definition.task === undefined) return doors;
  const work = (task: Task): Promise<unknown> => workOn(member, task);
  doors.push(
    openTasks(bus, hosting.space).work(spec.group, work, {
      agent: hosting.agent,
      instance: `${hosting.agent}.${hosting.ordinal}.${hosting.incarnation}`,
      concurrency: definition.concurrency ?? 16,
    }),
  );
  return doors;
}

async function answerQuestion<I, O>(member: Member<I, O>, request: ServedRequest): Promise<unknown> {
  const { definition, hosting, source } = member;
  await admitSender(member, request);
  if (definition.ask === undefined) {
    throw agentError('nothing-to-ask', `${hosting.agent} answers no questions; send it a task instead`, {
      details: { agent: hosting.agent },
    });
  }
  const input = await inputOf(member, request.body);
  const context = source.current(request.signal);
  markSpan(context);
  const output = await definition.ask(input, { ...context, from: request.from });
  return outputOf(member, output);
}

async function workOn<I, O>(member: Member<I, O>, task: Task): Promise<unknown> {
  const { definition, source } = member;
  const input = await inputOf(member, task.input);
  const context = { ...source.current(task.signal), task: task.id, attempt: task.attempt };
  markSpan(context);
  return outputOf(member, await definition.task?.(input, context));
}

/** The span of a call says by which revision of the variables it ran. */
function markSpan({ agent, revision }: AgentContext): void {
  trace
    .getActiveSpan()
    ?.setAttributes({ [attributes.agent]: agent, [attributes.variableRevision]: revision });
}

/** A2: the sender may know a newer graph than we do: then we wait for it, shortly. */
async function admitSender<I, O>({ hosting, store }: Member<I, O>, request: ServedRequest): Promise<void> {
  const { from, epoch } = request;
  if (from === undefined) return;
  if (epoch !== undefined && epoch > store.applied) {
    await store.waitForRevision(epoch, {
      timeoutMs: Math.min(graphWaitMs, request.remainingMs ?? graphWaitMs),
    });
  }
  admit(store.view.graph, from, hosting.agent);
}

async function inputOf<I, O>({ definition, hosting }: Member<I, O>, value: unknown): Promise<I> {
  // Without a schema I is what its author says it is; nothing here can know better.
  if (definition.input === undefined) return value as I;
  return checked(definition.input, value, 'input', hosting.agent);
}

async function outputOf<I, O>({ definition, hosting }: Member<I, O>, value: unknown): Promise<unknown> {
  return definition.output === undefined ? value : checked(definition.output, value, 'output', hosting.agent);
}

async function readSpec(bus: Bus, hosting: Hosting): Promise<AgentSpec | undefined> {
  const entry = await readKey(bus, spaceNames(hosting.space).bucket, `definition.agent.${hosting.agent}`);
  return entry?.operation === 'put'
    ? parseAgentSpec(JSON.parse(Buffer.from(entry.data).toString()))
    : undefined;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function closeWithin(door: Service | Worker, timeoutMs: number): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref());
  await Promise.race([door.close(), late]);
}
