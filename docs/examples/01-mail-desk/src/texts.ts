/** Values of variables, and lists, as people read them. */

/** A value in a sentence: a list in brackets, else its JSON. */
export function text(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : JSON.stringify(value);
}

/** Names in a sentence: `a, b and c`; `nobody` when there is none. */
export function listed(names: readonly string[]): string {
  const last = names.at(-1);
  if (last === undefined) return 'nobody';
  return names.length === 1 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
