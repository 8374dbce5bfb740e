/**
 * Is a history of concurrent operations linearizable: could each have taken effect at one instant between its call and its
 * return? The search of Wing and Gong (1993) with the memory of Lowe (2017): of two ways to the same set of operations in the same
 * state only one is followed. Pure.
 *
 * Promise: the answer is exact. The time is exponential at worst; `maxSteps` bounds it, and then the answer is `undecided`.
 */

/** A thing whose operations are judged. */
export interface SequentialModel<S, O> {
  readonly initial: S;
  /** The state after the operation, undefined when it could not have ended so in this state. */
  readonly apply: (state: S, operation: O) => S | undefined;
  /** A text that two states share exactly when they are the same. Default: its JSON. */
  readonly keyOf?: ((state: S) => string) | undefined;
}

/** An operation as it was seen. Times are of one clock. */
export interface ObservedOperation<O> {
  readonly operation: O;
  readonly calledAt: number;
  /** Absent when its end was never learnt: it may take effect at any time after its call, or never. */
  readonly returnedAt?: number | undefined;
}

/** The answer. */
export type LinearizabilityVerdict<O> =
  | { readonly kind: 'linearizable'; readonly order: readonly O[] }
  | { readonly kind: 'not-linearizable' }
  | { readonly kind: 'undecided' };

/** A call or a return in the list of what happened; a return knows its call. */
interface Entry<O> {
  readonly id: number;
  readonly operation: O;
  readonly isCall: boolean;
  match: Entry<O> | undefined;
  before: Entry<O> | undefined;
  after: Entry<O> | undefined;
}

/** Judges a history. Operations on different things (keys, registers) are best judged one thing at a time. */
export function checkLinearizability<S, O>(
  model: SequentialModel<S, O>,
  history: readonly ObservedOperation<O>[],
  { maxSteps = 10_000_000 }: { readonly maxSteps?: number } = {},
): LinearizabilityVerdict<O> {
  const { keyOf = (state: S) => JSON.stringify(state) } = model;
  const head = listOf(history);
  const needed = history.filter(({ returnedAt }) => returnedAt !== undefined).length;
  const placed: { readonly call: Entry<O>; readonly state: S }[] = [];
  const seen = new Set<string>();
  let [state, done, open] = [model.initial, 0n, needed];
  let at = head.after;
  for (let steps = 0; open > 0; steps++) {
    if (steps >= maxSteps) return { kind: 'undecided' };
    if (at?.isCall === true) {
      const next = model.apply(state, at.operation);
      const withIt = done | (1n << BigInt(at.id));
      if (next === undefined || !isNew(seen, `${withIt} ${keyOf(next)}`)) {
        at = at.after;
        continue;
      }
      placed.push({ call: at, state });
      [state, done] = [next, withIt];
      if (at.match !== undefined) open -= 1;
      lift(at);
      at = head.after;
      continue;
    }
    const last = placed.pop();
    if (last === undefined) return { kind: 'not-linearizable' };
    state = last.state;
    done &= ~(1n << BigInt(last.call.id));
    if (last.call.match !== undefined) open += 1;
    unlift(last.call);
    at = last.call.after;
  }
  return { kind: 'linearizable', order: placed.map(({ call }) => call.operation) };
}

function isNew(seen: Set<string>, key: string): boolean {
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

/** Calls and returns in the order of their times behind a head; of the same time, calls come first. */
function listOf<O>(history: readonly ObservedOperation<O>[]): { after: Entry<O> | undefined } {
  const events = history.flatMap(({ operation, calledAt, returnedAt }, id) => {
    const end: Entry<O> = {
      id,
      operation,
      isCall: false,
      match: undefined,
      before: undefined,
      after: undefined,
    };
    const call: Entry<O> = { ...end, isCall: true, match: returnedAt === undefined ? undefined : end };
    const begin = { atMs: calledAt, entry: call };
    return returnedAt === undefined ? [begin] : [begin, { atMs: returnedAt, entry: end }];
  });
  events.sort((a, b) => a.atMs - b.atMs || Number(b.entry.isCall) - Number(a.entry.isCall));
  const [first] = events;
  if (first === undefined) return { after: undefined };
  const head: Entry<O> = { ...first.entry, id: -1, isCall: false, match: undefined };
  let last = head;
  for (const { entry } of events) {
    last.after = entry;
    entry.before = last;
    last = entry;
  }
  return head;
}

/** Takes a call and its return out of the list; both remember their place. */
function lift<O>(call: Entry<O>): void {
  for (const entry of [call, call.match]) {
    if (entry?.before !== undefined) entry.before.after = entry.after;
    if (entry?.after !== undefined) entry.after.before = entry.before;
  }
}

/** Puts them back, in the reverse order. */
function unlift<O>(call: Entry<O>): void {
  for (const entry of [call.match, call]) {
    if (entry?.before !== undefined) entry.before.after = entry;
    if (entry?.after !== undefined) entry.after.before = entry;
  }
}
