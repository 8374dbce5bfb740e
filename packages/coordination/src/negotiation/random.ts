/** Numbers drawn by a seed: the same seed draws the same ones, on every machine. Not for secrets. */

/** What can be drawn. */
export interface Random {
  /** A number from 0 up to 1, without 1. */
  readonly unit: () => number;
  /** A number from the normal distribution with mean 0 and deviation 1. */
  readonly normal: () => number;
  /** One of the items; there must be one. */
  readonly pick: <T>(items: readonly [T, ...T[]]) => T;
}

/** A source of numbers: a Weyl sequence whose steps are mixed by the finaliser of MurmurHash3 (32 bits). */
export function seededRandom(seed: number): Random {
  let state = mix(Math.trunc(seed) >>> 0) ^ mix(Math.trunc(seed / 2 ** 32) >>> 0);
  const word = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state);
  };
  const unit = (): number => word() / 2 ** 32;
  return {
    unit,
    // Box and Muller.
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    pick: (items) => items[Math.floor(unit() * items.length)] ?? items[0],
  };
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
