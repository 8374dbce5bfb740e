/** A register as a state machine: the commands in their order make it, in whatever process they are taken in. */
import * as z from 'zod';

const wishSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('read') }),
  z.object({ kind: z.literal('write'), value: z.number() }),
  z.object({ kind: z.literal('compare-and-set'), expected: z.number().nullable(), value: z.number() }),
]);

/** What a client would like to do to it. */
export type Wish = z.infer<typeof wishSchema>;

/** What it came to: an operation as histories have it. */
export type Outcome =
  | { readonly kind: 'read'; readonly value: number | null }
  | { readonly kind: 'write'; readonly value: number }
  | {
      readonly kind: 'compare-and-set';
      readonly expected: number | null;
      readonly value: number;
      readonly isDone: boolean;
    };

/** Reads a wish; undefined when it is none. */
export function readWish(body: unknown): Wish | undefined {
  return wishSchema.safeParse(body).data;
}

/** A copy; it starts without a value. */
export class RegisterCopy {
  #value: number | null = null;

  /** What it holds. */
  get value(): number | null {
    return this.#value;
  }

  /** Takes in the next command; tells what it came to. */
  apply(wish: Wish): Outcome {
    if (wish.kind === 'read') return { kind: 'read', value: this.#value };
    const isDone = wish.kind === 'write' || this.#value === wish.expected;
    if (isDone) this.#value = wish.value;
    return wish.kind === 'write' ? wish : { ...wish, isDone };
  }
}
