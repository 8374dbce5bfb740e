import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Label } from '../mail-entry.ts';
import { parseMail, type ParsedMail } from '../mail.ts';
import { headersSpecialist } from './headers.ts';
import { linkFacts, linksSpecialist } from './links.ts';
import type { Learner } from './opinion.ts';
import { styleFeatures, styleSpecialist } from './style.ts';
import { wordsOf, wordsSpecialist } from './words.ts';

const HAM = [
  'Subject: Re: build\nIn-Reply-To: <1@x>\nUser-Agent: Mutt\nFrom: Ann <ann@dev.example>\nTo: b@b.example\nDate: Thu, 22 Aug 2002 12:00:00 +0000\nMessage-Id: <2@x>\n\n> does it build?\nyes, the patch applies. see http://dev.example/patch',
  'Subject: meeting\nFrom: Bob <bob@dev.example>\nTo: b@b.example\nDate: Thu, 22 Aug 2002 12:00:00 +0000\nMessage-Id: <3@x>\n\nshall we meet on monday about the kernel patch?',
];
const SPAM = [
  'Subject: FREE MONEY!!!\nFrom: x9981@y.example\nReply-To: z@other.example\nContent-Type: text/html\n\n<h1>WIN $$$ NOW!!!</h1><a href="http://10.0.0.1:8080/%41?a=1">http://bank.example</a><img src=a>',
  'Subject: 100% GUARANTEED\nFrom: a1234@y.example\nContent-Type: text/html\n\n<b>FREE offer!!! click <a href="http://10.0.0.2/r?u=2">here</a> to unsubscribe</b>',
];

async function parsed(raw: string): Promise<ParsedMail> {
  return parseMail({ id: 'a', group: 'g', raw });
}

async function lessons(): Promise<(readonly [ParsedMail, Label])[]> {
  const ham = await Promise.all(HAM.map(async (raw) => [await parsed(raw), 'ham'] as const));
  const spam = await Promise.all(SPAM.map(async (raw) => [await parsed(raw), 'spam'] as const));
  return [...ham, ...spam, ...ham, ...spam, ...ham, ...spam];
}

/** The behaviour that every learner must show. */
function conform<S, T>(make: () => Learner<S, T>): void {
  const { id, settings, fresh, opinion, learn } = make();
  const taught = async (told: readonly (readonly [ParsedMail, Label])[]) =>
    told.reduce((state, [mail, label]) => learn(state, mail, label, settings), fresh());

  describe(`the ${id} specialist`, () => {
    it('abstains with 0.5 before it has had feedback of both kinds', async () => {
      const mail = await parsed(SPAM[0]!);
      const nothing = { probability: 0.5, reasons: ['no feedback yet'], abstains: true };
      expect(opinion(fresh(), mail, settings)).toEqual(nothing);
      expect(opinion(learn(fresh(), mail, 'spam', settings), mail, settings)).toEqual(nothing);
    });

    it('tells ham from spam after feedback and gives reasons', async () => {
      const state = await taught(await lessons());
      for (const [mail, label] of await lessons()) {
        const { probability, reasons } = opinion(state, mail, settings);
        expect(probability > 0.5 ? 'spam' : 'ham').toBe(label);
        expect(reasons.length).toBeGreaterThan(0);
      }
    });

    it('comes to the same opinion from the same feedback', async () => {
      const mail = await parsed(SPAM[1]!);
      const told = await lessons();
      expect(opinion(await taught(told), mail, settings)).toEqual(
        opinion(await taught(told), mail, settings),
      );
    });

    it('does not change its mind by being asked', async () => {
      const state = await taught(await lessons());
      const mail = await parsed(HAM[0]!);
      expect(opinion(state, mail, settings)).toEqual(opinion(state, mail, settings));
    });

    test.prop([
      fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.constantFrom<Label>('ham', 'spam')), {
        maxLength: 6,
      }),
      fc.string({ unit: 'binary' }),
    ])('answers between 0 and 1 whatever it was taught', async (told, asked) => {
      const state = await taught(
        await Promise.all(told.map(async ([raw, label]) => [await parsed(raw), label] as const)),
      );
      const { probability } = opinion(state, await parsed(asked), settings);
      expect(probability >= 0 && probability <= 1).toBe(true);
    });
  });
}

