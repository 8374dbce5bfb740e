import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consistencyPath,
  inclusionPath,
  isContinuation,
  isDigest,
  leafOf,
  rootByPath,
  rootOf,
} from './merkle-tree.ts';

/** Leaves as RFC 6962 hashes bytes: the reference trees that implementations of Certificate Transparency share are of bytes. */
const leafOfHex = (hex: string): string =>
  createHash('sha256')
    .update(Buffer.from([0]))
    .update(Buffer.from(hex, 'hex'))
    .digest('base64url');
const reference = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => leafOfHex(hex));
const referenceRoots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const listOf = (size: number): string[] => Array.from({ length: size }, (_, i) => leafOf({ i }));
const sizes = fc.integer({ min: 1, max: 40 });

describe('the tree', () => {
  it('has the roots of the reference trees of Certificate Transparency', () => {
    for (const [size, root] of referenceRoots.entries())
      expect(Buffer.from(rootOf(reference.slice(0, size)), 'base64url').toString('hex')).toBe(root);
  });

  it('hashes a leaf otherwise than a node: no list has the root of its own upper row', () => {
    const leaves = listOf(4);
    const upper = [rootOf(leaves.slice(0, 2)), rootOf(leaves.slice(2))];
    expect(rootOf(upper)).toBe(rootOf(leaves));
    expect(rootOf(upper.map((hash) => leafOf(hash)))).not.toBe(rootOf(leaves));
  });

  it('changes its root with every change of order, of a value or of the length', () => {
    const leaves = listOf(5);
    const others = [
      leaves.toReversed(),
      leaves.slice(1),
      [...leaves, leaves[4] ?? ''],
      leaves.with(2, leafOf('x')),
    ];
    expect(new Set([leaves, ...others].map((list) => rootOf(list))).size).toBe(5);
  });
});

describe('a proof of inclusion', () => {
  it('leads from every leaf to the root, in no more steps than the tree is high', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (size, at) => {
        const [leaves, index] = [listOf(size), at % size];
        const path = inclusionPath(leaves, index);
        expect(rootByPath(leaves[index] ?? '', { index, size }, path)).toBe(rootOf(leaves));
        expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
      }),
    );
  });

  it('leads nowhere from another leaf, for another place, or along another path', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, at, other) => {
        const [leaves, index] = [listOf(size + 1), at % (size + 1)];
        const root = rootOf(leaves);
        const path = inclusionPath(leaves, index);
        const leaf = leaves[index] ?? '';
        const wrong = (index + 1 + (other % size)) % (size + 1);
        expect(rootByPath(leafOf('other'), { index, size: size + 1 }, path)).not.toBe(root);
        expect(rootByPath(leaf, { index: wrong, size: size + 1 }, path)).not.toBe(root);
        expect(rootByPath(leaf, { index, size: size + 1 }, path.slice(1))).not.toBe(root);
        expect(rootByPath(leaf, { index, size: size + 1 }, [...path, leaf])).not.toBe(root);
      }),
    );
  });

  it.each([
    [{ index: -1, size: 2 }],
    [{ index: 2, size: 2 }],
    [{ index: 0.5, size: 2 }],
    [{ index: 0, size: 0 }],
  ])('is none of the place %o', (place) => {
    expect(rootByPath(leafOf(1), place, [leafOf(2)])).toBeUndefined();
  });
});

describe('a proof of continuation', () => {
  const headOf = (leaves: readonly string[], size: number): { size: number; root: string } => ({
    size,
    root: rootOf(leaves.slice(0, size)),
  });

  it('holds between any two sizes of one list', () => {
    const leaves = listOf(20);
    for (let later = 0; later <= 20; later++)
      for (let earlier = 0; earlier <= later; earlier++)
        expect(
          isContinuation(
            headOf(leaves, earlier),
            headOf(leaves, later),
            consistencyPath(leaves.slice(0, later), earlier),
          ),
          `${earlier} to ${later}`,
        ).toBe(true);
  });

  it('does not hold for a list that was rewritten before it went on', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (more, at, where) => {
        const leaves = listOf(more + 5);
        const earlier = 1 + (at % (more + 4));
        const rewritten = leaves.with(where % earlier, leafOf('rewritten'));
        const path = consistencyPath(rewritten, earlier);
        expect(isContinuation(headOf(leaves, earlier), headOf(rewritten, rewritten.length), path)).toBe(
          false,
        );
        const forged = [...path.slice(1), leafOf('x')];
        expect(isContinuation(headOf(leaves, earlier), headOf(leaves, leaves.length), forged)).toBe(false);
      }),
    );
  });
});

it('a digest has one spelling', () => {
  const digest = leafOf('a');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const spellings = alphabet
    .split('')
    .map((last) => digest.slice(0, -1) + last)
    .filter((one) => Buffer.from(one, 'base64url').equals(Buffer.from(digest, 'base64url')));
  expect(spellings).toHaveLength(4);
  expect(spellings.filter((one) => isDigest(one))).toEqual([digest]);
  expect([`${digest}=`, digest.slice(1), '', 7].some((one) => isDigest(one))).toBe(false);
});
