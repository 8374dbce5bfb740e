import { createIdentity } from '@mabeam/bus';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  digestOfEntries,
  holdEntry,
  isByItsParty,
  isEntry,
  mergeEntries,
  signEntry,
  sortedEntries,
  type GossipEntry,
  type HeldEntries,
} from './entry.ts';

const numRuns = process.env['MABEAM_LONG'] === '1' ? 10_000 : 150;

/** Few keys, times and values, so that they clash; also two values of one party at one time, as a liar would write them. */
const entry = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  value: fc.constantFrom(0, 1, 'x', null),
  at: fc.nat({ max: 2 }),
  count: fc.nat({ max: 1 }),
  party: fc.constantFrom('ada', 'bob'),
  signature: fc.constant(''),
});
const entries = fc.array(entry, { maxLength: 12 });
const nothing: HeldEntries = new Map();
const mapOf = (all: readonly GossipEntry[]): HeldEntries => mergeEntries(nothing, all.map(holdEntry));
const merged = (one: HeldEntries, other: HeldEntries): string =>
  digestOfEntries(mergeEntries(one, other.values()));

describe('merging', () => {
  test.prop([entries, entries], { numRuns })('is commutative', (a, b) => {
    expect(merged(mapOf(a), mapOf(b))).toBe(merged(mapOf(b), mapOf(a)));
  });

  test.prop([entries, entries, entries], { numRuns })('is associative', (a, b, c) => {
    const [x, y, z] = [mapOf(a), mapOf(b), mapOf(c)];
    const left = mergeEntries(mergeEntries(x, y.values()), z.values());
    const right = mergeEntries(x, mergeEntries(y, z.values()).values());
    expect(digestOfEntries(left)).toBe(digestOfEntries(right));
  });

  test.prop([entries], { numRuns })('is idempotent, and then gives the very same map', (a) => {
    const map = mapOf(a);
    expect(mergeEntries(map, map.values())).toBe(map);
  });

  test.prop(
    [entries.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })))],
    {
      numRuns,
    },
  )('one by one, in any order and some twice, comes to the same', ([all, shuffled]) => {
    const again = [...shuffled, ...shuffled.slice(0, 3)];
    expect(digestOfEntries(mapOf(again))).toBe(digestOfEntries(mapOf(all)));
  });

  test.prop([entries], { numRuns })('invents nothing, and of each key keeps a latest one', (all) => {
    for (const { entry: kept } of sortedEntries(mapOf(all))) {
      expect(all).toContainEqual(kept);
      for (const { key, at, count } of all)
        if (key === kept.key) expect(at < kept.at || (at === kept.at && count <= kept.count)).toBe(true);
    }
  });

  test.prop([entries, entries], { numRuns })('digests are equal exactly when the maps are', (a, b) => {
    const text = (map: HeldEntries): string =>
      JSON.stringify(sortedEntries(map).map(({ entry: one }) => one));
    const [x, y] = [mapOf(a), mapOf(b)];
    expect(digestOfEntries(x) === digestOfEntries(y)).toBe(text(x) === text(y));
  });
});

it('of two that wrote at the same time the greater party id stays', () => {
  const at = { key: 'a', at: 5, count: 0, signature: '' };
  const both = [
    { ...at, value: 1, party: 'bob' },
    { ...at, value: 2, party: 'ada' },
  ];
  expect(mapOf(both).get('a')?.entry.party).toBe('bob');
  expect(mapOf(both.toReversed()).get('a')?.entry.party).toBe('bob');
});

describe('an entry', () => {
  const [ada, bob] = [createIdentity(), createIdentity()];
  const keys = new Map([
    ['ada', ada.publicKey],
    ['bob', bob.publicKey],
  ]);
  const good = signEntry(ada, 's', { key: 'a', value: { heat: 0.5 }, at: 5, count: 0, party: 'ada' });

  it('proves who wrote it, in which conversation, and every part of what', () => {
    expect(isByItsParty('s', good, keys)).toBe(true);
    const forged: readonly GossipEntry[] = [
      { ...good, key: 'b' },
      { ...good, value: { heat: 0.6 } },
      { ...good, at: 6 },
      { ...good, count: 1 },
      { ...good, party: 'bob' },
      { ...good, party: 'cyd' },
      { ...good, signature: bob.sign('mabeam.gossip.1', good) },
      signEntry(bob, 's', good),
    ];
    for (const entry of forged) expect(isByItsParty('s', entry, keys)).toBe(false);
    expect(isByItsParty('t', good, keys)).toBe(false);
  });

  it.each([
    ['', 1],
    ['__proto__', 1],
    ['a b', 1],
    ['a'.repeat(129), 1],
    ['a', 'x'.repeat(65_536)],
    ['a', '\ud800'],
    ['a', Number.NaN],
    ['a', undefined],
  ])('is not %j with %j', (key, value) => {
    expect(isEntry(key, value)).toBe(false);
  });
});
