/**
 * A YAML or JSON text whose every field knows its line and column, so that a mistake in a definition can be pointed at.
 * JSON is read as the YAML it is. Pure.
 */
import {
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type ErrorCode,
} from 'yaml';

/** A mistake in a document: where it is and what is wrong. Line and column count from 1. */
export interface DefinitionProblem {
  /** The field as a path, e.g. `agents.words.replicas`; empty for the document as a whole. */
  readonly field: string;
  readonly message: string;
  /** An error code of its own, where the mistake has one. */
  readonly code?: string;
  readonly line?: number;
  readonly column?: number;
}

/** A place in a document: the keys and indices that lead to it. */
export type FieldPath = readonly (string | number)[];

/** A read document: its plain value, its syntax errors, and the way from a field to its place. */
export interface DefinitionDocument {
  readonly value: unknown;
  readonly problems: readonly DefinitionProblem[];
  locate(path: FieldPath): { readonly line: number; readonly column: number };
}

/** What the parser of YAML says to programmers, for who has written the file. */
const wording: Readonly<Partial<Record<ErrorCode, string>>> = {
  DUPLICATE_KEY: 'this field is written twice; keep one of them',
  MULTIPLE_DOCS: 'a second document begins here; a file has one: remove the "---", or make two files',
};

/** Reads a text; syntax errors (also a key written twice) are problems, not exceptions. */
export function readDefinitionDocument(text: string): DefinitionDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems = document.errors.map((error) => ({
    field: '',
    message: wording[error.code] ?? error.message,
    ...position(error.pos[0]),
  }));
  return {
    value: problems.length > 0 ? undefined : document.toJS(),
    problems,
    locate: (path) => position(offsetOf(document, path)),
  };
}

/** `a.b[2].c`. */
export function fieldText(path: FieldPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}

/** The offset of the deepest field on the path that is really there: of its key where it has one. */
function offsetOf(document: Document, path: FieldPath): number {
  let offset = 0;
  let node: unknown = document.contents;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isScalar(item.key) && sameKey(String(item.key.value), String(step)),
      );
      if (!isPair(pair)) return offset;
      offset = rangeStart(pair.key) ?? offset;
      node = pair.value;
    } else {
      node = isNode(node) && 'get' in node ? node.get(step, true) : undefined;
      const start = rangeStart(node);
      if (start === undefined) return offset;
      offset = start;
    }
  }
  return offset;
}

/** snake_case is accepted as an alias of our camelCase, so a path in ours must also find theirs. */
function sameKey(written: string, wanted: string): boolean {
  return written === wanted || camelCase(written) === wanted;
}

/** `min_active` → `minActive`; other keys stay as they are. */
export function camelCase(key: string): string {
  return key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function rangeStart(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
