/**
 * Neighbours: where a value may move from where it is, the most promising first. Pure; whether a neighbour is allowed is judged by
 * whoever takes it.
 *
 *   a number      a step on in the direction that has served, see `steer`; then a step back
 *   a selection   another agent besides; the weakest for a better one; without the weakest
 *   shares        part of the way to what the agents' load asks for
 *   a pattern     the others, the cheapest first
 *   a choice      the others of its list, in its order
 */
import { sameJson, type Json, type TopologyPattern, type VariableState } from '@mabeam/variables';
import { rankAgents, rankPatterns, shareOut, type Candidate } from './choose.ts';
import { selectedIn } from '../instances/desired.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';

/** What is known when a value looks around. */
export interface Surroundings {
  readonly metrics: PerformanceMetrics;
  /** Which way a number goes first. */
  readonly heading: 1 | -1;
  /** How far a number goes at once; the domain's step, a tenth of its range, or a tenth of the value when absent. */
  readonly step?: number | undefined;
  /** From 0 to 1: how much of the way shares go at once. */
  readonly reach: number;
  readonly candidates: readonly Candidate[];
  /** Values it had of late: of two choices the one not tried goes first. */
  readonly tried: readonly unknown[];
}

/** The neighbours of a variable's value, as proposals; none when its kind of value has no way to move by itself. */
export function neighboursOf(
  { definition, value }: Pick<VariableState, 'definition' | 'value'>,
  around: Surroundings,
): readonly Json[] {
  if (definition.kind === 'agent-selection') return teamsNear(selectedIn(value), around);
  if (definition.kind === 'resource-allocation') return [shiftShares(value, around)];
  if (definition.kind === 'communication-topology' || definition.kind === 'coordination-pattern') {
    const now = typeof value === 'string' ? value : fieldIn(value, 'pattern');
    const members = around.candidates.length;
    const others = rankPatterns(members, definition.domain.patterns).filter((pattern) => pattern !== now);
    return freshFirst(others, (pattern) => wasPattern(around.tried, pattern));
  }
  const numbers = numbersNear(definition, value, around);
  if (numbers.length > 0) return numbers;
  const choices: readonly Json[] = typeof value === 'boolean' ? [!value] : (definition.domain.enum ?? []);
  return freshFirst(choices, (choice) => around.tried.some((tried) => sameJson(tried, choice)));
}

/**
 * The heading of a number: on when the measure is better than before the last change, back when it is worse or the same, and at
 * first towards the farther end of the domain.
 */
export function steer(
  { definition, value }: Pick<VariableState, 'definition' | 'value'>,
  last: { readonly from: unknown; readonly to: unknown; readonly isBetter: boolean } | undefined,
): 1 | -1 {
  if (last !== undefined && typeof last.from === 'number' && typeof last.to === 'number') {
    const isUp = last.to > last.from;
    return isUp === last.isBetter ? 1 : -1;
  }
  const { max, min } = definition.domain;
  if (typeof value !== 'number' || max === undefined) return 1;
  return min !== undefined && max - value < value - min ? -1 : 1;
}

function numbersNear(
  { domain }: VariableState['definition'],
  value: Json,
  { heading, step }: Surroundings,
): readonly Json[] {
  const { enum: listed, max, min, step: grain } = domain;
  const own = typeof value === 'number' ? value : fieldIn(value, 'step');
  if (typeof own !== 'number') return [];
  if (listed !== undefined && typeof value === 'number') {
    const numbers = listed.filter((each) => typeof each === 'number').toSorted((a, b) => a - b);
    const near = [numbers.find((each) => each > own), numbers.findLast((each) => each < own)];
    return (heading === 1 ? near : near.toReversed()).filter((each) => each !== undefined);
  }
  const range = min !== undefined && max !== undefined ? max - min : undefined;
  const far = step ?? grain ?? (range === undefined ? Math.max(1, Math.abs(own)) / 10 : range / 10);
  const grid = (wanted: number): number => {
    const inside = Math.min(
      max ?? Number.POSITIVE_INFINITY,
      Math.max(min ?? Number.NEGATIVE_INFINITY, wanted),
    );
    if (grain === undefined) return Number(inside.toPrecision(12));
    const steps = (inside - (min ?? 0)) / grain;
    const whole = wanted > own ? Math.floor(steps + 1e-9) : Math.ceil(steps - 1e-9);
    return Number(((min ?? 0) + whole * grain).toPrecision(12));
  };
  return [heading, -heading]
    .map((way) => grid(own + way * far))
    .filter((next) => next !== own)
    .map((next) => (typeof value === 'number' ? next : { ...recordIn(value), step: next }));
}

function teamsNear(team: readonly string[], { candidates }: Surroundings): readonly Json[] {
  const spares = rankAgents(candidates.filter(({ id }) => !team.includes(id)));
  const ranked = rankAgents(candidates.filter(({ id }) => team.includes(id)));
  const weakest = ranked.at(-1);
  const without = team.filter((agent) => agent !== weakest);
  return [
    ...spares.map((spare) => [...team, spare]),
    ...(weakest === undefined ? [] : spares.map((spare) => team.with(team.indexOf(weakest), spare))),
    ...(weakest === undefined ? [] : [without]),
  ];
}

/** Towards shares in proportion to the load: waiting tasks and time in calls. The sums stay as they are. */
function shiftShares(value: Json, { metrics, reach }: Surroundings): Json {
  const parts = Object.entries(recordIn(value));
  const loadOf = (agent: string): number => {
    const load = metrics.agents[agent];
    return (load?.queue ?? 0) + (load?.busy ?? 0) + 0.05;
  };
  const shares = shareOut(new Map(parts.map(([agent]) => [agent, loadOf(agent)])));
  const sumOf = (read: (part: Json) => Json | undefined): number =>
    parts.reduce((sum, [, part]) => sum + numberOf(read(part)), 0);
  const moved = (agent: string, now: number, sum: number): number =>
    now + reach * (sum * (shares.get(agent) ?? 0) - now);
  return Object.fromEntries(
    parts.map(([agent, part]): [string, Json] => {
      if (typeof part === 'number')
        return [
          agent,
          moved(
            agent,
            part,
            sumOf((each) => each),
          ),
        ];
      const memory = moved(
        agent,
        numberOf(fieldIn(part, 'memory')),
        sumOf((each) => fieldIn(each, 'memory')),
      );
      const cpuWeight = moved(
        agent,
        numberOf(fieldIn(part, 'cpuWeight')),
        sumOf((each) => fieldIn(each, 'cpuWeight')),
      );
      return [agent, { ...recordIn(part), memory: Math.max(1, Math.floor(memory)), cpuWeight }];
    }),
  );
}

function freshFirst<T extends Json>(values: readonly T[], isTried: (value: T) => boolean): readonly T[] {
  return [...values.filter((value) => !isTried(value)), ...values.filter(isTried)];
}

function wasPattern(tried: readonly unknown[], pattern: TopologyPattern): boolean {
  return tried.some((value) => value === pattern || fieldIn(value, 'pattern') === pattern);
}

function fieldIn(value: unknown, name: string): Json | undefined {
  return recordIn(value)[name];
}

function recordIn(value: unknown): { readonly [key: string]: Json } {
  // What is neither null nor a list nor a scalar is, among JSON values, a record of them.
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : {};
}

function numberOf(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0;
}
