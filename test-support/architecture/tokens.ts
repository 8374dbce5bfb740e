// The tokens of a TypeScript text: words, strings, template pieces, numbers, regular expressions and marks, with the
// comments set apart. TypeScript 7 has no JavaScript API, so the architecture rules read sources through this scanner.
//
// It promises that nothing inside a string, a template's text, a regular expression or a comment is ever taken for
// code, and that every bracket knows its partner. It does not promise to reject wrong programs: the compiler does that.

export type TokenKind = 'word' | 'string' | 'template' | 'number' | 'regex' | 'mark';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** 1-based line of the first character. */
  readonly line: number;
  /** Position of the first character in the text. */
  readonly start: number;
  /** Index of the innermost bracket that is open around this token, -1 outside all. */
  readonly within: number;
}

export interface Comment {
  readonly text: string;
  readonly line: number;
}

/** A scanned text. `pairs` leads from a bracket to its partner and back; `holes` from a template piece to the next. */
export interface Source {
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly comments: readonly Comment[];
  readonly pairs: ReadonlyMap<number, number>;
  readonly holes: ReadonlyMap<number, number>;
  /** Lines of the text; a final line break opens no new one. */
  readonly lines: number;
}

/** The scan in progress: the one thing here that changes, and it never leaves `scanSource`. */
interface Scan {
  readonly text: string;
  at: number;
  line: number;
  readonly tokens: Token[];
  readonly comments: Comment[];
  readonly pairs: Map<number, number>;
  readonly holes: Map<number, number>;
  readonly open: number[];
}

const space = /\s+|^#![^\n]*/y;
const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const word = /#?[\p{ID_Start}$_][\p{ID_Continue}$]*/uy;
const number = /0[xXbBoO][\da-fA-F_]+n?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?n?/y;
const string = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const regex = /\/(?:[^/\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+\/[\p{ID_Continue}$]*/uy;
const templatePiece = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;
const mark = /=>|\.\.\.|\?\.(?!\d)|\?\?=?|&&=?|\|\|=?|\+\+|--|[=!]==?|<=|\*\*|[\s\S]/y;

/** Words after which a slash opens a regular expression, because no operand has ended yet. */
const beforeOperand = new Set(
  'return typeof case in of delete void throw new instanceof else do yield await extends default'.split(' '),
);
const controlWords = new Set(['if', 'while', 'for', 'with']);
const closers = new Set([')', ']', '}']);
const openers = new Set(['(', '[', '{']);

/** Scans a whole text. Never throws: what it cannot read becomes one-character marks. */
export function scanSource(text: string): Source {
  const scan: Scan = {
    text,
    at: 0,
    line: 1,
    tokens: [],
    comments: [],
    pairs: new Map(),
    holes: new Map(),
    open: [],
  };
  while (scan.at < text.length) readNext(scan);
  const lines = text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return { text, tokens: scan.tokens, comments: scan.comments, pairs: scan.pairs, holes: scan.holes, lines };
}

function readNext(scan: Scan): void {
  const blank = match(scan, space);
  if (blank !== undefined) return advance(scan, blank);
  const note = match(scan, comment);
  if (note !== undefined) {
    scan.comments.push({ text: note, line: scan.line });
    return advance(scan, note);
  }
  const first = scan.text[scan.at];
  if (first === '`') return readTemplate(scan, 1, -1);
  if (first === '}' && isTemplateHole(scan)) return readTemplate(scan, 1, scan.open.pop() ?? -1);
  const [kind, found] = readShape(scan);
  push(scan, kind, found);
}

function readShape(scan: Scan): [TokenKind, string] {
  const found = match(scan, word);
  if (found !== undefined) return ['word', found];
  const digits = match(scan, number);
  if (digits !== undefined) return ['number', digits];
  const quoted = match(scan, string);
  if (quoted !== undefined) return ['string', quoted];
  const pattern = scan.text[scan.at] === '/' && !operandEnds(scan, scan.tokens.length - 1);
  const expression = pattern ? match(scan, regex) : undefined;
  if (expression !== undefined) return ['regex', expression];
  return ['mark', match(scan, mark) ?? scan.text.slice(scan.at, scan.at + 1)];
}

/** Reads one piece of a template, from its back-tick or from the brace that closes a hole (`partner` opened it). */
function readTemplate(scan: Scan, skip: number, partner: number): void {
  const piece = match(scan, templatePiece, scan.at + skip) ?? scan.text.slice(scan.at + skip);
  push(scan, 'template', scan.text.slice(scan.at, scan.at + skip) + piece);
  const index = scan.tokens.length - 1;
  if (partner >= 0) scan.holes.set(partner, index);
  if (piece.endsWith('${')) scan.open.push(index);
}

function isTemplateHole(scan: Scan): boolean {
  const innermost = scan.tokens[scan.open.at(-1) ?? -1];
  return innermost !== undefined && innermost.kind === 'template';
}

function push(scan: Scan, kind: TokenKind, text: string): void {
  const index = scan.tokens.length;
  if (kind === 'mark' && closers.has(text)) {
    const opener = scan.open.pop();
    if (opener !== undefined) scan.pairs.set(opener, index).set(index, opener);
  }
  scan.tokens.push({ kind, text, line: scan.line, start: scan.at, within: scan.open.at(-1) ?? -1 });
  if (kind === 'mark' && openers.has(text)) scan.open.push(index);
  advance(scan, text);
}

function advance(scan: Scan, text: string): void {
  for (const character of text) if (character === '\n') scan.line++;
  scan.at += text.length;
}

function match(scan: Scan, shape: RegExp, at: number = scan.at): string | undefined {
  shape.lastIndex = at;
  return shape.exec(scan.text)?.[0];
}

/** Whether the token at `index` ends an operand, so that a slash after it divides. */
function operandEnds(scan: Scan, index: number): boolean {
  const token = scan.tokens[index];
  if (token === undefined) return false;
  if (token.kind === 'template') return token.text.endsWith('`');
  if (token.kind === 'word') return isMember(scan, index) || !beforeOperand.has(token.text);
  if (token.kind !== 'mark') return true;
  if (token.text === ')') return !closesControl(scan, index);
  // `a! / 2` divides, `!/x/.test(a)` does not: the mark that asserts touches the operand before it.
  if (token.text === '!')
    return !/\s/.test(scan.text[token.start - 1] ?? ' ') && operandEnds(scan, index - 1);
  return token.text === ']' || token.text === '++' || token.text === '--';
}

function isMember(scan: Scan, index: number): boolean {
  const before = scan.tokens[index - 1]?.text;
  return before === '.' || before === '?.';
}

/** Whether the `)` at `index` closes the head of `if`, `while`, `for` or `with`, after which a statement begins. */
function closesControl(scan: Scan, index: number): boolean {
  const head = (scan.pairs.get(index) ?? 0) - 1;
  const token = scan.tokens[head];
  if (token === undefined || isMember(scan, head)) return false;
  return controlWords.has(token.text) || (token.text === 'await' && scan.tokens[head - 1]?.text === 'for');
}
