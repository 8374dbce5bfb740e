/** Values of variables as people read them. */

/** A value in a sentence: a list in brackets, else its JSON. */
export function text(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : JSON.stringify(value);
}
