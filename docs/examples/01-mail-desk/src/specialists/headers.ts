/**
 * Headers: a fixed score from hand-written signals in the headers of a mail. It learns nothing: every signal has a weight in log-odds
 * that can be read below, and the weights of those found are added up. Marks that other filters left (X-Spam-…) are not looked at.
 */
import type { ParsedMail } from '../mail.ts';
import { probabilityOf, reasonsOf, type Clue, type Opinion, type Specialist } from './opinion.ts';

export interface HeadersSettings {
  /** Log-odds before any signal. */
  readonly bias: number;
  /** Multiplies every weight: how loudly the signals speak. */
  readonly emphasis: number;
}

/** The headers of a mail by name; of those that occur more than once, the first. */
type HeaderMap = ReadonlyMap<string, string>;

interface Signal extends Clue {
  readonly holds: (mail: ParsedMail, headers: HeaderMap) => boolean;
}

const SIGNALS: readonly Signal[] = [
  {
    name: 'answers another mail',
    weight: -2,
    holds: (_, headers) => headers.has('in-reply-to') || headers.has('references'),
  },
  {
    name: 'subject begins with Re:',
    weight: -1,
    holds: ({ subject }) => /^(?:\[[^\]]*\]\s*)?re:/i.test(subject),
  },
  {
    name: 'comes from a mailing list',
    weight: -1,
    holds: (_, headers) => headers.has('list-id') || headers.has('list-post'),
  },
  {
    name: 'names its mail program',
    weight: -0.3,
    holds: (_, headers) => headers.has('user-agent') || headers.has('x-mailer'),
  },
  { name: 'no message id', weight: 1, holds: (_, headers) => !headers.has('message-id') },
  { name: 'no readable date', weight: 1, holds: ({ date }) => date === '' },
  { name: 'nobody in To', weight: 1, holds: ({ to }) => to.length === 0 },
  { name: 'many recipients', weight: 1, holds: ({ to }) => to.length > 5 },
  { name: 'sender without a name', weight: 0.5, holds: ({ from }) => !from.includes('<') },
  { name: 'digits in the sender address', weight: 0.8, holds: ({ from }) => /\d{3,}[^@]*@/.test(from) },
  {
    name: 'answers go to another domain',
    weight: 0.8,
    holds: (mail, headers) => repliesElsewhere(mail, headers),
  },
  { name: 'HTML only', weight: 1.2, holds: ({ html }) => html === 'only' },
  {
    name: 'shouting subject',
    weight: 1,
    holds: ({ subject }) => /\p{Lu}{4}/u.test(subject) && !/\p{Ll}/u.test(subject),
  },
  {
    name: 'money or exclamation in the subject',
    weight: 0.8,
    holds: ({ subject }) => /[$!]|\d%/.test(subject),
  },
  {
    name: 'subject padded with blanks or numbers',
    weight: 0.8,
    holds: (_, headers) => /\s{4,}|\s\S*\d{4,}$/.test(headers.get('subject') ?? ''),
  },
  {
    name: 'marked as urgent',
    weight: 0.6,
    holds: (_, headers) => /^[12]\b|high/i.test(headers.get('x-priority') ?? headers.get('importance') ?? ''),
  },
  { name: 'no headers at all', weight: 1, holds: ({ headers }) => headers.length === 0 },
];

/** The headers specialist. */
export function headersSpecialist(): Specialist<undefined, HeadersSettings> {
  return {
    id: 'headers',
    settings: { bias: -0.5, emphasis: 1 },
    fresh: () => undefined,
    opinion: (_, mail, settings) => headersOpinion(mail, settings),
  };
}

function headersOpinion(mail: ParsedMail, { bias, emphasis }: HeadersSettings): Opinion {
  const headers = headerMap(mail);
  const clues = SIGNALS.filter(({ holds }) => holds(mail, headers)).map(({ name, weight }) => ({
    name,
    weight: weight * emphasis,
  }));
  const sum = clues.reduce((total, { weight }) => total + weight, bias);
  return {
    probability: probabilityOf(sum),
    reasons: clues.length === 0 ? ['no signal in the headers'] : reasonsOf(clues),
  };
}

function headerMap({ headers }: ParsedMail): HeaderMap {
  const first = new Map<string, string>();
  for (const [name, value] of headers) if (!first.has(name)) first.set(name, value);
  return first;
}

function repliesElsewhere({ from }: ParsedMail, headers: HeaderMap): boolean {
  const reply = headers.get('reply-to');
  if (reply === undefined || headers.has('list-id')) return false;
  const domain = domainOf(from);
  return domain !== '' && domainOf(reply) !== '' && domainOf(reply) !== domain;
}

/** The domain of the last address in a header, in lower case; '' when there is none. */
function domainOf(addresses: string): string {
  return (/@([\w.-]+)[^@]*$/.exec(addresses)?.[1] ?? '').toLowerCase();
}
