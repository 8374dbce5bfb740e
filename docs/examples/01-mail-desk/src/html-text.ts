/**
 * Reads HTML the way a filter needs it: its visible text, its links, and a few counts. One pass from left to right, linear in the input,
 * no tree. The text is well defined: comments and what stands in script, style and title are left out; tags of blocks and line breaks
 * become a line end, all other tags nothing; entities are decoded; runs of white space become one blank or one line end.
 */
import { decodeEntities } from './entities.ts';

/** A link and the text a reader sees for it. */
export interface Link {
  readonly href: string;
  readonly text: string;
}

/** What a filter wants to know about the HTML of a mail, beside its text. */
export interface HtmlFacts {
  readonly tags: number;
  readonly images: number;
  readonly forms: number;
  readonly scripts: number;
  readonly comments: number;
}

/** All that is read from a piece of HTML. */
export interface HtmlReading {
  readonly text: string;
  readonly links: readonly Link[];
  readonly facts: HtmlFacts;
}

/** Facts about a mail without HTML. */
export function noHtmlFacts(): HtmlFacts {
  return { tags: 0, images: 0, forms: 0, scripts: 0, comments: 0 };
}

const UNSEEN = new Set(['script', 'style', 'title']);
const BREAKING = new Set(
  'address blockquote br center dd div dl dt form h1 h2 h3 h4 h5 h6 hr li ol p pre table td th tr ul'.split(
    ' ',
  ),
);
const FACT_OF: Readonly<Record<string, keyof HtmlFacts>> = {
  img: 'images',
  form: 'forms',
  script: 'scripts',
};
const TAG = /^(\/?)([a-z][a-z0-9]*)/i;
const HREF = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;

/** A reading in progress: it is made, fed and finished inside `readHtml` and never leaves this file. */
interface Draft {
  text: string;
  links: Link[];
  facts: { -readonly [K in keyof HtmlFacts]: HtmlFacts[K] };
  /** The anchor that is open, and where its text begins. */
  anchor: { readonly href: string; readonly from: number } | undefined;
}

/** Reads HTML; broken HTML gives what can be made of it, never an error. */
export function readHtml(html: string): HtmlReading {
  const draft: Draft = { text: '', links: [], facts: { ...noHtmlFacts() }, anchor: undefined };
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    draft.text += html.slice(at, open === -1 ? html.length : open);
    if (open === -1) break;
    at = readMarkup(html, open, draft);
  }
  closeAnchor(draft);
  return { text: squeeze(decodeEntities(draft.text)), links: draft.links, facts: draft.facts };
}

/** Makes every run of white space one blank, or one line end if it holds one. */
export function squeeze(text: string): string {
  return text.replace(/\s+/g, (run) => (run.includes('\n') ? '\n' : ' ')).trim();
}

/** Reads the comment, tag or lone `<` at `open` into the draft; returns where the text goes on. */
function readMarkup(html: string, open: number, draft: Draft): number {
  if (html.startsWith('<!--', open)) {
    draft.facts.comments += 1;
    return after(html, '-->', open + 4);
  }
  const [, slash, rawName] = TAG.exec(html.slice(open + 1, open + 24)) ?? [];
  if (rawName === undefined) return readLoneBracket(html, open, draft);
  const name = rawName.toLowerCase();
  const end = after(html, '>', open + 1);
  if (slash === '') readOpeningTag(name, html.slice(open, end), draft);
  else if (name === 'a') closeAnchor(draft);
  if (BREAKING.has(name)) draft.text += '\n';
  return slash === '' && UNSEEN.has(name) ? afterElement(html, name, end) : end;
}

/** `<!…>` and `<?…>` are declarations and vanish; any other `<` is text. */
function readLoneBracket(html: string, open: number, draft: Draft): number {
  if (html[open + 1] === '!' || html[open + 1] === '?') return after(html, '>', open + 1);
  draft.text += '<';
  return open + 1;
}

function readOpeningTag(name: string, tag: string, draft: Draft): void {
  draft.facts.tags += 1;
  const fact = FACT_OF[name];
  if (fact !== undefined) draft.facts[fact] += 1;
  if (name !== 'a' && name !== 'area') return;
  closeAnchor(draft);
  const [, double, single, bare] = HREF.exec(tag) ?? [];
  const href = double ?? single ?? bare;
  if (href !== undefined) draft.anchor = { href: decodeEntities(href).trim(), from: draft.text.length };
  if (name === 'area') closeAnchor(draft);
}

function closeAnchor(draft: Draft): void {
  if (draft.anchor === undefined) return;
  const { href, from } = draft.anchor;
  draft.links.push({ href, text: squeeze(decodeEntities(draft.text.slice(from))) });
  draft.anchor = undefined;
}

/** The place behind the next `mark`; the end when there is none. */
function after(html: string, mark: string, from: number): number {
  const found = html.indexOf(mark, from);
  return found === -1 ? html.length : found + mark.length;
}

/** The place of the end tag of an element whose content is not shown; without one the rest of the HTML is its content. */
function afterElement(html: string, name: string, from: number): number {
  const closing = new RegExp(`</${name}`, 'gi');
  closing.lastIndex = from;
  const found = closing.exec(html);
  return found === null ? html.length : after(html, '>', found.index);
}
