/** What the kinds choose by themselves, where no handler does: the best agents, the fairest shares, the cheapest topology. Pure. */
import type { AgentSpec } from '@mabeam/agents';
import { topologyPatterns, type TopologyPattern } from '@mabeam/variables';
import { compareIds } from '../instances/desired.ts';

/** What agents are ranked by. */
export interface Candidate {
  readonly id: string;
  /** From 0 to 1; absent: not known, and taken for the mean of the others. */
  readonly performance?: number | undefined;
  readonly spec?: AgentSpec | undefined;
}

/** The candidates, best first: by performance, then by how much of the task they match, then by id. */
export function rankAgents(
  candidates: readonly Candidate[],
  requirements: readonly string[] = [],
): readonly string[] {
  const known = candidates.flatMap(({ performance }) => performance ?? []);
  const mean = known.reduce((sum, each) => sum + each, 0) / Math.max(1, known.length);
  return candidates
    .map(({ id, performance = mean, spec }) => ({ id, performance, match: matchOf(spec, requirements) }))
    .toSorted((a, b) => b.performance - a.performance || b.match - a.match || compareIds(a.id, b.id))
    .map(({ id }) => id);
}

/** How many of the roles and groups that are asked for an agent has. */
function matchOf(spec: AgentSpec | undefined, requirements: readonly string[]): number {
  if (spec === undefined) return 0;
  const words = [spec.role, spec.customRole, spec.group];
  return requirements.filter((word) => words.includes(word)).length;
}

/** Shares of 1 in proportion to the weights; equal ones when all weights are 0. Weights below 0 count as 0. */
export function shareOut(weights: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const positive = [...weights].map(([id, weight]) => [id, Math.max(0, weight)] as const);
  const sum = positive.reduce((total, [, weight]) => total + weight, 0);
  return new Map(positive.map(([id, weight]) => [id, sum > 0 ? weight / sum : 1 / positive.length]));
}

/**
 * The patterns to choose from for `n` agents, best first: the fewest hops until all have an update, and a tenth of an edge for each
 * agent besides. Without a list they are those in which agents can answer each other.
 */
export function rankPatterns(
  n: number,
  patterns: readonly TopologyPattern[] = ['mesh', 'star', 'ring'],
): readonly TopologyPattern[] {
  const order = (pattern: TopologyPattern): number => topologyPatterns.indexOf(pattern);
  return patterns
    .filter((pattern) => pattern !== 'custom')
    .toSorted((a, b) => costOf(a, n) - costOf(b, n) || order(a) - order(b));
}

function costOf(pattern: TopologyPattern, n: number): number {
  const most = Math.max(1, n);
  switch (pattern) {
    case 'broadcast':
      return 1 + 0.1;
    case 'mesh':
      return 1 + 0.1 * (most - 1);
    case 'star':
      return 2 + (0.2 * (most - 1)) / most;
    case 'ring':
      return most + 0.1;
    case 'custom':
      return Number.POSITIVE_INFINITY;
  }
}
