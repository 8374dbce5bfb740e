import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { MapDraft, VersionedMap } from './versioned-map.ts';

/** A change of a version, and which of the versions so far it is made of. */
const step = fc.record({
  of: fc.nat(),
  changes: fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
    fc.option(fc.nat(9), { nil: undefined }),
    { minKeys: 0, maxKeys: 3 },
  ),
});

function numbered(size: number): Map<string, number> {
  return new Map(Array.from({ length: size }, (_, n) => [`key-${n}`, n]));
}

/** Counts what is written into it. */
class CountingMap extends Map<string, number> {
  writes = 0;
  override set(key: string, value: number): this {
    this.writes += 1;
    return super.set(key, value);
  }
}

test.prop([fc.array(step, { maxLength: 200 }), fc.array(fc.nat())])(
  'every version, of whichever it was made and in whatever order they are read, equals a copied map',
  (steps, readings) => {
    const versions = [{ map: new VersionedMap<number>(), copy: new Map<string, number>() }];
    for (const { of, changes } of steps) {
      const from = versions[of % versions.length]!;
      const copy = new Map(from.copy);
      for (const [key, value] of Object.entries(changes))
        if (value === undefined) copy.delete(key);
        else copy.set(key, value);
      versions.push({ map: from.map.with(new Map(Object.entries(changes))), copy });
    }
    for (const reading of readings) versions[reading % versions.length]!.map.get('a');
    for (const { map, copy } of versions) {
      expect(map.size).toBe(copy.size);
      for (const key of 'abcdefg')
        expect([map.get(key), map.has(key)]).toEqual([copy.get(key), copy.has(key)]);
      expect(new Map(map)).toEqual(copy);
      expect([new Set(map.keys()), [...map.values()].length]).toEqual([new Set(copy.keys()), copy.size]);
    }
  },
);

test.prop([fc.array(step, { maxLength: 200 }), fc.nat()])(
  'what differs between a version and a later one is among the keys since it',
  (steps, from) => {
    const versions = [new VersionedMap<number>()];
    for (const { changes } of steps) versions.push(versions.at(-1)!.with(new Map(Object.entries(changes))));
    const last = versions.at(-1)!;
    const earlier = versions[from % versions.length]!;
    const keys = last.keysSince(earlier);
    if (keys === undefined) return;
    for (const key of 'abcdefg') if (earlier.get(key) !== last.get(key)) expect(keys).toContain(key);
  },
);

it('the change of one of 10,000 entries writes one entry, and is known as one', () => {
  const entries = new CountingMap(numbered(10_000));
  const first = new VersionedMap(entries);
  entries.writes = 0;
  const second = first.with(new Map([['key-7', -1]]));
  expect(entries.writes).toBe(1);
  expect(second.keysSince(first)).toEqual(new Set(['key-7']));
  expect([first.get('key-7'), second.get('key-7'), second.size]).toEqual([7, -1, 10_000]);
});

it('a version that is kept holds on to no more later changes than it has entries', () => {
  const first = new VersionedMap(numbered(100));
  let last = first;
  const known: boolean[] = [];
  for (let n = 0; n < 1_000; n++) {
    last = last.with(new Map([['key-0', -n]]));
    known.push(last.keysSince(first) !== undefined);
  }
  expect(known.filter(Boolean)).toHaveLength(100);
  expect([first.get('key-0'), last.get('key-0')]).toEqual([0, -999]);
});

it('a loop over a version goes on through that version when the next is made meanwhile', () => {
  const first = new VersionedMap(numbered(3));
  const seen: [string, number][] = [];
  for (const [key, value] of first) {
    if (seen.length === 0)
      first.with(
        new Map<string, number | undefined>([
          ['key-1', undefined],
          ['key-2', 9],
        ]),
      );
    seen.push([key, value]);
  }
  expect(seen).toEqual([...numbered(3)]);
});

it('a draft without a change is the version it was begun with, also when it deletes what is not there', () => {
  const first = new VersionedMap(numbered(3));
  const draft = new MapDraft(first);
  draft.delete('nothing');
  expect(draft.done()).toBe(first);
});

it('a draft sees its own changes, and the version it was begun with does not', () => {
  const first = new VersionedMap(numbered(3));
  const draft = new MapDraft(first);
  draft.set('key-0', 5);
  draft.delete('key-1');
  expect([draft.get('key-0'), draft.get('key-1'), draft.get('key-2')]).toEqual([5, undefined, 2]);
  expect([first.get('key-0'), first.get('key-1')]).toEqual([0, 1]);
});
