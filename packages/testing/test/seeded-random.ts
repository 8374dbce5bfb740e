/** Random numbers that a seed repeats. */
import { createHash } from 'node:crypto';

/** A source of numbers in [0, 1): the same seed gives the same ones. */
export function randomOf(seed: string): () => number {
  let n = 0;
  return () => createHash('sha256').update(`${seed} ${n++}`).digest().readUInt32BE(0) / 2 ** 32;
}
