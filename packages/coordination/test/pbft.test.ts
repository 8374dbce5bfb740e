import { seededRandom } from '@mabeam/testing';
import { describe, expect, it } from 'vitest';
import {
  committeeOf,
  culpritsOf,
  isDecisionProof,
  primaryOf,
  quorumOf,
  type PbftCertificate,
} from '../src/index.ts';
import { playSession, type Lie } from './pbft-stage.ts';

const isLong = process.env['MABEAM_LONG'] === '1';

describe('a committee', () => {
  it('of 4 stands one liar, of 3 none', () => {
    expect(committeeOf('s', ['a', 'b', 'c', 'd']).faults).toBe(1);
    const tooFew = (): unknown => committeeOf('s', ['a', 'b', 'c']);
    expect(tooFew).toThrow(expect.objectContaining({ code: 'insufficient-agents' }));
    expect(() => committeeOf('s', ['a', 'a', 'b', 'c'])).toThrow(
      expect.objectContaining({ code: 'duplicate-participants' }),
    );
  });

  it('of 7 that stands 2 needs 5 to say the same', () => {
    const members = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    expect(quorumOf({ members, faults: 2 })).toBe(5);
    expect(primaryOf({ members }, 9)).toBe('c');
  });

  it('has quorums that share an honest member, and that the honest can fill alone', () => {
    for (let faults = 0; faults < 6; faults++) {
      for (let n = 3 * faults + 1; n < 30; n++) {
        const quorum = quorumOf({ members: Array.from({ length: n }, (_, i) => `p${i}`), faults });
        expect(2 * quorum - n).toBeGreaterThanOrEqual(faults + 1);
        expect(quorum).toBeLessThanOrEqual(n - faults);
      }
    }
  });
});

/** A session with so many liars more than the committee stands. */
function session(seed: number, surplus: number) {
  const random = seededRandom(seed * 7 + 3);
  const upTo = (n: number): number => Math.floor(random() * n);
  const faults = 1 + upTo(2);
  const size = 3 * faults + 1 + upTo(2);
  const names = Array.from({ length: size }, (_, i) => `p${i}`);
  const shuffled = names.map((name) => ({ name, key: random() })).toSorted((a, b) => a.key - b.key);
  const lies: readonly Lie[] = surplus > 0 ? ['two-faced'] : ['silent', 'noisy', 'noisy', 'two-faced'];
  const liars = new Map(
    shuffled.slice(0, faults + surplus).map(({ name }) => [name, lies[upTo(lies.length)] ?? 'silent']),
  );
  const honest = names.filter((name) => !liars.has(name));
  const firstGroup = honest.filter((_, i) => i % 2 === 0);
  const untilMs = surplus > 0 ? 8_000 : 120_000;
  const played = playSession({ seed, size, faults, liars, firstGroup, untilMs });
  const decided = honest.flatMap((name) => played.run.states.get(name)?.faces[0]?.decided ?? []);
  return { ...played, liars, honest, decided, faults };
}

describe('pbft under a network that loses, delays, doubles, reorders and cuts', () => {
  it('with f liars never decides two things, and everybody honest decides once the network heals', () => {
    const undecided: number[] = [];
    const split: number[] = [];
    const unproven: number[] = [];
    const views = new Set<number>();
    for (let seed = 0; seed < (isLong ? 10_000 : 300); seed++) {
      const { committee, check, honest, decided } = session(seed, 0);
      if (decided.length < honest.length) undecided.push(seed);
      if (new Set(decided.map(({ choice }) => choice)).size > 1) split.push(seed);
      if (!decided.every((certificate) => isDecisionProof(committee, certificate, check)))
        unproven.push(seed);
      for (const { view } of decided) views.add(view);
    }
    expect({ undecided, split, unproven }).toEqual({ undecided: [], split: [], unproven: [] });
    // Not a sunny run: some decided in later views.
    expect(views.size).toBeGreaterThan(2);
  }, 600_000);

  it('with more liars, two decisions convict at least f+1 of them and nobody honest', () => {
    const wrong: unknown[] = [];
    const distances = new Set<number>();
    let splits = 0;
    for (let seed = 0; seed < (isLong ? 10_000 : 400); seed++) {
      const { decided, liars, faults } = session(seed, 1 + (seed % 2));
      const pair = splitOf(decided);
      if (pair === undefined) continue;
      splits += 1;
      distances.add(Math.abs(pair[0].view - pair[1].view));
      const culprits = culpritsOf(...pair);
      const isJust = culprits.length > faults && culprits.every((name) => liars.has(name));
      if (!isJust) wrong.push({ seed, culprits, liars: [...liars.keys()] });
    }
    expect(wrong).toEqual([]);
    expect(splits).toBeGreaterThan(20);
    // Some of the pairs decided in different views: those are convicted by the way to the later decision.
    expect(distances.size).toBeGreaterThan(1);
  }, 600_000);

  it('convicts nobody by two certificates of one decision', () => {
    const { decided } = session(3, 0);
    const [first, second] = decided;
    expect(first !== undefined && second !== undefined && culpritsOf(first, second)).toEqual([]);
  });
});

function splitOf(
  decided: readonly PbftCertificate[],
): readonly [PbftCertificate, PbftCertificate] | undefined {
  const [first] = decided;
  const other = decided.find(({ choice }) => choice !== first?.choice);
  return first === undefined || other === undefined ? undefined : [first, other];
}
