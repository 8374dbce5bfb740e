import { fc, test } from '@fast-check/vitest';
import { isToken } from '@mabeam/bus';
import { describe, expect, it } from 'vitest';
import { mailIdOf } from './mail-id.ts';

describe('mailIdOf', () => {
  it('keeps a name that is a token', () => {
    expect(mailIdOf('easy-ham-1-00001')).toBe('easy-ham-1-00001');
  });

  it('keeps the readable part of any other name', () => {
    expect(mailIdOf('Offer (final).2')).toMatch(/^offer-final-2-[0-9a-f]{8}$/);
    expect(mailIdOf('')).toMatch(/^mail-[0-9a-f]{8}$/);
  });

  it('keeps names apart that look alike', () => {
    expect(mailIdOf('a b')).not.toBe(mailIdOf('a.b'));
  });

  test.prop([fc.string({ unit: 'binary', maxLength: 200 })])('makes a token of every name', (name) => {
    expect(isToken(mailIdOf(name))).toBe(true);
  });
});
