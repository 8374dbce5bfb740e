/**
 * When a variable moves by itself: the strategies' different ideas of a reason. Pure.
 *
 *   reactive     the figure was bad in each of the last `sustain` windows: after the fact
 *   predictive   `horizon` windows ahead it will be bad, with `confidence`: before the fact on a ramp. What one window alone says
 *                is not believed, so a spike moves nothing; what is bad already counts as under reactive.
 *   emergent     whenever its agents have proposals; no central figure is looked at
 *
 * consensus-based has the reason of predictive, and its agents' vote besides (adaptation/hold-vote.ts).
 */
import type { AdaptationPolicy, Json } from '@mabeam/variables';
import { sameJson } from '@mabeam/variables';
import { confidenceAbove, forecast } from './forecast.ts';
import { isBad } from './measure.ts';

/** A figure of each window, oldest first; undefined: not known. */
export type Series = readonly (number | undefined)[];

/** Whether there is a reason to move, and which. */
export interface Occurrence {
  readonly isGiven: boolean;
  readonly reason: string;
}

/** A local proposal: a value that has served an agent, and how well. */
export interface LocalProposal {
  readonly agent: string;
  readonly value: Json;
  /** Larger is better; below 0 counts as 0. */
  readonly reward: number;
}

/** So many known figures a forecast is made from at the least. */
const fewestSamples = 5;

/** Was it bad for long enough? */
export function reactiveOccasion(policy: AdaptationPolicy, series: Series, target: number): Occurrence {
  const { direction, metric, sustain } = policy;
  const last = series.slice(-sustain);
  const isGiven =
    last.length === sustain &&
    last.every((figure) => figure !== undefined && isBad(figure, target, direction));
  const said = last.map((figure) => figure ?? 'not known').join(', ');
  const reason = `${metric} was ${said}${isGiven ? ` ${direction}` : '; not yet'} ${isGiven ? '' : `${direction} `}${target} in ${sustain} windows`;
  return { isGiven, reason };
}

/** Will it be bad? With fewer than five known figures as reactive, which the reason says. */
export function predictiveOccasion(policy: AdaptationPolicy, series: Series, target: number): Occurrence {
  const { confidence, direction, horizon, metric } = policy;
  const reactive = reactiveOccasion(policy, series, target);
  if (reactive.isGiven) return reactive;
  const known = series.filter((figure) => figure !== undefined);
  if (known.length < fewestSamples) {
    const why = `${known.length} samples are too few for a forecast, so reactive`;
    return { isGiven: false, reason: `${why}: ${reactive.reason}` };
  }
  const sureness = (figures: readonly number[]): number => {
    const above = confidenceAbove(forecast(figures, horizon), target);
    return direction === 'above' ? above : 1 - above;
  };
  const sure = Math.min(sureness(known), sureness(known.slice(0, -1)));
  const { value } = forecast(known, horizon);
  const isGiven = sure >= confidence;
  const said = `${metric} will be ${readable(value)} in ${horizon} windows, ${direction} ${target}`;
  return {
    isGiven,
    reason: `${said} with confidence ${readable(sure)}${isGiven ? '' : `, below ${confidence}`}`,
  };
}

/** What proposals come to: for numbers the mean weighed by reward, else the value with the most reward; undefined: none. */
export function aggregate(proposals: readonly LocalProposal[]): Json | undefined {
  const usable = proposals.filter(({ reward }) => Number.isFinite(reward));
  const [first] = usable;
  if (first === undefined) return undefined;
  const total = usable.reduce((sum, { reward }) => sum + Math.max(0, reward), 0);
  const weigh = ({ reward }: LocalProposal): number =>
    total > 0 ? Math.max(0, reward) / total : 1 / usable.length;
  if (usable.every(({ value }) => typeof value === 'number'))
    return usable.reduce((sum, each) => sum + Number(each.value) * weigh(each), 0);
  const ranked = usable.map(({ value }) => {
    const same = usable.filter((each) => sameJson(each.value, value));
    return { value, weight: same.reduce((sum, each) => sum + weigh(each), 0) };
  });
  const key = ({ value }: { readonly value: Json }): string => JSON.stringify(value);
  return (
    ranked.toSorted((a, b) => b.weight - a.weight || (key(a) < key(b) ? -1 : 1))[0]?.value ?? first.value
  );
}

function readable(value: number): number {
  return Number(value.toPrecision(4));
}
