/** Randomness that can be replayed: a generator made from a seed, and a shuffle that uses it. The same seed gives the same run on every machine. */

/** A source of numbers in [0, 1). */
export type Random = () => number;

/** Golden-ratio step of the Weyl sequence that the generator walks. */
const STEP = 0x9e3779b9;

/**
 * Makes a generator from a seed (any number; its lower 32 bits count): a Weyl sequence whose steps are scrambled by two
 * multiply-and-shift rounds. Good enough to shuffle and to sample, not for secrets.
 */
export function seededRandom(seed: number): Random {
  let position = seed | 0;
  return () => {
    position = (position + STEP) | 0;
    let bits = position ^ (position >>> 16);
    bits = Math.imul(bits, 0x21f0aaad);
    bits ^= bits >>> 15;
    bits = Math.imul(bits, 0x735a2d97);
    bits ^= bits >>> 15;
    return (bits >>> 0) / 0x1_0000_0000;
  };
}

/** Returns the items in an order drawn from `random`, every order being equally likely; the array handed in stays as it is. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const keyed = items.map((item) => ({ item, key: random() }));
  return keyed.sort((left, right) => left.key - right.key).map(({ item }) => item);
}
