/**
 * What is still to happen, in the order of its time: a binary heap.
 *
 * Invariant A1: of two things for the same time, the one that was put down first comes first; a run repeats exactly.
 */

interface Entry<T> {
  readonly atMs: number;
  readonly order: number;
  readonly what: T;
}

/** An agenda. */
export class Agenda<T> {
  readonly #heap: Entry<T>[] = [];
  #order = 0;

  /** How much is still to happen. */
  get size(): number {
    return this.#heap.length;
  }

  /** Puts something down for a time. */
  add(atMs: number, what: T): void {
    const entry = { atMs, order: this.#order++, what };
    let at = this.#heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || isBefore(parent, entry)) break;
      this.#heap[at] = parent;
      at = above;
    }
    this.#heap[at] = entry;
  }

  /** Takes what happens next. */
  next(): { readonly atMs: number; readonly what: T } | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Entry<T>): void {
    let at = 0;
    for (;;) {
      const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || isBefore(entry, child)) break;
      this.#heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    this.#heap[at] = entry;
  }
}

function isBefore<T>(one: Entry<T>, other: Entry<T>): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
