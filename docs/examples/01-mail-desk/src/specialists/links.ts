/**
 * Links: online logistic regression on a few facts about where a mail wants to lead its reader. It never looks at the words around
 * them. A mail without links is a fact too.
 */
import type { Label } from '../mail-entry.ts';
import type { ParsedMail } from '../mail.ts';
import { noFeedbackYet, probabilityOf, reasonsOf, type Learner, type Opinion } from './opinion.ts';
import {
  freshRegression,
  isTrained,
  learnFeatures,
  scoreFeatures,
  type Features,
  type Regression,
  type RegressionSettings,
} from './regression.ts';

/** A fact: its name and how much of it a mail has, from 0 to about 1. */
interface Fact {
  readonly name: string;
  readonly amount: number;
}

/** A link that leads to a host. */
interface Target {
  readonly url: URL;
  readonly text: string;
}

/** The links specialist. */
export function linksSpecialist(): Learner<Regression, RegressionSettings> {
  return {
    id: 'links',
    settings: { rate: 0.5 },
    fresh: () => freshRegression(linkFacts(NO_LINKS).length),
    opinion: linksOpinion,
    learn: learnLinks,
  };
}

type LinkedMail = Pick<ParsedMail, 'links' | 'from' | 'html' | 'htmlFacts'>;

const NO_LINKS: LinkedMail = {
  links: [],
  from: '',
  html: 'none',
  htmlFacts: { tags: 0, images: 0, forms: 0, scripts: 0, comments: 0 },
};

/** The facts about the links of a mail, always the same ones in the same order. */
export function linkFacts(mail: LinkedMail): Fact[] {
  const targets = mail.links.flatMap(({ href, text }) => targetOf(href, text));
  const hosts = new Set(targets.map(({ url }) => url.hostname));
  const sender = siteOf(mail.from.split('@').at(-1) ?? '');
  const share = (holds: (target: Target) => boolean) =>
    targets.length === 0 ? 0 : targets.filter(holds).length / targets.length;
  const some = (holds: (target: Target) => boolean) => (targets.some(holds) ? 1 : 0);
  return [
    { name: 'always', amount: 1 },
    { name: 'no link', amount: targets.length === 0 ? 1 : 0 },
    { name: 'many links', amount: Math.log2(1 + targets.length) / 5 },
    { name: 'many hosts', amount: Math.log2(1 + hosts.size) / 3 },
    { name: 'only one host', amount: hosts.size === 1 ? 1 : 0 },
    { name: 'host is a number', amount: some(({ url }) => /^[\d.]+$/.test(url.hostname)) },
    { name: 'unusual port', amount: some(({ url }) => url.port !== '') },
    {
      name: 'hidden characters in a link',
      amount: some(({ url }) => /%[0-9a-f]{2}/i.test(url.pathname) || url.username !== ''),
    },
    { name: 'shows another host than it leads to', amount: some(showsAnotherHost) },
    { name: 'link with parameters', amount: share(({ url }) => url.search.length > 1) },
    { name: 'long links', amount: share(({ url }) => url.href.length > 80) },
    { name: 'leads to the site of the sender', amount: share(({ url }) => siteOf(url.hostname) === sender) },
    {
      name: 'offers to unsubscribe',
      amount: some(({ url, text }) => /remov|unsub|opt-?out/i.test(`${url.href} ${text}`)),
    },
    { name: 'asks to click', amount: some(({ text }) => /click|here|order|free/i.test(text)) },
    {
      name: 'mail link in HTML',
      amount: mail.html !== 'none' && mail.links.some(({ href }) => /^mailto:/i.test(href)) ? 1 : 0,
    },
    { name: 'HTML only', amount: mail.html === 'only' ? 1 : 0 },
    { name: 'images', amount: Math.min(1, Math.log2(1 + mail.htmlFacts.images) / 5) },
    { name: 'form', amount: mail.htmlFacts.forms > 0 ? 1 : 0 },
  ];
}

function linksOpinion(state: Regression, mail: ParsedMail): Opinion {
  if (!isTrained(state)) return noFeedbackYet();
  const facts = linkFacts(mail);
  const clues = facts.map(({ name, amount }, at) => ({ name, weight: amount * (state.weights[at] ?? 0) }));
  return {
    probability: probabilityOf(scoreFeatures(state, featuresOf(facts))),
    reasons: reasonsOf(clues.slice(1)),
  };
}

function learnLinks(
  state: Regression,
  mail: ParsedMail,
  label: Label,
  settings: RegressionSettings,
): Regression {
  return learnFeatures(state, featuresOf(linkFacts(mail)), label, settings);
}

function featuresOf(facts: readonly Fact[]): Features {
  return { indexes: facts.map((_, at) => at), values: facts.map(({ amount }) => amount) };
}

function targetOf(href: string, text: string): Target[] {
  const full = /^www\./i.test(href) ? `http://${href}` : href;
  if (!/^https?:/i.test(full) || !URL.canParse(full)) return [];
  return [{ url: new URL(full), text }];
}

function showsAnotherHost({ url, text }: Target): boolean {
  const shown = /^(?:https?:\/\/)?([\w-]+(?:\.[\w-]+)+)/i.exec(text)?.[1];
  return shown !== undefined && siteOf(shown.toLowerCase()) !== siteOf(url.hostname);
}

/** The last two labels of a host name: near enough to the registered domain for a clue. */
function siteOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '')
    .split('.')
    .slice(-2)
    .join('.');
}
