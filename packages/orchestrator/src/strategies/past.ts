/** What a variable's past says about where it goes next: its earlier changes, whether they helped, and how fast it may move. Pure. */
import type { AdaptationPace, AdaptationPolicy, VariableState } from '@mabeam/variables';
import type { AdaptationRecord } from '../adaptation/adaptation-record.ts';
import { lastActedAt } from '../adaptation/rules.ts';
import type { EarlierChange } from '../rollout/bounds.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';

/** A change that was made; `at` in ms since the epoch. */
export interface PastChange {
  readonly from: unknown;
  readonly to: unknown;
  readonly at: number;
}

/** The changes adaptations made of a variable, oldest first. */
export function changesOf(variable: string, history: readonly AdaptationRecord[]): readonly PastChange[] {
  return history
    .flatMap(({ at, changes, committedAt }) =>
      changes
        .filter((change) => change.variable === variable)
        .map(({ from, to }) => ({ from, to, at: Date.parse(committedAt ?? at) })),
    )
    .toSorted((a, b) => a.at - b.at);
}

/** Has the figure become better since then? When it is not known before or after, the change has the benefit of the doubt. */
export function isBetterSince(
  at: number,
  { direction }: AdaptationPolicy,
  seen: { readonly series: readonly (number | undefined)[]; readonly windows: readonly PerformanceMetrics[] },
): boolean {
  const mean = (isMeant: (windowAt: number) => boolean): number | undefined => {
    const figures = seen.series.filter((_, index) => isMeant(seen.windows[index]?.at ?? 0));
    const known = figures.filter((figure) => figure !== undefined);
    return known.length === 0 ? undefined : known.reduce((sum, each) => sum + each, 0) / known.length;
  };
  const [before, after] = [mean((windowAt) => windowAt <= at), mean((windowAt) => windowAt > at)];
  if (before === undefined || after === undefined) return true;
  return direction === 'above' ? after < before : after > before;
}

/**
 * An adaptation as far as it bounds the next one; a proposal that is voted on, or was turned down, is not made again at once either. One
 * that was called off bounds nothing.
 */
export function earlierChange(record: AdaptationRecord): EarlierChange {
  const { changes, outcome, proposal } = record;
  const isOpen = outcome === 'voting' || outcome === 'committed' || outcome === 'evaluating';
  const counts = proposal !== undefined && outcome !== 'superseded';
  return {
    changes: counts ? [...changes, proposal] : changes,
    isOpen,
    actedAt: lastActedAt(record),
  };
}

/** The slowest of the adaptation-rates that cover the variable: those that list none of the agents, or one it lists; never its own. */
export function paceOf(
  variable: VariableState,
  variables: ReadonlyMap<string, VariableState>,
): AdaptationPace | undefined {
  const own = variable.definition.agents;
  const covering = [...variables.values()].filter(({ definition, id }) => {
    if (definition.kind !== 'adaptation-rate' || id === variable.id) return false;
    const { agents } = definition;
    return agents.length === 0 || own.length === 0 || agents.some((agent) => own.includes(agent));
  });
  if (covering.length === 0) return undefined;
  const paces = covering.map(({ value }) =>
    // A validated rate is a number or an AdaptationPace.
    typeof value === 'number' ? { step: value, minIntervalMs: 0 } : (value as unknown as AdaptationPace),
  );
  return {
    step: Math.min(...paces.map(({ step }) => step)),
    minIntervalMs: Math.max(...paces.map(({ minIntervalMs }) => minIntervalMs)),
  };
}
