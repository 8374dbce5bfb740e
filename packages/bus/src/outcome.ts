/**
 * The outcome of a task: what the one accepted end says. Stored under `event.task.<id>.<agent>.completed|failed`
 * with the expectation that the task has none yet, so the server accepts exactly one, whoever else tries.
 */
import { busError } from './errors.ts';
import { errorFromBody, type ErrorBody } from './error.ts';
import type { StoredMessage } from './read-stream.ts';

/** Whose end of which task it is. */
export interface OutcomeBase {
  readonly task: string;
  readonly agent: string;
  readonly instance: string;
  /** The delivery it answers: sequence of the task in its stream, and which attempt it was. */
  readonly delivery: { readonly sequence: number; readonly count: number };
}

/** What a worker ends a task with. */
export type TaskResult =
  | (OutcomeBase & { readonly kind: 'completed'; readonly output: unknown })
  | (OutcomeBase & { readonly kind: 'failed'; readonly error: ErrorBody; readonly input?: unknown });

/** A stored result. */
export type TaskOutcome = TaskResult & {
  /** Sequence in the outcome stream. */
  readonly sequence: number;
  /** When the server accepted it. */
  readonly at: Date;
};

/** Reads an outcome; throws `malformed-message`, naming the field. Checked by hand: a schema library would double the package's start-up. */
export function parseOutcome(message: StoredMessage): TaskOutcome {
  const given: Fields = fieldsOf(message.body());
  const refuse = (field: string): never => {
    const details = { subject: message.subject, sequence: message.sequence, field };
    throw busError('malformed-message', `${message.subject}: not a task outcome: ${field}`, { details });
  };
  const text = (field: string): string => {
    const value = given[field];
    return typeof value === 'string' ? value : refuse(`${field} must be a text`);
  };
  const { sequence, count } = fieldsOf(given['delivery']);
  if (typeof sequence !== 'number' || typeof count !== 'number')
    return refuse('delivery must be {sequence, count}');
  const stored = { sequence: message.sequence, at: message.at };
  const base = {
    task: text('task'),
    agent: text('agent'),
    instance: text('instance'),
    delivery: { sequence, count },
  };
  const [, , , , task, agent, end] = message.subject.split('.');
  if (task !== base.task || agent !== base.agent)
    return refuse('it names another task or agent than its subject');
  const kind = given['kind'];
  if (kind !== end) return refuse('its kind is not that of its subject');
  if (kind === 'completed') return { ...base, kind, output: given['output'], ...stored };
  if (kind !== 'failed') return refuse('kind must be completed or failed');
  const { code, message: why } = fieldsOf(given['error']);
  if (typeof code !== 'string' || typeof why !== 'string') return refuse('error must have code and message');
  const input = 'input' in given ? { input: given['input'] } : {};
  return { ...base, kind, error: errorFromBody(given['error']).toJSON(), ...input, ...stored };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
