/** What a member does with the operations of its log: one after the other, each once, with its result. */
import { errorBodyOf, type ErrorBody } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import type { Reading } from './view.ts';

/** Where in the log an operation is. */
export interface OperationPlace {
  readonly index: number;
  readonly term: number;
  readonly id: string;
}

/**
 * Does an operation. Every member is handed the same ones in the same order, again from the first when it is started again: what it
 * answers must depend on nothing else. What it throws is the operation's result, and the next one is done.
 */
export type ApplyOperation = (
  body: Json,
  place: OperationPlace,
) => Json | undefined | Promise<Json | undefined>;

/** What came of it. */
export type Applied =
  | { readonly kind: 'done'; readonly result: Json }
  | { readonly kind: 'failed'; readonly error: ErrorBody };

/** The operations that are done, being done, and waiting. */
export class Applying {
  readonly #apply: ApplyOperation;
  readonly #results = new Map<string, Promise<Applied>>();
  readonly #waiting = new Set<() => void>();
  #last: Promise<unknown> = Promise.resolve();
  #applied = 0;

  constructor(apply: ApplyOperation) {
    this.#apply = apply;
  }

  /** All entries up to this place are applied, or passed over. */
  get applied(): number {
    return this.#applied;
  }

  /** Takes the next entry of the log. */
  take(reading: Reading): void {
    const { index } = reading;
    const done = this.#last.then(async () => {
      const applied = reading.kind === 'operation' ? await this.#do(reading) : undefined;
      this.#applied = index;
      for (const look of this.#waiting) look();
      return applied;
    });
    this.#last = done;
    if (reading.kind !== 'operation') return;
    const result = done.then((applied) => applied ?? { kind: 'done' as const, result: null });
    this.#results.set(reading.id, result);
  }

  /** What came, or will come, of an operation that was taken. */
  resultOf(id: string): Promise<Applied> | undefined {
    return this.#results.get(id);
  }

  /** Resolves true when the entries up to this place are applied, false when the signal aborts before. */
  until(index: number, signal: AbortSignal): Promise<boolean> {
    if (this.#applied >= index) return Promise.resolve(true);
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#applied < index && !signal.aborted) return;
        this.#waiting.delete(look);
        signal.removeEventListener('abort', look);
        resolve(this.#applied >= index);
      };
      this.#waiting.add(look);
      signal.addEventListener('abort', look);
      look();
    });
  }

  async #do({ body, id, index, term }: Extract<Reading, { kind: 'operation' }>): Promise<Applied> {
    try {
      return { kind: 'done', result: (await this.#apply(body, { index, term, id })) ?? null };
    } catch (error) {
      return { kind: 'failed', error: errorBodyOf(error) };
    }
  }
}
