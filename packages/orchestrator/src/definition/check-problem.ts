/** What is wrong between the parts of a definition: where, what, and what to do. Pure. */
import type { FieldPath } from './definition-document.ts';
import { nearestWord } from './nearest-word.ts';

/** A mistake and the field it is in. */
export interface CheckProblem {
  readonly path: FieldPath;
  readonly message: string;
  /** An error code of its own, where the mistake has one. */
  readonly code?: 'resource-impossible';
}

/** Parts that are written but could not be made: what refers to them is not judged. */
export interface UnmadeParts {
  readonly agents: readonly string[];
  readonly variables: readonly string[];
}

/** The problem of a name that refers to nothing; none when it is known. */
export function unknownName(
  path: FieldPath,
  what: string,
  name: string,
  known: readonly string[],
): readonly CheckProblem[] {
  if (known.includes(name)) return [];
  return [{ path, message: `there is no ${what} "${name}"${cureFor(name, known)}` }];
}

/** `; did you mean "words"?`, or which names there are. */
export function cureFor(word: string, known: readonly string[]): string {
  const near = nearestWord(word, known);
  if (near !== undefined) return `; did you mean "${near}"?`;
  return known.length === 0 ? '; define it' : `; there are ${known.slice(0, 10).join(', ')}`;
}

/** Where the circles of a graph are closed: one step of each circle, with the way round. */
export function circles(
  steps: ReadonlyMap<string, readonly string[]>,
): readonly { readonly from: string; readonly to: string; readonly way: readonly string[] }[] {
  const found: { from: string; to: string; way: readonly string[] }[] = [];
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): void => {
    if (done.has(node)) return;
    for (const next of steps.get(node) ?? []) {
      const begin = [...way, node].indexOf(next);
      if (begin >= 0) found.push({ from: node, to: next, way: [...[...way, node].slice(begin), next] });
      else visit(next, [...way, node]);
    }
    done.add(node);
  };
  for (const node of steps.keys()) visit(node, []);
  return found;
}
