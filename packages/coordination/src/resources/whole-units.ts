/** Whole units of what cannot be cut finer: the method of largest remainder (Hamilton). Pure. */

/**
 * Rounds parts so that they are whole and add up to `total`: each down, then one unit more for those whose remainders are
 * largest, the first of equals first. The parts are at least 0 and add up to `total`, but for rounding.
 */
export function splitByRemainder(total: number, parts: readonly number[]): number[] {
  const down = parts.map((part) => Math.floor(part + dust));
  const left = total - down.reduce((sum, part) => sum + part, 0);
  const order = parts
    .map((part, at) => ({ at, rest: part - (down[at] ?? 0) }))
    .toSorted((a, b) => (Math.abs(a.rest - b.rest) <= dust ? a.at - b.at : b.rest - a.rest));
  const luckier = new Set(order.slice(0, Math.max(0, left)).map(({ at }) => at));
  return down.map((part, at) => part + (luckier.has(at) ? 1 : 0));
}

/** What arithmetic may leave behind of a whole number. */
const dust = 1e-9;
