/**
 * The clocks of a desk: until when each holder may go on believing that it holds, and when a grant was last used. They live in
 * the desk's memory, by its own monotonic clock. Whoever takes over a book begins with every clock full, which is never too short.
 */
import { idleLimitMs, type Book, type BookedGrant } from './book.ts';

/** What is due at an instant. */
export interface Due {
  /** Holders whose belief has ended. */
  readonly lapsed: readonly { readonly grant: string; readonly party: string }[];
  /** Grants nobody has used for too long. */
  readonly idle: readonly string[];
}

/** The clocks of the grants of one book. */
export class GrantClocks {
  readonly #until = new Map<string, number>();
  readonly #used = new Map<string, number>();

  /** Gives grants that have no clocks yet full ones, and forgets those of grants that are gone. */
  follow(book: Book, nowMs: number): void {
    const keys = new Set(
      book.grants.flatMap((grant) => grant.holders.map((party) => keyOf(grant.id, party))),
    );
    for (const key of this.#until.keys()) if (!keys.has(key)) this.#until.delete(key);
    for (const grant of book.grants) {
      if (!this.#used.has(grant.id)) this.#used.set(grant.id, nowMs);
      for (const party of grant.holders) {
        const key = keyOf(grant.id, party);
        if (!this.#until.has(key)) this.#until.set(key, nowMs + grant.ttlMs);
      }
    }
    const ids = new Set(book.grants.map(({ id }) => id));
    for (const id of this.#used.keys()) if (!ids.has(id)) this.#used.delete(id);
  }

  /** A holder has renewed. */
  renew(grant: BookedGrant, party: string, nowMs: number): void {
    this.#until.set(keyOf(grant.id, party), nowMs + grant.ttlMs);
  }

  /** A grant has been used. */
  use(grant: string, nowMs: number): void {
    this.#used.set(grant, nowMs);
  }

  /** A holder has heard that it must go and believes no longer than until then. */
  shorten(grant: string, party: string, untilMs: number): void {
    const key = keyOf(grant, party);
    const present = this.#until.get(key);
    if (present !== undefined) this.#until.set(key, Math.min(present, untilMs));
  }

  /** What is due now. */
  due(book: Book, nowMs: number): Due {
    const lapsed = book.grants.flatMap(({ holders, id }) =>
      holders
        .filter((party) => (this.#until.get(keyOf(id, party)) ?? 0) <= nowMs)
        .map((party) => ({ grant: id, party })),
    );
    const idle = book.grants
      .filter((grant) => grant.leaving === undefined && this.#idleAt(grant) <= nowMs)
      .map(({ id }) => id);
    return { lapsed, idle };
  }

  /** When something will be due next; infinite when nothing will. */
  nextDueMs(book: Book): number {
    const ends = book.grants.flatMap((grant) => [
      ...grant.holders.map((party) => this.#until.get(keyOf(grant.id, party)) ?? 0),
      ...(grant.leaving === undefined ? [this.#idleAt(grant)] : []),
    ]);
    return Math.min(Number.POSITIVE_INFINITY, ...ends);
  }

  #idleAt(grant: BookedGrant): number {
    return (this.#used.get(grant.id) ?? 0) + (idleLimitMs(grant) ?? Number.POSITIVE_INFINITY);
  }
}

function keyOf(grant: string, party: string): string {
  return `${grant} ${party}`;
}
