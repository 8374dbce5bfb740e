/** A document without what in it does not fit the form, so that the rest can still be judged. Pure. */
import type { FormProblem } from './definition-form.ts';

/** Sections whose entries stand for themselves: one that does not fit leaves the others as they are. */
const sections = ['agents', 'variables', 'scaling', 'rules'];

/** An id that nothing is called, for a space that does not say its own. */
const placeholder = 'x';

/** The value without each entry of a section, or each field of the space, that a problem is in. */
export function withoutMisfits(value: unknown, problems: readonly FormProblem[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const rest = new Map<string, unknown>(Object.entries(value));
  for (const { path } of problems) {
    const [field, entry] = path.map(String);
    if (field === undefined) continue;
    if (entry !== undefined && sections.includes(field)) rest.set(field, without(rest.get(field), entry));
    else rest.delete(field);
  }
  if (typeof rest.get('space') !== 'string') rest.set('space', placeholder);
  return Object.fromEntries(rest);
}

function without(section: unknown, entry: string): unknown {
  if (typeof section !== 'object' || section === null) return section;
  return Object.fromEntries(Object.entries(section).filter(([id]) => id !== entry));
}
