/** Waiting for something to become true, with an end and a reason. */
import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

/** Options of `waitFor`. */
export interface WaitForOptions {
  /** What is waited for, as a sentence that is not true yet: "the agent is active". */
  readonly what: string;
  /** When to give up; 15 000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Pause between two looks; 10 by default. */
  readonly everyMs?: number | undefined;
}

/**
 * Looks until `condition` gives something truthy, and returns that. A look that throws counts as "not yet". For states that
 * can only be polled: where there is an event, wait for the event. Throws an AssertionError that says what was
 * waited for, how long, and what the last look gave.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitForOptions,
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  const { what, timeoutMs = 15_000, everyMs = 10 } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const look = await lookWithin(condition, deadline);
    if (look.kind === 'seen' && look.value) {
      // Truthiness has just been checked; the type only says so.
      return look.value as Exclude<T, undefined | null | false | 0 | ''>;
    }
    if (performance.now() >= deadline) throw tooLate(what, timeoutMs, look);
    await sleep(everyMs);
  }
}

type Look<T> =
  | { readonly kind: 'seen'; readonly value: T }
  | { readonly kind: 'threw'; readonly cause: unknown }
  | { readonly kind: 'unanswered' };

/** One look, which itself may not take longer than the whole wait. */
async function lookWithin<T>(condition: () => T | Promise<T>, deadline: number): Promise<Look<T>> {
  const patience = new AbortController();
  const remainingMs = Math.max(1, deadline - performance.now());
  const unanswered = sleep(remainingMs, { kind: 'unanswered' } as const, { signal: patience.signal });
  const look = (async (): Promise<Look<T>> => {
    try {
      return { kind: 'seen', value: await condition() };
    } catch (cause) {
      return { kind: 'threw', cause };
    } finally {
      patience.abort();
    }
  })();
  // Once the look is back its clock is stopped, which rejects: the look is then the answer.
  return await Promise.race([look, unanswered.catch(() => look)]);
}

function tooLate(what: string, timeoutMs: number, look: Look<unknown>): AssertionError {
  const last = {
    seen: () => (look.kind === 'seen' ? `the last look gave ${inspect(look.value)}` : ''),
    threw: () => (look.kind === 'threw' ? `the last look threw ${String(look.cause)}` : ''),
    unanswered: () => 'the last look did not come back',
  }[look.kind]();
  const error = new AssertionError({ message: `not so after ${timeoutMs} ms: ${what}; ${last}` });
  if (look.kind === 'threw') error.cause = look.cause;
  return error;
}
