import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { parseMail } from './mail.ts';

function parse(raw: string | Uint8Array) {
  return parseMail({ id: 'a', group: 'g', raw });
}

function lines(...text: readonly string[]): string {
  return text.join('\r\n');
}

const PLAIN = lines(
  'From: Ann <ann@a.example>',
  'To: Bob <bob@b.example>, c@c.example',
  'Subject: =?utf-8?q?Caf=C3=A9?=',
  'Date: Thu, 22 Aug 2002 12:36:23 +0200',
  'X-Two: 1',
  'X-Two:  folded',
  '  value',
  '',
  'See http://a.example/x or www.b.example',
);

const HTML = lines(
  'From: a@a.example',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Dear <b>friend</b></p><a href="http://x.example">click</a><img src=y>',
);

describe('parseMail', () => {
  it('takes a plain mail apart', async () => {
    const mail = await parse(PLAIN);
    expect(mail).toMatchObject({
      id: 'a',
      subject: 'Café',
      from: 'Ann <ann@a.example>',
      to: ['Bob <bob@b.example>', 'c@c.example'],
      date: '2002-08-22T10:36:23.000Z',
      text: 'See http://a.example/x or www.b.example',
      html: 'none',
      size: Buffer.byteLength(PLAIN),
      attachments: 0,
      defects: [],
    });
    expect(mail.headers.filter(([name]) => name === 'x-two')).toEqual([
      ['x-two', '1'],
      ['x-two', 'folded value'],
    ]);
    expect(mail.links).toEqual([
      { href: 'http://a.example/x', text: 'http://a.example/x' },
      { href: 'www.b.example', text: 'www.b.example' },
    ]);
  });

  it('turns HTML into text when there is no plain part', async () => {
    const mail = await parse(HTML);
    expect(mail).toMatchObject({
      text: 'Dear friend\nclick',
      html: 'only',
      links: [{ href: 'http://x.example', text: 'click' }],
    });
    expect(mail.htmlFacts).toMatchObject({ images: 1, tags: 4 });
  });

  it('prefers the plain part to the HTML beside it and counts attachments', async () => {
    const mail = await parse(
      lines(
        'From: a@a.example',
        'Content-Type: multipart/mixed; boundary=M',
        '',
        '--M',
        'Content-Type: multipart/alternative; boundary=A',
        '',
        '--A',
        'Content-Type: text/plain',
        '',
        'plain',
        '--A',
        'Content-Type: text/html',
        '',
        '<a href="http://h.example">rich</a>',
        '--A--',
        '--M',
        'Content-Type: application/octet-stream',
        'Content-Disposition: attachment; filename=f',
        '',
        'xyz',
        '--M--',
      ),
    );
    expect(mail).toMatchObject({
      text: 'plain',
      html: 'beside',
      attachments: 1,
      links: [{ href: 'http://h.example', text: 'rich' }],
    });
  });

  it('does not take the line of the mailbox for a header', async () => {
    const mail = await parse(`From ann@a.example  Thu Aug 22 12:36:23 2002\n${PLAIN}`);
    expect(mail.headers[0]).toEqual(['from', 'Ann <ann@a.example>']);
  });

  it.each([
    ['empty input', '', ['empty', 'no-headers', 'no-sender', 'no-text']],
    ['a text without headers', '\nhello', ['no-headers', 'no-sender']],
    ['a date that is none', 'From: a@b.c\nDate: tomorrow\n\nx', ['bad-date']],
    [
      'a multipart that never ends',
      'From: a@b.c\nContent-Type: multipart/mixed; boundary=x\n\n--x\n',
      ['no-text'],
    ],
  ])('notes the defects of %s', async (_, raw, defects) => {
    expect((await parse(raw)).defects).toEqual(defects);
  });

  it('notes that a mail is binary, and cuts what is long', async () => {
    expect(
      (await parse(Uint8Array.from({ length: 4_000 }, (_, at) => (at * 7_919) % 256))).defects,
    ).toContain('binary');
    const long = await parse(`From: a@b.c\n\n${'word '.repeat(5_000)}${'http://a.example/x '.repeat(10)}`);
    expect(long.text).toHaveLength(8_000);
    expect(long.defects).toContain('text-cut');
  });

  it('survives giant headers and says whether it cut them or gave up', async () => {
    const wide = await parse(`From: a@b.c\nX-Wide: ${'x'.repeat(100_000)}\n\nbody`);
    expect(wide).toMatchObject({ text: 'body', defects: ['headers-cut'] });
    const huge = await parse(`From: a@b.c\n${'X-Many: y\n'.repeat(80_000)}\nbody`);
    expect(huge.defects).toContain('unparsable');
    expect(JSON.stringify(huge).length).toBeLessThan(200_000);
  });

  it('survives nesting without end', async () => {
    const nested = Array.from(
      { length: 100 },
      (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`,
    ).join('');
    expect((await parse(`From: a@b.c\n${nested}`)).defects).toContain('unparsable');
  });

  const piece = fc.constantFrom(
    'From: a@b.c\n',
    'Subject: =?utf-8?b?////?=\n',
    'Date: Thu, 99 Foo\n',
    'Content-Type: text/html\n',
    'Content-Type: multipart/mixed; boundary=x\n',
    'Content-Transfer-Encoding: base64\n',
    'Content-Type: text/plain; charset=nonsense\n',
    'To: a: b, c;, <<>>\n',
    '\n',
    '--x\n',
    '--x--\n',
    '<a href=',
    '\u0000',
    ': :\n',
  );
  const raw = fc.oneof(
    fc.uint8Array({ maxLength: 500 }),
    fc.array(fc.oneof(piece, fc.string())).map((pieces) => pieces.join('')),
  );

  test.prop([raw])('never throws, is plain JSON, and keeps its bounds', async (bytes) => {
    const mail = await parse(bytes);
    expect(JSON.parse(JSON.stringify(mail))).toEqual(mail);
    expect(mail.text.length).toBeLessThanOrEqual(8_000);
    expect(mail.size).toBe(Buffer.from(bytes).length);
  });
});
