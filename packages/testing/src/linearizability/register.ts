/** A register that is read, written and compared-and-set, as a model for histories. */
import type { SequentialModel } from './linearizability.ts';

/** An operation on the register with what is known of its end. */
export type RegisterOperation =
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'write'; readonly value: unknown }
  /** `isDone` undefined: whether it found what it expected was never learnt. */
  | {
      readonly kind: 'compare-and-set';
      readonly expected: unknown;
      readonly value: unknown;
      readonly isDone: boolean | undefined;
    };

/** The model of a register that holds `initial`; values are compared as they are (===). */
export function registerModel(
  initial: unknown = null,
): SequentialModel<{ readonly value: unknown }, RegisterOperation> {
  return {
    initial: { value: initial },
    apply: (state, operation) => {
      const { kind, value } = operation;
      if (kind === 'write') return { value };
      if (kind === 'read') return state.value === value ? state : undefined;
      const isMatch = state.value === operation.expected;
      if (operation.isDone !== undefined && operation.isDone !== isMatch) return undefined;
      return isMatch ? { value } : state;
    },
  };
}
