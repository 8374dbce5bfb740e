/**
 * Asking handlers: by name, with a deadline. Whatever a handler does – throw, be silent, talk nonsense – is an error with a code, and
 * what it proposes is judged by the constraints before anybody acts on it.
 */
import { busErrors, errorsOf, MabeamError, subjects, type Bus } from '@mabeam/bus';
import { variableErrors, type VariableState } from '@mabeam/variables';
import {
  readAdaptationAnswer,
  readCoordinationAnswer,
  type HandlerQuestion,
  type TravellingContext,
} from './handler-form.ts';
import { coordinate, orderDirectives } from '../strategies/coordinate.ts';
import type { Suggestion } from '../strategies/adapt-variable.ts';
import type { Coordination, CoordinationContext } from '../strategies/coordination.ts';
import { orchestratorError } from '../errors.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';

const busError = errorsOf(busErrors);
const variableError = errorsOf(variableErrors);

/** How long a handler is waited for. */
export interface HandlerOptions {
  /** Default 5 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const defaultTimeoutMs = 5_000;
/** So many windows a handler is shown. */
const mostWindows = 10;

/**
 * Asks a handler and resolves with what it answers. Throws `handler-not-registered` (no process serves it), `handler-failed` (it threw,
 * or did not answer in time), and what the bus throws when it is not connected.
 */
export async function callHandler(
  bus: Bus,
  space: string,
  name: string,
  question: HandlerQuestion,
  options: HandlerOptions = {},
): Promise<unknown> {
  const subject = subjects(space).command('handler', name, 'run');
  const { signal, timeoutMs = defaultTimeoutMs } = options;
  const details = { handler: name, variable: question.variable };
  try {
    return await bus.request(subject, question, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    if (error.code === 'no-responders') {
      const message = `${question.variable}: no process serves the handler ${name}; start the one that does`;
      throw variableError('handler-not-registered', message, { details, cause: error });
    }
    if (untouched.has(error.code)) throw error;
    const message = `${question.variable}: the handler ${name} failed: ${error.message}`;
    throw busError('handler-failed', message, { details: { ...details, code: error.code }, cause: error });
  }
}

/** Not the handler's doing. */
const untouched: ReadonlySet<string> = new Set(['disconnected', 'closed', 'cancelled', 'invalid-id']);

/**
 * `coordinate`, with the word of the handler that the variable's definition names. It may answer another value, or directives of its
 * own: these must be for agents that the space has and the variable concerns, one for each agent and action, within the resources.
 */
export async function coordinateByHandler(
  bus: Bus,
  space: string,
  asked: { readonly variable: VariableState; readonly value: unknown; readonly context: CoordinationContext },
  options: HandlerOptions = {},
): Promise<Coordination> {
  const { context, value, variable } = asked;
  const { coordination, id } = variable.definition;
  if (coordination === undefined) return coordinate(variable, value, context);
  try {
    const question = {
      v: 1,
      kind: 'coordination',
      variable: id,
      value,
      context: travelling(context),
    } as const;
    const read = readCoordinationAnswer(await callHandler(bus, space, coordination, question, options));
    if ('why' in read) throw nonsense(id, coordination, read.why);
    const { answer } = read;
    if ('value' in answer) return coordinate(variable, answer.value, context);
    // The value itself must be allowed, whoever directs.
    const plain = coordinate(variable, value, { ...context, agents: new Map() });
    if (plain.kind === 'failed') return plain;
    assertDirected(variable, answer.directives, context);
    return orderDirectives(variable.definition, answer.directives, context);
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    return { kind: 'failed', error };
  }
}

/** What an adaptation handler suggests; it is judged where it is used. Throws as `callHandler`, and `handler-failed` for nonsense. */
export async function askSuggestion(
  bus: Bus,
  space: string,
  asked: {
    readonly variable: VariableState;
    readonly handler: string;
    readonly windows: readonly PerformanceMetrics[];
  },
  options: HandlerOptions = {},
): Promise<Suggestion> {
  const { handler, variable, windows } = asked;
  const question = {
    v: 1,
    kind: 'adaptation',
    variable: variable.id,
    value: variable.value,
    metrics: windows.slice(-mostWindows).map((each) => ({ ...each, agents: meantOf(variable, each) })),
  } as const;
  const read = readAdaptationAnswer(await callHandler(bus, space, handler, question, options));
  if ('why' in read) throw nonsense(variable.id, handler, read.why);
  const { reason, value } = read.answer;
  return value === undefined ? { kind: 'steady', reason } : { kind: 'change', value, reason };
}

/** Of the agents the variable lists; of all when it lists none. A message has an end. */
function meantOf(
  { definition }: VariableState,
  { agents }: PerformanceMetrics,
): PerformanceMetrics['agents'] {
  if (definition.agents.length === 0) return agents;
  return Object.fromEntries(Object.entries(agents).filter(([agent]) => definition.agents.includes(agent)));
}

/** K1 and K2 of coordinate.ts, for what a stranger wrote. */
function assertDirected(
  { definition }: VariableState,
  directives: readonly { readonly agent: string; readonly action: string }[],
  { agents }: CoordinationContext,
): void {
  const { agents: listed, coordination = '', id } = definition;
  const seen = new Set<string>();
  for (const { action, agent } of directives) {
    const isMeant = agents.has(agent) && (listed.length === 0 || listed.includes(agent));
    const key = `${agent} ${action}`;
    if (isMeant && !seen.has(key)) {
      seen.add(key);
      continue;
    }
    const what = isMeant ? `two directives to ${action} ${agent}` : `${agent} is none of its agents`;
    const message = `${id}: the handler ${coordination}: ${what}; correct the handler`;
    throw orchestratorError('invalid-configuration', message, {
      details: { variable: id, handler: coordination },
    });
  }
}

function travelling({ agents, ...context }: CoordinationContext): TravellingContext {
  const standings = [...agents].map(
    ([id, { performance, spec, status }]) => [id, { role: spec.role, status, performance }] as const,
  );
  return { ...context, agents: Object.fromEntries(standings) };
}

function nonsense(variable: string, handler: string, why: string): MabeamError {
  const message = `${variable}: the handler ${handler} answered what is ${why}; correct the handler`;
  return busError('handler-failed', message, { details: { variable, handler } });
}
