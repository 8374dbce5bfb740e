import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { isMboxSeparator, splitMbox } from './mbox.ts';

const SEPARATOR = 'From ann@example.org Thu Aug 22 12:36:23 2002';

function mailsOf(text: string): string[] {
  return splitMbox(Buffer.from(text)).map((mail) => Buffer.from(mail).toString());
}

/** Writes mails the way a mail program does. */
function writeMbox(mails: readonly string[]): string {
  return mails.map((mail) => `${SEPARATOR}\n${mail.replace(/^(>*From )/gm, '>$1')}\n\n`).join('');
}

describe('splitMbox', () => {
  it('separates mails and drops the separator lines', () => {
    expect(mailsOf(`${SEPARATOR}\nA: 1\n\none\n\n${SEPARATOR}\nA: 2\n\ntwo\n`)).toEqual([
      'A: 1\n\none\n',
      'A: 2\n\ntwo\n',
    ]);
  });

  it('takes one > away from quoted lines and none from others', () => {
    expect(mailsOf(`${SEPARATOR}\n\n>From here\n>>From there\n> From me\n`)).toEqual([
      '\nFrom here\n>From there\n> From me\n',
    ]);
  });

  it('does not split at a line that only begins with From', () => {
    expect(mailsOf(`${SEPARATOR}\n\nhello\n\nFrom then on it was quiet\n`)).toHaveLength(1);
    expect(mailsOf(`${SEPARATOR}\n\nhello\n${SEPARATOR}\n`)).toHaveLength(1);
  });

  it('reads CRLF files', () => {
    expect(mailsOf(`${SEPARATOR}\r\nA: 1\r\n\r\none\r\n\r\n${SEPARATOR}\r\nA: 2\r\n\r\n`)).toHaveLength(2);
  });

  it('finds nothing in a file that does not begin with a separator', () => {
    expect(mailsOf('Subject: hello\n\nbody')).toEqual([]);
    expect(mailsOf('')).toEqual([]);
  });

  it('keeps bytes that are not UTF-8', () => {
    const body = Buffer.from([0x41, 0x3a, 0x0a, 0x0a, 0xe9, 0xff, 0x80, 0x0a]);
    expect(splitMbox(Buffer.concat([Buffer.from(`${SEPARATOR}\n`), body, Buffer.from('\n')]))[0]).toEqual(
      body,
    );
  });

  const line = fc.oneof(
    fc.constantFrom('', 'From ', '>From x', SEPARATOR, `>${SEPARATOR}`, 'text'),
    fc.string(),
  );
  const mail = fc
    .array(line, { minLength: 1 })
    .map((lines) => ['X: y', '', ...lines.map((text) => text.replace(/[\r\n]/g, '')), 'end'].join('\n'));

  test.prop([fc.array(mail)])('gives back what was written, whatever stands in the mails', (mails) => {
    expect(mailsOf(writeMbox(mails))).toEqual(mails.map((text) => `${text}\n`));
  });
});

describe('isMboxSeparator', () => {
  it.each([
    SEPARATOR,
    'From - Thu Aug 22 12:36:23 2002',
    'From 1@xxx Thu Aug 22 12:36:23 +0000 2002',
    'From exmh-workers-admin@redhat.com  Thu Aug  2 12:36 2002',
  ])('takes %j', (text) => {
    expect(isMboxSeparator(text)).toBe(true);
  });

  it.each([
    'From: ann@example.org',
    'From me to you',
    '>From a Thu Aug 22 12:36:23 2002',
    ' From a Thu Aug 22 12:36:23 2002',
  ])('refuses %j', (text) => {
    expect(isMboxSeparator(text)).toBe(false);
  });
});
