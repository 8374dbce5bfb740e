/**
 * Predicates: rules about values that only code can tell. A definition names them, for functions do not cross processes; each
 * process brings those it knows when it opens its variables.
 *
 * P1  Who has a predicate judges by it, reading and writing. Who has not reads without judging, and may not write a new value
 *     (`handler-not-registered`).
 * P2  A predicate is pure: the same values, the same answer, in every process. One that throws counts as violated.
 */
import { isId, parseId } from '@mabeam/bus';
import type { Json } from './json.ts';
import { problemError, type Problem } from './problem.ts';
import type { VariableDefinition } from './variable.ts';

/**
 * Is the value allowed? `false`, or a text saying why not, refuses it. Under `compatible` the second argument is the value of the
 * other variable.
 */
export type Predicate = (value: Json, other?: Json) => boolean | string;

/** A predicate under the name that definitions know it by. */
export interface ConstraintHandler {
  readonly name: string;
  readonly predicate: Predicate;
}

/** The predicates a process knows, by name. */
export type Predicates = ReadonlyMap<string, Predicate>;

/** The predicates of a process that knows none. */
export const noPredicates: Predicates = new Map();

/** Names a predicate, to be handed to `openVariables`. Throws `invalid-id`. */
export function defineConstraint(name: string, predicate: Predicate): ConstraintHandler {
  return { name: parseId('constraint', name), predicate };
}

/** The handlers by name; throws `invalid-constraint` when two have one name. */
export function predicatesOf(handlers: readonly ConstraintHandler[]): Predicates {
  const predicates = new Map<string, Predicate>();
  for (const { name, predicate } of handlers) {
    if (predicates.has(name)) {
      const message = 'two predicates have this name; rename one';
      throw problemError({ code: 'invalid-constraint', field: 'constraints', message }, name);
    }
    predicates.set(name, predicate);
  }
  return predicates;
}

/** Is this a name that a predicate may have? */
export function isPredicateName(name: string): boolean {
  return isId(name);
}

/** The first predicate known here that the value breaks; undefined when there is none. */
export function brokenPredicate(
  { constraints }: VariableDefinition,
  value: Json,
  predicates: Predicates,
): Problem | undefined {
  for (const name of constraints.predicates ?? []) {
    const predicate = predicates.get(name);
    const why = predicate === undefined ? undefined : whyNot(predicate, value);
    if (why !== undefined)
      return { code: 'constraint-violation', field: 'constraints.predicates', message: `${name}: ${why}` };
  }
  return undefined;
}

/** The problem of a writer who cannot judge by all the predicates of a definition; undefined when it can (P1). */
export function unknownPredicate(
  { constraints }: VariableDefinition,
  predicates: Predicates,
): Problem | undefined {
  const unknown = constraints.predicates?.find((name) => !predicates.has(name));
  return unknown === undefined ? undefined : notRegistered(unknown, 'constraints.predicates');
}

/** The problem of a predicate that this process does not have. */
export function notRegistered(name: string, field: string): Problem {
  const message = `this process has no predicate ${name}, so it cannot judge new values; pass it to openVariables, or write where it is known`;
  return { code: 'handler-not-registered', field, message };
}

/** Why a predicate refuses; undefined when it does not (P2). */
export function whyNot(predicate: Predicate, value: Json, other?: Json): string | undefined {
  try {
    const answer = predicate(value, other);
    if (answer === true) return undefined;
    return typeof answer === 'string' && answer !== '' ? answer : 'not satisfied; choose another value';
  } catch (error) {
    return `the predicate failed (${error instanceof Error ? error.message : String(error)}); mend it`;
  }
}
