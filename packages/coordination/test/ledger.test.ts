import { canonicalBytes, canonicalText, createIdentity } from '@mabeam/bus';
import { seededRandom } from '@mabeam/testing';
import type { Json } from '@mabeam/variables';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  draftBlock,
  hashOfBlock,
  membersOf,
  sealBlock,
  signBlock,
  votesNeeded,
} from '../src/consensus/ledger/block.ts';
import { chooseFork, treeHead, verifiedBlocks, verifyLedger } from '../src/consensus/ledger/chain.ts';
import {
  proveChange,
  proveContinuation,
  signersAt,
  verifyContinuation,
  verifyInclusion,
} from '../src/consensus/ledger/inclusion.ts';
import { LedgerCopy } from '../src/consensus/ledger/copy.ts';
import { entryAfter } from '../src/consensus/log/entry.ts';
import {
  edited,
  ledgerOf,
  nextBlock,
  signersNamed,
  trickyChanges,
  type BlockOptions,
} from './ledger-stage.ts';
import { code } from './negotiation-stage.ts';

const runs = process.env['MABEAM_LONG'] === '1' ? 2_000 : 40;
const four = signersNamed('ada', 'bob', 'cyd', 'dan');
const good = ledgerOf(four, ['a'], trickyChanges, [], ['b', 'c']);
const hashes = good.map((block) => hashOfBlock(block));

/** What is found of a ledger whose block at a height is another one. */
function foundIn(height: number, changed: object): object {
  return verifyLedger(good.with(height, Object.assign({}, good[height], changed)));
}

