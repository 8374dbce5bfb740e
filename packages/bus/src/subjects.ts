/**
 * Subjects: `mabeam.<space>.<class>.…`, docs/protocol.md section "Subjects". Position is meaning: product, space
 * (tenant and permission line), class (delivery guarantee), then noun, id, verb.
 */
import { parseId, parseToken } from './ids.ts';

/** Builds the subjects of one space; every id is checked, so a wrong one is refused before it reaches the wire. */
export interface Subjects {
  readonly space: string;
  /** `mabeam.<space>.` in front of a relative subject or filter. */
  readonly at: (relative: string) => string;
  /** Questions to an agent. */
  readonly askAgent: (agent: string) => string;
  /** Questions to a group: one of its agents answers. */
  readonly askGroup: (group: string) => string;
  /** Tasks of a group. */
  readonly task: (group: string) => string;
  /** A directive from one agent to another. */
  readonly agentCommand: (to: string, from: string, verb: string) => string;
  /** Commands to what is no agent. The id of a local variable is two tokens. */
  readonly command: (noun: 'node' | 'space' | 'variable' | 'handler', id: string, verb: string) => string;
  /** What something says of itself, and may be lost. */
  readonly signal: (name: string, id: string) => string;
  /** Something that has happened. */
  readonly event: (noun: string, id: string, verb: string) => string;
  /** A wish that the team adapt. */
  readonly trigger: (name: string) => string;
  /** The end of a task. */
  readonly outcome: (task: string, agent: string, kind: 'completed' | 'failed') => string;
  /** All outcomes of one task: the filter on which "no outcome yet" is expected. */
  readonly outcomesOf: (task: string) => string;
  /** OpenTelemetry bodies. */
  readonly telemetry: (kind: 'traces' | 'metrics' | 'logs') => string;
  /** Where the revisions of a key of the space's bucket are kept: `space.x` under `event.variable.space.x.changed`, `graph` under `event.variable.key.graph.changed`. */
  readonly history: (key: string) => string;
}

/**
 * What the history listens on, relative to a space: events of the noun `variable` with four tokens or more. The event stream has
 * those with three, the outcomes are of the noun `task`.
 */
export const historyFilter = 'event.variable.*.*.>';

/** The space under which things that belong to no space (nodes) have their subjects. */
export const platformSpace = 'all';

/** The subjects of a space; `all` is the platform's own. Throws `invalid-id`. */
export function subjects(space: string): Subjects {
  const root = `mabeam.${space === platformSpace ? space : parseId('space', space)}`;
  const token = parseToken;
  return {
    space,
    at: (relative) => `${root}.${relative}`,
    askAgent: (agent) => `${root}.ask.agent.${token('agent', agent)}`,
    askGroup: (group) => `${root}.ask.group.${token('group', group)}`,
    task: (group) => `${root}.task.${token('group', group)}`,
    agentCommand: (to, from, verb) =>
      `${root}.command.agent.${token('agent', to)}.${token('sender', from)}.${token('verb', verb)}`,
    command: (noun, id, verb) => `${root}.command.${noun}.${tokens(noun, id)}.${token('verb', verb)}`,
    signal: (name, id) => `${root}.signal.${token('signal', name)}.${token('signal source', id)}`,
    event: (noun, id, verb) =>
      `${root}.event.${token('event noun', noun)}.${token('event id', id)}.${token('event verb', verb)}`,
    trigger: (name) => `${root}.trigger.${token('trigger', name)}`,
    outcome: (task, agent, kind) =>
      `${root}.event.task.${token('task', task)}.${token('agent', agent)}.${kind}`,
    outcomesOf: (task) => `${root}.event.task.${token('task', task)}.>`,
    telemetry: (kind) => `${root}.telemetry.${kind}`,
    history: (key) => `${root}.event.variable.${key.includes('.') ? key : `key.${key}`}.changed`,
  };
}

/** A subject taken apart; `rest` are the tokens after the class. */
export interface ParsedSubject {
  readonly space: string;
  readonly class: string;
  readonly rest: readonly string[];
}

/** Takes a subject of ours apart; undefined when it is not `mabeam.<space>.<class>…`. */
export function parseSubject(subject: string): ParsedSubject | undefined {
  const [product, space, kind, ...rest] = subject.split('.');
  if (product !== 'mabeam' || space === undefined || kind === undefined) return undefined;
  return { space, class: kind, rest };
}

/** A local variable's id is two tokens, `<agent>.<name>`; everything else is one. */
function tokens(kind: string, id: string): string {
  return id
    .split('.')
    .map((part) => parseToken(kind, part))
    .join('.');
}
