/** Interleaving: A B C A B C …, so that a slow second of the machine strikes all contenders alike. */

/**
 * Runs every contender once a round, with `rotate` beginning with another one each time, where one leaves the machine busier than
 * another; resolves with the figures of each, in the order of the rounds.
 */
export async function takeTurns<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<number>>>,
  signal: AbortSignal,
  options: { readonly rotate?: boolean } = {},
): Promise<Record<Name, number[]>> {
  // Object.keys forgets that the keys are the names it was given.
  const names = Object.keys(contenders) as Name[];
  // Every name gets its array here, before anybody reads one.
  const figures = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    const first = options.rotate === true ? round % names.length : 0;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      signal.throwIfAborted();
      figures[name].push(await contenders[name]());
    }
  }
  return figures;
}
