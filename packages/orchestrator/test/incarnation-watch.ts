/**
 * Watches what hosts say of their instances while things happen: once a new incarnation of an instance has spoken, an earlier one must
 * not be heard again, or there were two actors.
 */
import { parseJson, subjects, type Bus } from '@mabeam/bus';
import { observedKey, parseObservedInstance } from '@mabeam/cluster';

export interface IncarnationWatch extends AsyncDisposable {
  /** Instances of which an earlier incarnation spoke after a later one, in words. */
  readonly relapses: readonly string[];
}

/** Watches a space until it is disposed of. */
export function watchIncarnations(bus: Bus, space: string): IncarnationWatch {
  const relapses: string[] = [];
  const lives = new Map<string, string[]>();
  const subscription = bus.subscribe(subjects(space).at('observed.>'), ({ data }) => {
    if (data.length === 0) return;
    const observed = parseObservedInstance(parseJson(data));
    if (observed === undefined) return;
    const key = observedKey(observed);
    const known = lives.get(key) ?? [];
    lives.set(key, known);
    const { incarnation, status } = observed;
    if (known.at(-1) === incarnation) return;
    if (known.includes(incarnation))
      relapses.push(`${key}: ${incarnation} is ${status} after ${known.at(-1)}`);
    known.push(incarnation);
  });
  return { relapses, [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose]() };
}
