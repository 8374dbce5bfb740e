import { canonicalBytes, createIdentity, digestOf } from '@mabeam/bus';
import { seededRandom } from '@mabeam/testing';
import { describe, expect, it } from 'vitest';
import { startOfLog } from './entry.ts';
import {
  certifyEntry,
  enoughOf,
  isReceiptFor,
  signReceipt,
  verifyLogCertificate,
  type LogCertificate,
  type Receipt,
  type ReceiptShare,
  type ReceiptSubject,
} from './receipt.ts';

const names = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fox'];
const identities = new Map(names.map((party) => [party, createIdentity()]));
const electorate = names.map((party) => ({ party, key: identityOf(party).publicKey }));
const body = { kind: 'entry', value: 'a' };
const before = startOfLog('mail', 'l').chain;

function identityOf(party: string) {
  return identities.get(party) ?? createIdentity();
}

function subjectOf(share: ReceiptShare, digest = digestOf(body)): ReceiptSubject {
  return { space: 'mail', log: 'l', electorate, share, entry: { index: 1, before, digest } };
}

function certificateOf(share: ReceiptShare, signers: readonly string[]): LogCertificate {
  const receipts = signers.map((party) => signReceipt(identityOf(party), party, subjectOf(share)));
  return certifyEntry({ ...subjectOf(share), entry: { index: 1, before, body } }, receipts);
}

const kindOf = (certificate: unknown, keys?: Readonly<Record<string, string>>): string =>
  verifyLogCertificate(certificate, keys === undefined ? {} : { keys }).kind;

describe('receipts', () => {
  it('are enough when more than half, or at least two thirds, have signed', () => {
    const counts = [1, 2, 3, 4, 5, 6, 7].map((n) => Array.from({ length: n }));
    expect(counts.map((all) => enoughOf(all, 'majority'))).toEqual([1, 2, 2, 3, 3, 4, 4]);
    expect(counts.map((all) => enoughOf(all, 'two-thirds'))).toEqual([1, 2, 2, 3, 4, 4, 5]);
  });

  it.each([
    ['majority', 4],
    ['two-thirds', 4],
  ] as const)('of a %s make a certificate, and one fewer do not', (share, enough) => {
    expect(kindOf(certificateOf(share, names.slice(0, enough)))).toBe('valid');
    expect(kindOf(certificateOf(share, names.slice(0, enough - 1)))).toBe('invalid');
  });

  it('count once a member, only of members, and only for their entry', () => {
    const subject = subjectOf('majority');
    const own = signReceipt(identityOf('ada'), 'ada', subject);
    expect(isReceiptFor(subject, own)).toBe(true);
    expect(isReceiptFor(subject, { ...own, party: 'bob' })).toBe(false);
    expect(isReceiptFor(subject, { ...own, party: 'gus' })).toBe(false);
    expect(isReceiptFor(subjectOf('two-thirds'), own)).toBe(false);
    expect(isReceiptFor(subjectOf('majority', digestOf('b')), own)).toBe(false);
    const good = certificateOf('majority', names);
    const twice: readonly Receipt[] = Array.from({ length: 6 }, () => own);
    expect(kindOf({ ...good, receipts: twice })).toBe('invalid');
    expect(kindOf({ ...good, receipts: good.receipts.toReversed() })).toBe('invalid');
  });

  it('are worth nothing for another place, entry, log or electorate', () => {
    const good = certificateOf('majority', names);
    expect(kindOf({ ...good, index: 2 })).toBe('invalid');
    expect(kindOf({ ...good, before: digestOf('other') })).toBe('invalid');
    expect(kindOf({ ...good, entry: { ...body, value: 'b' } })).toBe('invalid');
    expect(kindOf({ ...good, log: 'm' })).toBe('invalid');
    expect(kindOf({ ...good, space: 'post' })).toBe('invalid');
    expect(kindOf({ ...good, share: 'two-thirds' })).toBe('invalid');
    const smaller = { ...good, electorate: electorate.slice(0, 3), receipts: good.receipts.slice(0, 3) };
    expect(kindOf(smaller)).toBe('invalid');
  });

  it('are by the keys that the verifier knows, and no two members have one key', () => {
    const good = certificateOf('majority', names);
    expect(kindOf(good, { ada: identityOf('ada').publicKey, gus: 'U' })).toBe('valid');
    expect(kindOf(good, { ada: identityOf('bob').publicKey })).toBe('invalid');
    const [ada] = electorate;
    const shared = electorate.map((one) => (one.party === 'bob' ? { ...one, key: ada?.key ?? '' } : one));
    const subject = { ...subjectOf('majority'), electorate: shared };
    const receipts = names.map((party) =>
      signReceipt(identityOf(party === 'bob' ? 'ada' : party), party, subject),
    );
    expect(kindOf(certifyEntry({ ...subject, entry: { index: 1, before, body } }, receipts))).toBe('invalid');
  });

  it('bear no single-bit edit, whether their certificate comes as text or as a value', () => {
    const bytes = canonicalBytes(certificateOf('two-thirds', names.slice(1, 5)));
    expect(kindOf(bytes)).toBe('valid');
    const random = seededRandom(24);
    const places = Array.from({ length: 500 }, () => Math.floor(random() * bytes.length * 8));
    const missed = places.filter((bit) => {
      const edited = Uint8Array.from(bytes);
      edited[bit >> 3] = (edited[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return kindOf(edited) === 'valid' || kindOf(valueOf(edited)) === 'valid';
    });
    expect(missed).toEqual([]);
  });

  it('throw nothing, whatever is handed in', () => {
    for (const junk of [
      undefined,
      null,
      1,
      'x',
      [],
      {},
      { ...certificateOf('majority', names), entry: '\ud800' },
    ])
      expect(kindOf(junk)).toBe('invalid');
  });
});

function valueOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
