import { canonicalText, createIdentity, type Identity } from '@mabeam/bus';
import { seededRandom } from '@mabeam/testing';
import { describe, expect, it } from 'vitest';
import { digestOfEntries, holdEntry, signEntry, type HeldEntries, type UnsignedEntry } from './entry.ts';
import {
  certifyGossip,
  scopeOf,
  signSeal,
  verifyGossipCertificate,
  writeGossipPaper,
  type GossipCertificate,
  type GossipPaper,
} from './paper.ts';

const names = ['ada', 'bob', 'cyd'] as const;
const identities = { ada: createIdentity(), bob: createIdentity(), cyd: createIdentity() };
const electorate = names.map((party) => ({ party, key: identities[party].publicKey }));
const keys = Object.fromEntries(electorate.map(({ party, key }) => [party, key]));
const parts = {
  space: 's',
  round: 'r',
  everyMs: 50,
  fanout: 3,
  maxSkewMs: 100,
  electorate,
  proposal: { heat: 0.7 },
};
const paper = writeGossipPaper(parts);

function certificate({
  by = identities.bob,
  on = paper,
  sealing = ['ada', 'bob'],
}: {
  readonly by?: Identity;
  readonly on?: GossipPaper;
  readonly sealing?: readonly (keyof typeof identities)[];
} = {}): GossipCertificate {
  const unsigned: UnsignedEntry = { key: 'model', value: 'small – so said', at: 9, count: 0, party: 'bob' };
  const entry = signEntry(by, scopeOf(on), unsigned);
  const held: HeldEntries = new Map([['model', holdEntry(entry)]]);
  const digest = digestOfEntries(held);
  const seals = sealing.map((party) => signSeal(identities[party], { scope: scopeOf(on), party, digest }));
  return certifyGossip(on, held, seals);
}

const problemOf = (thing: unknown): string => {
  const verified = verifyGossipCertificate(thing, { keys });
  return verified.kind === 'valid' ? 'none' : verified.problem;
};

describe('a certificate of a gossip', () => {
  it('is verified from its text alone, and says what the proposal has become', () => {
    const verified = verifyGossipCertificate(JSON.parse(JSON.stringify(certificate())), { keys });
    expect(verified).toMatchObject({ kind: 'valid', value: { heat: 0.7, model: 'small – so said' } });
  });

  it('does not survive any of 500 random single-bit edits', () => {
    const bytes = Buffer.from(canonicalText(certificate()));
    const random = seededRandom(3);
    const isStillValid = (edited: Buffer): boolean => problemOf(edited) === 'none';
    expect(isStillValid(bytes)).toBe(true);
    const survivors = Array.from({ length: 500 }, () => Math.floor(random() * bytes.length * 8)).filter(
      (bit) => {
        const edited = Buffer.from(bytes);
        edited[bit >> 3] = (edited[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        return isStillValid(edited);
      },
    );
    expect(survivors).toEqual([]);
  });

  it('does not carry what its members did not say, all of them enough', () => {
    const good = certificate();
    const [first] = good.seals;
    if (first === undefined) throw new Error('two seals');
    const wrong: readonly (readonly [string, unknown])[] = [
      ['one seal of three', certificate({ sealing: ['cyd'] })],
      ['one seal twice', { ...good, seals: [first, first] }],
      ['a seal under another name', { ...good, seals: [first, { ...first, party: 'cyd' }] }],
      ['an entry that its party did not sign', certificate({ by: identities.ada })],
      ['an entry left out', { ...good, entries: [] }],
      ['another proposal', { ...good, paper: { ...paper, proposal: { heat: 0.8 } } }],
      ['another round', { ...good, paper: { ...paper, round: 'r2' } }],
      ['a smaller electorate', { ...good, paper: { ...paper, electorate: electorate.slice(0, 2) } }],
      [
        'seals of another round',
        { ...good, seals: certificate({ on: writeGossipPaper({ ...parts, round: 'q' }) }).seals },
      ],
      ['no certificate', undefined],
      ['nothing', {}],
    ];
    for (const [what, thing] of wrong) expect(problemOf(thing), what).not.toBe('none');
    expect(verifyGossipCertificate(good, { keys: { ada: createIdentity().publicKey } }).kind).toBe('invalid');
  });
});

it('the order in which members are named makes no other paper', () => {
  const turned = writeGossipPaper({ ...parts, electorate: electorate.toReversed() });
  expect(scopeOf(turned)).toBe(scopeOf(paper));
});

describe('a paper', () => {
  const [ada, bob, cyd] = electorate;
  if (ada === undefined || bob === undefined || cyd === undefined) throw new Error('three members');
  it.each([
    ['no-participants', { electorate: [] }],
    ['duplicate-participants', { electorate: [ada, bob, { ...cyd, party: 'ada' }] }],
    ['duplicate-participants', { electorate: [ada, bob, { ...cyd, key: bob.key }] }],
    ['invalid-proposal', { electorate: [{ ...ada, key: 'U' }] }],
    ['invalid-proposal', { proposal: { 'a b': 1 } }],
    ['invalid-proposal', { proposal: { a: Number.NaN } }],
    ['invalid-proposal', { fanout: 0 }],
    ['invalid-id', { electorate: [{ ...ada, party: 'all' }] }],
  ])('is refused with %s: %j', (code, change) => {
    expect(() => writeGossipPaper({ ...parts, ...change })).toThrow(expect.objectContaining({ code }));
  });
});