describe('a ledger', () => {
  it('holds when all its blocks do, as values and as their canonical text', () => {
    const text = canonicalText(good);
    for (const copy of [good, text, new TextEncoder().encode(text), JSON.parse(text)])
      expect(verifyLedger(copy, { keys: four.keys, genesis: hashes[0] })).toMatchObject({
        kind: 'valid',
        tip: { height: 4, hash: hashes[4], members: four.members },
      });
    expect(verifiedBlocks(text)).toEqual(good);
  });

  it.each([
    ['a change', 2, { changes: ['mine', ...trickyChanges.slice(1)] }, 'its changes do not fit its root'],
    ['a change more', 1, { changes: ['a', 'b'] }, 'its changes do not fit its root'],
    ['the block before', 3, { prevHash: hashes[1] }, 'the last block is'],
    ['its height', 2, { height: 7 }, 'the last block is'],
    ['its proposer', 2, { proposer: 'eve' }, 'the signature of ada is not valid'],
    ['its space', 2, { space: 'others' }, 'it is of another ledger'],
    ['who must sign it', 2, { electorate: hashes[0] }, 'it is put to another electorate'],
    ['a new electorate', 2, { members: four.members.slice(1) }, 'the signature of ada is not valid'],
    ['too few signatures', 4, { votes: good[4]?.votes.slice(1) }, '2 signed of 4; 3 must'],
    ['a signature twice', 4, { votes: [1, 1, 2].map((i) => good[4]?.votes[i]) }, 'or somebody signed twice'],
    ['a field that it does not have', 1, { note: 1 }, 'it does not have the form of a block'],
  ])('in which somebody changed %s does not hold, and its height is named', (_, height, changed, problem) => {
    expect(foundIn(height, changed)).toMatchObject({
      kind: 'invalid',
      height,
      problem: expect.stringContaining(problem),
    });
  });

  it('does not lose a signature too many from its past unseen', () => {
    const all = { by: ['ada', 'bob', 'cyd', 'dan'] };
    const one = ledgerOf(four);
    const two = [...one, nextBlock(one, four, ['a'], all)];
    const three = [...two, nextBlock(two, four, ['b'])];
    const thinned = three.with(1, { ...three[1]!, votes: three[1]!.votes.slice(1) });
    expect(verifyLedger(thinned)).toMatchObject({ kind: 'invalid', height: 2, code: 'stale-block' });
  });

  it('refuses a block that follows another than the last one, as stale', () => {
    const stale = nextBlock(good.slice(0, 2), four, ['late']);
    expect(verifyLedger([...good, stale])).toMatchObject({
      kind: 'invalid',
      height: 5,
      code: 'stale-block',
    });
    expect(() => verifiedBlocks([...good, stale])).toThrow(code('stale-block'));
  });

  it('has one block an operation', () => {
    const again = nextBlock(good, four, ['a'], { operation: 'o-1' });
    expect(verifyLedger([...good, again])).toMatchObject({ height: 5, code: 'stale-block' });
  });

  it('needs two thirds of those that must sign, each once', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 10].map((n) => votesNeeded(n))).toEqual([1, 2, 2, 3, 4, 4, 5, 7]);
    const by = (...names: readonly string[]): string =>
      verifyLedger([...good, nextBlock(good, four, [], { by: names })]).kind;
    expect(by('ada', 'cyd', 'dan')).toBe('valid');
    expect(by('ada', 'cyd')).toBe('invalid');
    expect(by('ada', 'ada', 'cyd')).toBe('invalid');
  });

  it('does not take signatures of others for those of its members', () => {
    const others = signersNamed('ada', 'bob', 'cyd', 'dan');
    const forged = nextBlock(good, { ...others, members: four.members }, []);
    expect(verifyLedger([...good, forged])).toMatchObject({ kind: 'invalid', height: 5 });
    expect(verifyLedger(ledgerOf(others)).kind).toBe('valid');
    expect(verifyLedger(ledgerOf(others), { keys: four.keys }).kind).toBe('invalid');
    expect(verifyLedger(ledgerOf(others), { genesis: hashes[0] }).kind).toBe('invalid');
  });

  it('changes its electorate by a block that the old one signs, and not the new one', () => {
    const next = signersNamed('eve', 'fay');
    const handOver = { members: [...next.members] };
    const after = [...good, nextBlock(good, four, ['hand over'], handOver)];
    expect(signersAt(after, 5)).toEqual(four.members);
    expect(signersAt(after, 6)).toEqual(next.members);
    expect(verifyLedger([...after, nextBlock(after, next, ['by the new ones'])])).toMatchObject({
      kind: 'valid',
      tip: { members: next.members },
    });
    expect(verifyLedger([...after, nextBlock(after, four, ['by the old ones'])])).toMatchObject({
      height: 6,
    });
    const usurped = nextBlock(good, next, [], { ...handOver, by: ['eve', 'fay'] });
    expect(verifyLedger([...good, usurped])).toMatchObject({ kind: 'invalid', height: 5 });
  });

  it('that was cut off at its end holds, unless more of it is known', () => {
    const cut = good.slice(0, 3);
    expect(verifyLedger(cut).kind).toBe('valid');
    expect(verifyLedger(cut, { head: treeHead(cut) }).kind).toBe('valid');
    expect(verifyLedger(good, { head: treeHead(cut) }).kind).toBe('valid');
    expect(verifyLedger(cut, { head: treeHead(good) })).toMatchObject({ kind: 'invalid', height: 3 });
  });

  it.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['no blocks', []],
    ['the text of no blocks', '[]'],
    ['an object', {}],
    ['a list of something else', [null]],
    ['no JSON', 'not JSON'],
    ['what has no canonical text', [{ ...good[0], proposer: '\ud800' }]],
    ['what is too deep', [{ ...good[0], changes: [deep(70)], size: 1 }]],
    ['its text after a space', ` ${canonicalText(good)}`],
    ['its text in several lines', JSON.stringify(good, undefined, 1)],
  ])('is not %s', (_, thing) => {
    expect(verifyLedger(thing).kind).toBe('invalid');
  });

  it('takes no changes but JSON, and not too many', () => {
    const write = (changes: readonly Json[]): unknown => nextBlock(good, four, changes);
    expect(() => write(['\ud800'])).toThrow(code('invalid-proposal'));
    expect(() => write([deep(60)])).toThrow(code('invalid-proposal'));
    expect(() => write(['x'.repeat(300_000)])).toThrow(code('invalid-proposal'));
    expect(() => write(Array.from({ length: 1_025 }, String))).toThrow(code('invalid-proposal'));
    expect(() => membersOf([])).toThrow(code('no-participants'));
    expect(() => membersOf([{ party: 'ada', key: 'k' }])).toThrow(code('invalid-proposal'));
    const { publicKey: key } = createIdentity();
    expect(() => membersOf(['ada', 'bob'].map((party) => ({ party, key })))).toThrow(
      code('duplicate-participants'),
    );
  });
});

function deep(levels: number): Json {
  let value: Json = [];
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

describe('of two copies', () => {
  const more: BlockOptions = { by: ['ada', 'bob', 'cyd', 'dan'] };
  const short = [...good, nextBlock(good, four, ['a'])];
  const full = [...good, nextBlock(good, four, ['b'], more)];
  const long = [...short, nextBlock(short, four, ['c'])];
  const twin = [...good, nextBlock(good, four, ['d'])];

  it('the higher one goes on, then the one with more signatures, then the one whose hash is smaller', () => {
    expect(chooseFork(full, long)).toBe(long);
    expect(chooseFork(short, full)).toBe(full);
    const smaller = [short, twin].toSorted((a, b) => (hashOfBlock(a[5]!) < hashOfBlock(b[5]!) ? -1 : 1))[0];
    expect(chooseFork(short, twin)).toBe(smaller);
  });

  it('the same one is chosen whatever the order, and the best of many does not depend on it', () => {
    const all = [short, full, long, twin, good];
    const best = (list: readonly (typeof good)[]): unknown =>
      list.reduce((one, other) => [...chooseFork(one, other)]);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 1 }), (list) => {
        expect(best(list.toReversed())).toEqual(best(list));
      }),
    );
  });
});

