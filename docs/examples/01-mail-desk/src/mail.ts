/**
 * A parsed mail: what the specialists look at, as plain JSON. Parsing never throws: whatever is malformed is noted in `defects` and the
 * rest is kept. Sizes are bounded (text, links, headers), so a parsed mail fits a message on the bus whatever its raw size.
 */
import PostalMime, { type Address, type Email } from 'postal-mime';
import { noHtmlFacts, readHtml, squeeze, type HtmlFacts, type HtmlReading, type Link } from './html-text.ts';
import type { Mail } from './mail-entry.ts';

/** What can be wrong with a mail. */
export type Defect =
  | 'empty'
  | 'binary'
  | 'no-headers'
  | 'no-sender'
  | 'no-text'
  | 'bad-date'
  | 'undecodable-characters'
  | 'headers-cut'
  | 'text-cut'
  | 'links-cut'
  | 'raw-cut'
  | 'unparsable';

/** A mail taken apart. */
export interface ParsedMail {
  readonly id: string;
  readonly subject: string;
  /** `Name <address>`, or what there is of it. */
  readonly from: string;
  readonly to: readonly string[];
  /** ISO 8601, or '' when there is no readable date. */
  readonly date: string;
  /** Names in lower case, values unfolded, in document order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The plain part, or the HTML part turned to text. */
  readonly text: string;
  /** Whether the mail has an HTML part, and whether it has nothing else. */
  readonly html: 'none' | 'beside' | 'only';
  readonly htmlFacts: HtmlFacts;
  readonly links: readonly Link[];
  /** Size of the raw message in bytes. */
  readonly size: number;
  readonly attachments: number;
  readonly defects: readonly Defect[];
}

/** The bounds of a parsed mail, in bytes (raw), characters or items. */
const BOUNDS = {
  raw: 1_000_000,
  html: 200_000,
  text: 8_000,
  header: 1_000,
  headers: 100,
  links: 100,
  href: 500,
  recipients: 50,
} as const;

/** What is read of a mail when MIME parsing fails: everything, as one text. */
const NOTHING: Email = { headers: [], headerLines: [], attachments: [] };

const BARE_LINK = /\b(?:https?:\/\/|www\.)[^\s<>"']{3,}/gi;

/** Parses a raw message (one that begins with a mailbox line `From …` too). Never throws. */
export async function parseMail(mail: Mail): Promise<ParsedMail> {
  const bytes = typeof mail.raw === 'string' ? Buffer.from(mail.raw) : mail.raw;
  const kept = withoutEnvelope(bytes.subarray(0, BOUNDS.raw));
  const email = await parseMime(kept);
  return describeMail(
    mail.id,
    bytes,
    email ?? { ...NOTHING, text: Buffer.from(kept).toString('latin1') },
    email === undefined,
  );
}

/** The parser's answer; undefined when it gives up (headers or nesting beyond its limits). */
async function parseMime(bytes: Uint8Array): Promise<Email | undefined> {
  try {
    return await PostalMime.parse(bytes, { maxNestingDepth: 50, maxHeadersSize: 500_000 });
  } catch {
    return undefined;
  }
}

function describeMail(id: string, bytes: Uint8Array, email: Email, failed: boolean): ParsedMail {
  const reading = readHtml((email.html ?? '').slice(0, BOUNDS.html));
  const plain = squeeze((email.text ?? '').slice(0, 4 * BOUNDS.text));
  const wholeText = plain === '' ? reading.text : plain;
  const links = [...reading.links, ...bareLinks(wholeText, reading.links)];
  const parsed = {
    id,
    subject: squeeze(email.subject ?? '').slice(0, BOUNDS.header),
    from: email.from === undefined ? '' : addressText(email.from).slice(0, BOUNDS.header),
    to: (email.to ?? []).slice(0, BOUNDS.recipients).map((to) => addressText(to).slice(0, BOUNDS.header)),
    date: isoDate(email.date),
    headers: email.headers
      .slice(0, BOUNDS.headers)
      .map(({ key, value }) => [key, squeeze(value).slice(0, BOUNDS.header)] as const),
    text: wholeText.slice(0, BOUNDS.text),
    ...htmlPart(email, plain, reading),
    links: links
      .slice(0, BOUNDS.links)
      .map(({ href, text }) => ({ href: href.slice(0, BOUNDS.href), text: text.slice(0, BOUNDS.href) })),
    size: bytes.length,
    attachments: email.attachments.length,
  };
  return {
    ...parsed,
    defects: defectsOf(parsed, { bytes, email, failed, links: links.length, text: wholeText.length }),
  };
}

function htmlPart(
  email: Email,
  plain: string,
  { facts }: HtmlReading,
): Pick<ParsedMail, 'html' | 'htmlFacts'> {
  if (email.html === undefined) return { html: 'none', htmlFacts: noHtmlFacts() };
  return { html: plain === '' ? 'only' : 'beside', htmlFacts: facts };
}

/** Links written out in the text that are not already targets of the HTML. */
function bareLinks(text: string, known: readonly Link[]): Link[] {
  const seen = new Set(known.map(({ href }) => href));
  return [...text.matchAll(BARE_LINK)]
    .map(([href]) => href)
    .filter((href) => !seen.has(href))
    .map((href) => ({ href, text: href }));
}

/** The mail without the line `From sender date` that a mailbox puts before it. */
function withoutEnvelope(bytes: Uint8Array): Uint8Array {
  const start = Buffer.from(bytes.subarray(0, 5)).toString('latin1');
  if (start !== 'From ') return bytes;
  const end = bytes.indexOf(0x0a);
  return end === -1 ? bytes : bytes.subarray(end + 1);
}

function addressText(address: Address): string {
  if (address.group !== undefined) return `${address.name}: ${address.group.map(addressText).join(', ')}`;
  if (address.name === '') return address.address;
  return address.address === '' ? address.name : `${address.name} <${address.address}>`;
}

/** The date as ISO 8601; '' for one that is none, or that lies outside the years a four-digit form can say. */
function isoDate(date: string | undefined): string {
  const at = Date.parse(date ?? '');
  const iso = Number.isNaN(at) ? '' : new Date(at).toISOString();
  return iso.length === 24 ? iso : '';
}

interface Evidence {
  readonly bytes: Uint8Array;
  readonly email: Email;
  readonly failed: boolean;
  readonly links: number;
  readonly text: number;
}

function defectsOf(
  mail: Omit<ParsedMail, 'defects'>,
  { bytes, email, failed, links, text }: Evidence,
): Defect[] {
  const found: readonly (readonly [Defect, boolean])[] = [
    ['empty', bytes.length === 0],
    ['binary', bytes.subarray(0, 2_000).includes(0)],
    ['no-headers', email.headers.length === 0],
    ['no-sender', mail.from === ''],
    ['no-text', mail.text === ''],
    ['bad-date', mail.date === '' && email.date !== undefined],
    ['undecodable-characters', mail.text.includes('\uFFFD') || mail.subject.includes('\uFFFD')],
    [
      'headers-cut',
      email.headers.length > BOUNDS.headers ||
        email.headers.some(({ value }) => value.length > BOUNDS.header),
    ],
    ['text-cut', text > BOUNDS.text],
    ['links-cut', links > BOUNDS.links],
    ['raw-cut', bytes.length > BOUNDS.raw],
    ['unparsable', failed],
  ];
  return found.filter(([, holds]) => holds).map(([defect]) => defect);
}
