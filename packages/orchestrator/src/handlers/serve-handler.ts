/** Serving handlers: a process offers its functions under the names by which definitions know them. */
import { parseToken, subjects, type Bus, type ServedRequest, type Service } from '@mabeam/bus';
import { orchestratorError } from '../errors.ts';
import {
  isQuestion,
  type AdaptationAnswer,
  type CoordinationAnswer,
  type HandlerQuestion,
} from './handler-form.ts';

/** What is known to a handler beside its question. */
export interface HandlerCall {
  /** Aborts at the asker's deadline. */
  readonly signal: AbortSignal;
}

/** Answers questions of one kind; a throw is told to the asker as `handler-failed`. */
export type HandlerFunction<Kind extends HandlerQuestion['kind'], Answer> = (
  question: Extract<HandlerQuestion, { readonly kind: Kind }>,
  call: HandlerCall,
) => Answer | Promise<Answer>;

/** A function under its name, ready to be served. */
export interface NamedHandler {
  readonly name: string;
  readonly kind: HandlerQuestion['kind'];
  readonly run: (question: HandlerQuestion, call: HandlerCall) => unknown;
}

/** Names a function that turns a value into directives, or into another value. Throws `invalid-id`. */
export function defineCoordination(
  name: string,
  run: HandlerFunction<'coordination', CoordinationAnswer>,
): NamedHandler {
  return named(name, 'coordination', run);
}

/** Names a function that decides whether and whereto a variable moves. Throws `invalid-id`. */
export function defineAdaptation(
  name: string,
  run: HandlerFunction<'adaptation', AdaptationAnswer | undefined>,
): NamedHandler {
  return named(name, 'adaptation', run);
}

function named<Kind extends HandlerQuestion['kind'], Answer>(
  name: string,
  kind: Kind,
  run: HandlerFunction<Kind, Answer>,
): NamedHandler {
  return {
    name: parseToken('handler', name),
    kind,
    // `serveHandler` lets only questions of this kind through.
    run: (question, call) => run(question as Extract<HandlerQuestion, { readonly kind: Kind }>, call),
  };
}

/**
 * Serves a handler until the service is closed; of several processes that serve the same name one answers each question. Refuses what
 * is no question of its kind with `invalid-question`.
 */
export function serveHandler(bus: Bus, space: string, handler: NamedHandler): Service {
  const subject = subjects(space).command('handler', handler.name, 'run');
  return bus.serve(subject, (request: ServedRequest) => {
    const { body, signal } = request;
    if (!isQuestion(body)) throw misfit(handler, 'it is no question');
    // `isQuestion` has looked at the fields that every question has; what is in value and context is the asker's.
    const question = body as HandlerQuestion;
    if (question.kind !== handler.kind) throw misfit(handler, `it asks for ${question.kind}`);
    return handler.run(question, { signal });
  });
}

function misfit({ kind, name }: NamedHandler, why: string): ReturnType<typeof orchestratorError> {
  const message = `the handler ${name} answers questions of ${kind}; ${why}`;
  return orchestratorError('invalid-question', message, { details: { handler: name } });
}
