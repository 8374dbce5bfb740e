import { canonicalText, createIdentity, digestOf } from '@mabeam/bus';
import { seededRandom } from '@mabeam/testing';
import { describe, expect, it } from 'vitest';
import { certify, verifyCertificate, type Certificate } from './certificate.ts';
import { paperDigest, writePaper, type Choice } from './paper.ts';
import { signVote } from './vote.ts';

const names = ['ada', 'bob', 'cyd'];
const identities = new Map(names.map((party) => [party, createIdentity()]));
const identityOf = (party: string): ReturnType<typeof createIdentity> =>
  identities.get(party) ?? createIdentity();
const keys = Object.fromEntries(names.map((party) => [party, identityOf(party).publicKey]));

function certificateOf(choices: readonly Choice[], { pinned = false } = {}): Certificate {
  const electorate = names.map((party) => ({ party, ...(pinned ? { key: keys[party] } : {}) }));
  const alternatives = [{ threshold: 0.7, note: 'so – said' }, { threshold: 0.5 }];
  const paper = writePaper({
    space: 'orders',
    round: 'r1',
    algorithm: 'simple-majority',
    electorate,
    alternatives,
  });
  const votes = choices.map((choice, i) =>
    signVote(identityOf(names[i] ?? ''), paperDigest(paper), names[i] ?? '', choice),
  );
  return certify(paper, { kind: 'accepted', accepted: 0 }, { votes, durationMs: 12.3 });
}

/** With a new hash, as a forger would. */
function rehashed(certificate: Certificate): Certificate {
  return { ...certificate, hash: digestOf({ ...certificate, hash: undefined }) };
}

const problemOf = (certificate: unknown): string => {
  const verified = verifyCertificate(certificate, { keys });
  return verified.kind === 'valid' ? 'none' : verified.problem;
};

describe('a certificate', () => {
  it('is verified by a third party from its text alone', () => {
    const text = JSON.stringify(certificateOf([0, 0, 1]));
    expect(verifyCertificate(JSON.parse(text)).kind).toBe('valid');
    expect(problemOf(JSON.parse(text))).toBe('none');
  });

  it('does not survive any of 500 random single-bit edits', () => {
    const bytes = Buffer.from(canonicalText(certificateOf([0, 0, 1], { pinned: true })));
    const random = seededRandom(11);
    const survivors: number[] = [];
    for (let i = 0; i < 500; i++) {
      const bit = Math.floor(random() * bytes.length * 8);
      const edited = Buffer.from(bytes);
      edited[bit >> 3] = (edited[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (isStillValid(edited)) survivors.push(bit);
    }
    expect(isStillValid(bytes)).toBe(true);
    expect(survivors).toEqual([]);
  }, 60_000);

  it('does not survive an edit whose author writes the hash anew', () => {
    const good = certificateOf([0, 0, 1]);
    const [first, second, third] = good.votes;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three votes');
    const { paper } = good;
    const forged: readonly (readonly [string, Certificate])[] = [
      [
        'another value',
        { ...good, paper: { ...paper, alternatives: ['mine', ...paper.alternatives.slice(1)] } },
      ],
      ['a smaller electorate', { ...good, paper: { ...paper, electorate: paper.electorate.slice(0, 2) } }],
      ['another round', { ...good, paper: { ...paper, round: 'r2' } }],
      ['another space', { ...good, paper: { ...paper, space: 'other' } }],
      ['a kinder rule', { ...good, paper: { ...paper, algorithm: 'weighted-voting', threshold: 0.1 } }],
      ['another decision', { ...good, decision: { kind: 'accepted', accepted: 1 } }],
      ['a rejection', { ...good, decision: { kind: 'rejected' } }],
      ['too few votes', { ...good, votes: [first, third] }],
      ['a vote twice', { ...good, votes: [first, { ...first, party: 'bob' }, third] }],
      ['one voter twice', { ...good, votes: [first, first, third] }],
      ['a vote turned', { ...good, votes: [first, second, { ...third, accepts: 0 }] }],
    ];
    for (const [what, certificate] of forged) expect(problemOf(rehashed(certificate)), what).not.toBe('none');
  });

  it('does not call a majority what its asker has weighed', () => {
    const { paper } = certificateOf([0, 0, 1], { pinned: true });
    const alone = (forged: Certificate['paper']): string => {
      const digest = paperDigest(forged);
      const votes = [signVote(identityOf('ada'), digest, 'ada', 0)];
      return problemOf(certify(forged, { kind: 'accepted', accepted: 0 }, { votes, durationMs: 1 }));
    };
    const heavy = paper.electorate.map((voter, i) => (i === 0 ? { ...voter, weight: 1e12 } : voter));
    for (const algorithm of ['simple-majority', 'unanimous'])
      expect(alone({ ...paper, algorithm, electorate: heavy }), algorithm).not.toBe('none');
    expect(alone({ ...paper, threshold: 0.1, alternatives: ['a'] })).not.toBe('none');
    // A weighted vote says so.
    expect(alone({ ...paper, algorithm: 'weighted-voting', electorate: heavy })).toBe('none');
  });

  it('does not reject without a vote, whatever the weights', () => {
    const { paper } = certificateOf([0, 0, 1]);
    const electorate = paper.electorate.map((voter) => ({ ...voter, weight: Number.MAX_VALUE }));
    const weighted = { ...paper, algorithm: 'weighted-voting', electorate };
    expect(problemOf(certify(weighted, { kind: 'rejected' }, { votes: [], durationMs: 1 }))).not.toBe('none');
    const near = { ...paper, algorithm: 'weighted-voting', threshold: 1 - 1e-10 };
    expect(problemOf(certify(near, { kind: 'rejected' }, { votes: [], durationMs: 1 }))).not.toBe('none');
  });

  it('has no party that only looks like one it knows', () => {
    const { paper } = certificateOf([0]);
    // The first letter is the Cyrillic one.
    const electorate = [{ party: '\u0430da', weight: 1 }];
    const forged = { ...paper, electorate };
    const votes = [signVote(createIdentity(), paperDigest(forged), '\u0430da', 0)];
    const certificate = certify(forged, { kind: 'accepted', accepted: 0 }, { votes, durationMs: 1 });
    expect(problemOf(certificate)).not.toBe('none');
  });

  it('does not carry votes of keys that the verifier knows to be of others', () => {
    const good = certificateOf([0, 0, 1]);
    const signed = signVote(createIdentity(), paperDigest(good.paper), 'ada', 0);
    const forged = rehashed({ ...good, votes: [signed, ...good.votes.slice(1)] });
    expect(problemOf(forged)).toContain('ada');
    expect(verifyCertificate(forged).kind).toBe('valid');
  });

  it('does not carry votes of other keys than its electorate names', () => {
    const good = certificateOf([0, 0, 1], { pinned: true });
    const signed = signVote(createIdentity(), paperDigest(good.paper), 'ada', 0);
    expect(verifyCertificate(rehashed({ ...good, votes: [signed, ...good.votes.slice(1)] })).kind).toBe(
      'invalid',
    );
  });

  it.each([[undefined], [null], [7], ['text'], [{}], [{ v: 1, paper: {} }], [[]]])('is not %s', (thing) => {
    expect(verifyCertificate(thing).kind).toBe('invalid');
  });
});

function isStillValid(bytes: Buffer): boolean {
  try {
    const read: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return verifyCertificate(read, { keys }).kind === 'valid';
  } catch {
    return false;
  }
}
