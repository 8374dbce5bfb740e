/** A roll call: how many of a known number of listeners have seen a value, and when the last of them had. */

export class Roll {
  readonly #size: number;
  readonly #now: () => number;
  readonly #seen = new Map<number, number>();
  readonly #completed = new Map<number, number>();
  readonly #waiting = new Map<number, (at: number) => void>();

  constructor(size: number, now: () => number) {
    this.#size = size;
    this.#now = now;
  }

  /** One more listener has seen the value. */
  note(value: number): void {
    const count = (this.#seen.get(value) ?? 0) + 1;
    this.#seen.set(value, count);
    if (count !== this.#size) return;
    const at = this.#now();
    this.#seen.delete(value);
    this.#completed.set(value, at);
    this.#waiting.get(value)?.(at);
  }

  /** When the last one has seen it; resolves then. */
  complete(value: number): Promise<number> {
    const at = this.#completed.get(value);
    if (at !== undefined) return Promise.resolve(at);
    return new Promise((resolve) => this.#waiting.set(value, resolve));
  }
}

/** µs on the machine's steady clock: instants of different processes can be compared. */
export function steadyMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
