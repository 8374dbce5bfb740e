/** Timers by name, as a pure protocol asks for them: of each name there is one, and none rings once they are disposed of. */
export class NamedTimers implements Disposable {
  readonly #ring: (timer: string) => void;
  readonly #running = new Map<string, NodeJS.Timeout>();
  #isOver = false;

  constructor(ring: (timer: string) => void) {
    this.#ring = ring;
  }

  /** Has it ring after so long, in place of what was set under the name; without a time not at all. */
  set(timer: string, afterMs: number | undefined): void {
    clearTimeout(this.#running.get(timer));
    this.#running.delete(timer);
    if (afterMs === undefined || this.#isOver) return;
    this.#running.set(
      timer,
      setTimeout(() => this.#ring(timer), afterMs),
    );
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const running of this.#running.values()) clearTimeout(running);
    this.#running.clear();
  }
}