describe('a proof of inclusion', () => {
  it('shows each change to be in its block, to who has neither the block nor the ledger', () => {
    for (const [height, { changes }] of good.entries())
      for (const [index, change] of changes.entries()) {
        const proof = canonicalText(proveChange(good, { height, index }));
        expect(verifyInclusion(proof, { keys: four.keys, hash: hashes[height] })).toMatchObject({
          kind: 'valid',
          change,
          height,
          hash: hashes[height],
        });
      }
    expect(() => proveChange(good, { height: 1, index: 1 })).toThrow(code('invalid-ledger'));
  });

  it('shows nothing of another change, place, block, electorate or key', () => {
    const proof = proveChange(good, { height: 2, index: 1 });
    const two = four.members.slice(0, 2);
    const draft = draftBlock({ ...good[2]!, prevHash: hashes[1]!, signers: two, changes: ['forged'] });
    const signed = two.flatMap(({ party }) => {
      const identity = four.identities.get(party);
      return identity === undefined ? [] : [signBlock(identity, draft, party)];
    });
    const conspired = proveChange([...good.slice(0, 2), sealBlock(draft, signed)], { height: 2, index: 0 });
    const forged = [
      { ...proof, change: { account: 'bob', amount: 1 } },
      { ...proof, index: 2 },
      { ...proof, head: proveChange(good, { height: 4, index: 1 }).head },
      { ...proof, head: { ...proof.head, size: 3 } },
      { ...proof, path: proof.path.slice(1) },
      { ...proof, signers: two },
      { ...conspired, signers: two, head: { ...conspired.head, electorate: proof.head.electorate } },
      { ...proof, v: 2 },
    ];
    for (const thing of forged) expect(verifyInclusion(thing).kind).toBe('invalid');
    expect(verifyInclusion(proof, { hash: hashes[1] }).kind).toBe('invalid');
    expect(verifyInclusion(proof, { keys: { ada: createIdentity().publicKey } }).kind).toBe('invalid');
  });
});

describe('a proof of continuation', () => {
  it('holds for a ledger that went on, and not for one that was rewritten', () => {
    const earlier = treeHead(good.slice(0, 3));
    const proof = proveContinuation(good, 3);
    expect(verifyContinuation(canonicalText(proof), earlier, treeHead(good))).toBe(true);
    expect(verifyContinuation(proof, earlier, treeHead(good.slice(0, 4)))).toBe(false);
    const other = ledgerOf(four, ['a'], ['b'], ['c'], ['d']);
    expect(verifyContinuation(proveContinuation(other, 3), earlier, treeHead(other))).toBe(false);
  });
});

describe('a copy that is made of the entries of a log', () => {
  /** A log in which each block of a ledger stands, and everything that may stand there beside them, as a seed has it. */
  function noisyLog(seed: number): readonly Uint8Array[] {
    const random = seededRandom(seed);
    const stranger = nextBlock(
      good.slice(0, 3),
      { ...signersNamed('ada', 'bob', 'cyd'), members: four.members },
      ['x'],
    );
    const noises = [...good, stranger, 'noise', { v: 1 }, good[2]?.changes ?? []].map((one) =>
      canonicalBytes(one),
    );
    const noise = (): Uint8Array => {
      const bytes = noises[Math.floor(random() * noises.length)] ?? new Uint8Array();
      return random() < 0.5 ? bytes : edited(bytes, Math.floor(random() * bytes.length * 8));
    };
    return good.flatMap((block) => [
      ...(block.height === 0 ? [] : Array.from({ length: Math.floor(random() * 4) }, noise)),
      canonicalBytes(block),
    ]);
  }

  it('is the ledger, whatever else stands between its blocks', () => {
    for (let seed = 0; seed < runs; seed++) {
      const copy = new LedgerCopy('orders', 'books');
      const log = noisyLog(seed);
      let tip = copy.logTip;
      for (const [i, data] of log.entries()) {
        const entry = entryAfter(tip, { sequence: i + 1, data, at: new Date(0) });
        copy.take(entry);
        tip = entry;
        expect(copy.blocks.length === 0 || verifyHeads(copy.blocks)).toBe(true);
      }
      // What was put there before its turn is the block that follows all the same; what came again in its turn is not.
      expect(copy.blocks, `seed ${seed}`).toEqual(good);
      expect(copy.ignored.length).toBe(log.length - good.length);
      expect(copy.tip?.hash).toBe(hashes[4]);
      expect(copy.logTip.index).toBe(log.length);
    }
  }, 60_000);
});

/** Cheaper than all signatures: does each name the one before? */
function verifyHeads(blocks: readonly (typeof good)[number][]): boolean {
  return blocks.every((block, i) => block.prevHash === (i === 0 ? null : hashes[i - 1]));
}
