import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { decodeEntities } from './entities.ts';
import { readHtml } from './html-text.ts';

describe('readHtml', () => {
  it.each([
    ['one<br>two<p>three</p>four', 'one\ntwo\nthree\nfour'],
    ['V<b>ia</b>gr<i></i>a', 'Viagra'],
    ['a<!-- hidden -->b<!-- open', 'ab'],
    ['<style>p {}</style>x<script>if (a<b) {}</script>y<title>t</title>', 'xy'],
    ['1 < 2 &amp; 3 &gt; 2', '1 < 2 & 3 > 2'],
    ['<!DOCTYPE html><?xml?>text', 'text'],
    ['  a \n\n b\t c ', 'a\nb c'],
    ['<p unfinished', ''],
  ])('turns %j into %j', (html, text) => {
    expect(readHtml(html).text).toBe(text);
  });

  it('reads links with the text that is seen for them', () => {
    const { links } = readHtml(
      `<a href="http://a.example/?x=1&amp;y=2">click <b>here</b></a> <A HREF='mailto:b@c'>us</A><a name=x>no</a><a href=/z>open`,
    );
    expect(links).toEqual([
      { href: 'http://a.example/?x=1&y=2', text: 'click here' },
      { href: 'mailto:b@c', text: 'us' },
      { href: '/z', text: 'open' },
    ]);
  });

  it('counts what a filter wants to know', () => {
    const { facts } = readHtml('<img src=x><IMG><form></form><script></script><!-- c -->');
    expect(facts).toEqual({ tags: 4, images: 2, forms: 1, scripts: 1, comments: 1 });
  });

  it('needs no more than linear time for markup that never ends', () => {
    const startedAt = performance.now();
    for (const piece of ['<', '<a ', '<a href=', '<!--', '<script>', '&', '<a href="', '</'])
      readHtml(piece.repeat(50_000));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  const piece = fc.oneof(
    fc.constantFrom('<', '>', '<a href="', '</a>', '<!--', '-->', '<script', '&#', ';', '&amp', '<br', '\n'),
    fc.string({ unit: 'binary' }),
  );
  test.prop([fc.array(piece).map((pieces) => pieces.join(''))])(
    'never fails and never makes a text longer than its source',
    (html) => {
      expect(readHtml(html).text.length).toBeLessThanOrEqual(html.length);
    },
  );
});

describe('decodeEntities', () => {
  it.each([
    ['&lt;&#65;&#x42;&nbsp;&copy;', '<AB ©'],
    ['&unknown; & &;', '&unknown; & &;'],
    ['&#0;&#xD800;&#9999999;', '\uFFFD\uFFFD\uFFFD'],
    ['&amp;lt;', '&lt;'],
  ])('turns %j into %j', (text, decoded) => {
    expect(decodeEntities(text)).toBe(decoded);
  });
});
