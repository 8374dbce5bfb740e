/**
 * The Merkle tree of RFC 6962 (section 2.1) over JSON values: one hash that stands for a list, short proofs that a value is in it,
 * and that a longer list begins with a shorter one. Pure. A leaf is the canonical text of its value; leaves and nodes are hashed
 * under different first bytes, so that none can be passed off as the other. Hashes are SHA-256, base64url without padding.
 *
 * Both directions of a proof are written as the RFC defines the tree: by its split at the largest power of two below its size.
 */
import { canonicalBytes } from '@mabeam/bus';
import { createHash } from 'node:crypto';

const leafPrefix = Buffer.from([0]);
const nodePrefix = Buffer.from([1]);

/** The hash of one value. Throws `malformed-message` when it is not JSON. */
export function leafOf(value: unknown): string {
  return hashOf(leafPrefix, canonicalBytes(value));
}

/** The root over leaves, in their order; of none, the hash of nothing. */
export function rootOf(leaves: readonly string[]): string {
  const [first] = leaves;
  if (first === undefined) return hashOf();
  if (leaves.length === 1) return first;
  const split = splitOf(leaves.length);
  return nodeOf(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}

/** The proof that the leaf at this place is in the tree: the roots beside its way up, the lowest first. */
export function inclusionPath(leaves: readonly string[], index: number): string[] {
  if (leaves.length < 2) return [];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...inclusionPath(left, index), rootOf(right)]
    : [...inclusionPath(right, index - split), rootOf(left)];
}

/** A leaf's place in a tree. */
export interface Place {
  readonly index: number;
  /** Leaves of the tree. */
  readonly size: number;
}

/** The root that a proof leads to from its leaf; undefined when it cannot be the proof of this place. */
export function rootByPath(
  leaf: string,
  { index, size }: Place,
  path: readonly string[],
): string | undefined {
  if (!isPlace(index, size)) return undefined;
  const top = path.at(-1);
  if (size === 1) return top === undefined ? leaf : undefined;
  if (!isDigest(top)) return undefined;
  const split = splitOf(size);
  const isLeft = index < split;
  const below = isLeft ? { index, size: split } : { index: index - split, size: size - split };
  const root = rootByPath(leaf, below, path.slice(0, -1));
  if (root === undefined) return undefined;
  return isLeft ? nodeOf(root, top) : nodeOf(top, root);
}

/** The proof that the tree over the first `earlier` leaves is the beginning of the tree over all of them (section 2.1.2). */
export function consistencyPath(leaves: readonly string[], earlier: number): string[] {
  return earlier < 1 || earlier > leaves.length ? [] : subproof(leaves, earlier, true);
}

/** A list as one hash. */
export interface TreeHead {
  readonly size: number;
  readonly root: string;
}

/** Does the proof show that the later tree begins with the earlier one? Of no leaves every tree is a continuation. */
export function isContinuation(earlier: TreeHead, later: TreeHead, path: readonly string[]): boolean {
  const { size, root } = earlier;
  if (!Number.isSafeInteger(later.size) || !isPlace(size, later.size + 1)) return false;
  if (!path.every((hash) => isDigest(hash))) return false;
  if (size === 0) return path.length === 0 && root === hashOf();
  const roots = rootsByPath({ earlier: size, later: later.size, known: root }, path);
  return roots !== undefined && roots.earlier === root && roots.later === later.root;
}

function subproof(leaves: readonly string[], earlier: number, isKnown: boolean): string[] {
  if (earlier === leaves.length) return isKnown ? [] : [rootOf(leaves)];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return earlier <= split
    ? [...subproof(left, earlier, isKnown), rootOf(right)]
    : [...subproof(right, earlier - split, false), rootOf(left)];
}

/** Both roots, as the proof gives them; `known` is the earlier one where the whole tree is it. */
function rootsByPath(
  {
    earlier,
    later,
    known,
  }: { readonly earlier: number; readonly later: number; readonly known: string | undefined },
  path: readonly string[],
): { readonly earlier: string; readonly later: string } | undefined {
  const top = path.at(-1);
  if (earlier === later) {
    const root = known ?? top;
    const isWhole = path.length === (known === undefined ? 1 : 0);
    return isWhole && root !== undefined ? { earlier: root, later: root } : undefined;
  }
  if (top === undefined) return undefined;
  const split = splitOf(later);
  const rest = path.slice(0, -1);
  if (earlier <= split) {
    const roots = rootsByPath({ earlier, later: split, known }, rest);
    return roots && { earlier: roots.earlier, later: nodeOf(roots.later, top) };
  }
  const roots = rootsByPath({ earlier: earlier - split, later: later - split, known: undefined }, rest);
  return roots && { earlier: nodeOf(top, roots.earlier), later: nodeOf(top, roots.later) };
}

/** Is this how a SHA-256 is written? The last character has two bits to spare, which are 0: there is no second spelling. */
export function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(value);
}

function isPlace(index: number, size: number): boolean {
  return Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size;
}

/** The largest power of two below a size of at least 2. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

function nodeOf(left: string, right: string): string {
  return hashOf(nodePrefix, Buffer.from(left, 'base64url'), Buffer.from(right, 'base64url'));
}

function hashOf(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('base64url');
}
