/** What the simulated network does to a message: pure but for the chance it is given. */
import type { Random } from './random.ts';

/** A time in which some groups cannot reach each other. Who is in no group is alone. */
export interface Partition {
  readonly fromMs: number;
  readonly toMs: number;
  readonly groups: readonly (readonly string[])[];
}

/** How a network behaves until it heals. Messages overtake each other when their delays differ. */
export interface NetworkWeather {
  /** Share of messages lost, 0 to 1. Default 0. */
  readonly dropRate?: number | undefined;
  /** Share of messages that arrive twice, 0 to 1. Default 0. */
  readonly duplicateRate?: number | undefined;
  /** Each delivery takes a time between these. Default 1 and 10. */
  readonly minDelayMs?: number | undefined;
  readonly maxDelayMs?: number | undefined;
  readonly partitions?: readonly Partition[] | undefined;
  /** From then on nothing is lost, doubled or cut off. Default: never. */
  readonly healsAtMs?: number | undefined;
}

/** When the copies of a message sent now arrive, as delays; none when it is lost. */
export function deliveriesOf(
  weather: NetworkWeather,
  { from, to, nowMs }: { readonly from: string; readonly to: string; readonly nowMs: number },
  random: Random,
): readonly number[] {
  const { dropRate = 0, duplicateRate = 0, minDelayMs = 1, maxDelayMs = 10, healsAtMs = Infinity } = weather;
  const delay = (): number => minDelayMs + random() * (maxDelayMs - minDelayMs);
  if (from === to) return [0];
  if (nowMs >= healsAtMs) return [delay()];
  if (isCutOff(weather.partitions ?? [], from, to, nowMs) || random() < dropRate) return [];
  return random() < duplicateRate ? [delay(), delay()] : [delay()];
}

function isCutOff(partitions: readonly Partition[], from: string, to: string, nowMs: number): boolean {
  return partitions.some(
    ({ fromMs, toMs, groups }) =>
      nowMs >= fromMs && nowMs < toMs && !groups.some((group) => group.includes(from) && group.includes(to)),
  );
}
