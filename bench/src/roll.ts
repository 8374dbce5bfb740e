/** A roll call: how many of a known number of listeners have seen a value, and when the last of them had. */

interface Tally {
  readonly value: number;
  count: number;
}

/** Costs a listener little more than adding one: what it adds to the figures is the bench's own. */
export class Roll {
  readonly #size: number;
  readonly #now: () => number;
  readonly #tallies = new Map<number, Tally>();
  /** The tally counted last. */
  #current: Tally = { value: Number.NaN, count: 0 };
  readonly #completed = new Map<number, number>();
  readonly #waiting = new Map<number, (at: number) => void>();

  constructor(size: number, now: () => number) {
    this.#size = size;
    this.#now = now;
  }

  /** One more listener has seen the value. */
  note(value: number): void {
    if (value !== this.#current.value) this.#current = this.#tallyOf(value);
    this.#current.count += 1;
    if (this.#current.count === this.#size) this.#complete(value);
  }

  /** When the last one has seen it; resolves then. */
  complete(value: number): Promise<number> {
    const at = this.#completed.get(value);
    if (at !== undefined) return Promise.resolve(at);
    return new Promise((resolve) => this.#waiting.set(value, resolve));
  }

  #tallyOf(value: number): Tally {
    const known = this.#tallies.get(value) ?? { value, count: 0 };
    this.#tallies.set(value, known);
    return known;
  }

  #complete(value: number): void {
    const at = this.#now();
    this.#tallies.delete(value);
    this.#completed.set(value, at);
    this.#waiting.get(value)?.(at);
  }
}

/** µs on the machine's steady clock: instants of different processes can be compared. */
export function steadyMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
