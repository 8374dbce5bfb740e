/**
 * Deadlines of many short waits with one timer.
 *
 * A timer per request costs more than the request's message, and nearly all of them are cleared unused. So the waits
 * carry the time they are due, and one timer is armed for the earliest of them: when it fires, it walks through what
 * still waits, ends what is due, and is armed for the earliest of the rest. With requests that are answered in time that
 * is one walk per time limit, whatever their number.
 *
 * Invariants
 *  D1  Nothing ends before it is due.
 *  D2  What is due ends within a millisecond, plus a millisecond for every ten thousand waits.
 */

/** One wait. */
export interface Waiting {
  /** Monotonic time (`performance.now()`) at which it is over; `Infinity` for never. */
  readonly dueAt: number;
  /** Ends it; it no longer waits afterwards, or is due later. */
  expire(): void;
}

const waitsPerMs = 10_000;

export class Deadlines {
  readonly #waiting: () => Iterable<Waiting>;
  #armedFor = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `waiting` gives what waits at that moment; things may leave it while it is walked through. */
  constructor(waiting: () => Iterable<Waiting>) {
    this.#waiting = waiting;
  }

  /** Sees to it that a wait due then is ended in time. */
  watch(dueAt: number): void {
    if (dueAt < this.#armedFor) this.#arm(dueAt);
  }

  #arm(dueAt: number): void {
    clearTimeout(this.#timer);
    this.#armedFor = dueAt;
    const inMs = Math.min(Math.max(1, Math.ceil(dueAt - performance.now())), 2 ** 31 - 1);
    // A forgotten timer must not keep the process alive: the connection does, while it is open.
    this.#timer = setTimeout(() => this.#sweep(), inMs).unref();
  }

  #sweep(): void {
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    let count = 0;
    this.#armedFor = Number.POSITIVE_INFINITY;
    for (const wait of this.#waiting()) {
      count += 1;
      if (wait.dueAt <= now) wait.expire();
      else if (wait.dueAt < next) next = wait.dueAt;
    }
    if (next < this.#armedFor) this.#arm(Math.max(next, now + count / waitsPerMs));
  }
}