conform(wordsSpecialist);
conform(linksSpecialist);
conform(styleSpecialist);

describe('words', () => {
  it('marks the words of the subject and counts each word once', async () => {
    expect(wordsOf(await parsed('Subject: Buy now\n\nbuy buy it NOW'))).toEqual(
      new Set(['buy', 'now', 'subject:buy', 'subject:now']),
    );
  });

  it('abstains when it knows no word of the mail', async () => {
    const { fresh, learn, opinion, settings } = wordsSpecialist();
    const state = learn(
      learn(fresh(), await parsed(HAM[0]!), 'ham', settings),
      await parsed(SPAM[0]!),
      'spam',
      settings,
    );
    expect(opinion(state, await parsed('\nqwxyz'), settings)).toMatchObject({
      probability: 0.5,
      abstains: true,
    });
  });
});

describe('headers', () => {
  const { fresh, opinion, settings } = headersSpecialist();

  it('needs no feedback', async () => {
    expect(opinion(fresh(), await parsed(HAM[0]!), settings).probability).toBeLessThan(0.2);
    expect(opinion(fresh(), await parsed(SPAM[0]!), settings).probability).toBeGreaterThan(0.9);
  });

  it('does not look at the marks of other filters', async () => {
    const marked = await parsed(`X-Spam-Status: Yes\nX-Spam-Flag: YES\n${HAM[0]!}`);
    expect(opinion(fresh(), marked, settings)).toEqual(opinion(fresh(), await parsed(HAM[0]!), settings));
  });

  it('speaks more quietly with less emphasis', async () => {
    const mail = await parsed(SPAM[0]!);
    expect(opinion(fresh(), mail, { ...settings, emphasis: 0.5 }).probability).toBeLessThan(
      opinion(fresh(), mail, settings).probability,
    );
  });

  test.prop([fc.string({ unit: 'binary' })])('answers between 0 and 1 for anything', async (raw) => {
    const { probability, reasons } = opinion(fresh(), await parsed(raw), settings);
    expect(probability > 0 && probability < 1).toBe(true);
    expect(reasons.length).toBeGreaterThan(0);
  });
});

describe('linkFacts', () => {
  async function holding(raw: string): Promise<string[]> {
    return linkFacts(await parsed(raw))
      .filter(({ amount }) => amount > 0)
      .map(({ name }) => name);
  }

  it('sees what is wrong with a link', async () => {
    expect(await holding(SPAM[0]!)).toEqual(
      expect.arrayContaining([
        'host is a number',
        'unusual port',
        'hidden characters in a link',
        'shows another host than it leads to',
        'images',
        'HTML only',
      ]),
    );
  });

  it('takes a link to the site of the sender for one', async () => {
    expect(await holding(HAM[0]!)).toEqual([
      'always',
      'many links',
      'many hosts',
      'only one host',
      'leads to the site of the sender',
    ]);
    expect(await holding(HAM[1]!)).toEqual(['always', 'no link']);
  });

  it('survives links that are none', async () => {
    expect(
      await holding('Content-Type: text/html\n\n<a href="http://[">x</a><a href="http://%%%">y</a>'),
    ).toContain('no link');
  });
});

describe('styleFeatures', () => {
  it('sees no difference between numbers, and one between shouting and talking', async () => {
    const features = async (text: string) => styleFeatures(await parsed(`From: a@b.c\n\n${text}`), 3_000);
    expect(await features('call 123 now')).toEqual(await features('call 987 now'));
    expect((await features('CALL US NOW')).values).not.toEqual((await features('call us now')).values);
  });

  it('numbers every feature within the table and scales it to at most 1', async () => {
    for (const raw of [...HAM, ...SPAM, '']) {
      const { indexes, values } = styleFeatures(await parsed(raw), 3_000);
      expect(indexes).toHaveLength(values.length);
      expect(Math.max(...indexes)).toBeLessThan(styleSpecialist().fresh().weights.length);
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1);
    }
  });
});
