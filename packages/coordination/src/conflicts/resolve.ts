/**
 * `resolveConflicts`: one resolution for each conflict, in their order, by one of four strategies or a strategy of one's own.
 * Pure. Where a strategy finds none, the most important party's value decides.
 *
 *   priority-based    the most important party: priority, then weight, then id
 *   voting            the parties, and a jury if there is one, vote; ties go to the more important party's value
 *   leader-election   one of the parties is elected, and what it decides is decided
 *   compromise        see compromise.ts
 */
import type { Json } from '@mabeam/variables';
import { canonicalText } from '../negotiation/canonical.ts';
import { coordinationError } from '../errors.ts';
import { findCompromise, methodOf, type CompromiseMethod, type TurnOptions } from './compromise.ts';
import { assertConflict, byText, rankClaims, type Conflict, type FullClaim } from './conflict.ts';
import { overrideBy, settle, type Attempt, type Resolution } from './resolution.ts';
import { countVotes, type Ballot, type VotingRule } from './voting.ts';

/** The four strategies. */
export const conflictStrategies = ['priority-based', 'voting', 'leader-election', 'compromise'] as const;

/** A strategy's name. */
export type ConflictStrategyName = (typeof conflictStrategies)[number];

/** A strategy of one's own; pure. */
export type ConflictStrategy = (conflict: Conflict, options: ResolveOptions) => Attempt;

/** What the strategies go by. */
export interface ResolveOptions extends TurnOptions {
  /** How votes are counted. Default `plurality`. */
  readonly rule?: VotingRule;
  /** Ballots by conflict, the values as JSON; a party's own ballot replaces the vote for its claim. */
  readonly ballots?: Readonly<Record<string, readonly Ballot[]>>;
  /** What an elected leader decided, by conflict; without it the leader decides for what it claims. */
  readonly decisions?: Readonly<Record<string, { readonly leader: string; readonly value: Json }>>;
}

/** What became of all conflicts. */
export type Resolved =
  | { readonly kind: 'resolved'; readonly resolutions: readonly Resolution[] }
  | {
      readonly kind: 'unresolved';
      /** Of the others. */
      readonly resolutions: readonly Resolution[];
      readonly unresolved: readonly { readonly conflict: string; readonly reason: string }[];
    };

/** Other names of the strategies, each with the compromise it insists on. */
const aliases: Readonly<Record<string, readonly [ConflictStrategyName, CompromiseMethod?]>> = {
  'priority-override': ['priority-based'],
  'leader-decision': ['leader-election'],
  'time-sharing': ['compromise', 'turns'],
  'resource-partitioning': ['compromise', 'partition'],
  'negotiated-settlement': ['compromise', 'settlement'],
};

const strategies: Readonly<Record<Exclude<ConflictStrategyName, 'compromise'>, ConflictStrategy>> = {
  'priority-based': byPriority,
  voting: byVote,
  'leader-election': byLeader,
};

/**
 * Resolves conflicts; the strategy is a name, one of the older names (`time-sharing`, `leader_decision`, …), or a function.
 * Throws `unknown-strategy`, and `invalid-conflict` for what cannot be read as a conflict.
 */
export function resolveConflicts(
  conflicts: readonly Conflict[],
  strategy: string | ConflictStrategy = 'compromise',
  options: ResolveOptions = {},
): Resolved {
  const resolve = typeof strategy === 'function' ? strategy : strategyNamed(strategy);
  const attempts = conflicts.map((conflict) => {
    assertConflict(conflict);
    const attempt = resolve(conflict, options);
    const final = attempt.kind === 'resolved' ? attempt : fallBack(conflict, attempt.reason);
    return { conflict: conflict.id, attempt: final };
  });
  const resolutions = attempts.flatMap(({ attempt }) =>
    attempt.kind === 'resolved' ? [attempt.resolution] : [],
  );
  const unresolved = attempts.flatMap(({ attempt, conflict }) =>
    attempt.kind === 'unresolved' ? [{ conflict, reason: attempt.reason }] : [],
  );
  return unresolved.length === 0
    ? { kind: 'resolved', resolutions }
    : { kind: 'unresolved', resolutions, unresolved };
}

/** The strategy's own name, whatever it is called; undefined when there is none. */
export function strategyOf(name: string): ConflictStrategyName | undefined {
  const kebab = name.replaceAll('_', '-');
  return conflictStrategies.find((known) => known === kebab) ?? aliases[kebab]?.[0];
}

/** Who of the claimants leads: priority, then performance, then id. Undefined without claims. */
export function electLeader(conflict: Conflict, alive?: ReadonlySet<string>): FullClaim | undefined {
  return rankClaims(conflict.claims)
    .filter(({ party }) => alive === undefined || alive.has(party))
    .toSorted(
      (a, b) => b.priority - a.priority || b.performance - a.performance || byText(a.party, b.party),
    )[0];
}

function strategyNamed(name: string): ConflictStrategy {
  const known = strategyOf(name);
  if (known === undefined) {
    const cure = `choose one of ${[...conflictStrategies, ...Object.keys(aliases)].join(', ')}`;
    throw coordinationError('unknown-strategy', `no strategy for conflicts is called "${name}"; ${cure}`, {
      details: { strategy: name },
    });
  }
  if (known !== 'compromise') return strategies[known];
  const forced = aliases[name.replaceAll('_', '-')]?.[1];
  return (conflict, options) => findCompromise(conflict, forced ?? methodOf[conflict.kind], options);
}

/** The last resort: the value of the most important party, and the reason says why it came to that. */
function fallBack(conflict: Conflict, reason: string): Attempt {
  const attempt = byPriority(conflict);
  return attempt.kind === 'resolved'
    ? attempt
    : { kind: 'unresolved', reason: `${reason}; ${attempt.reason}` };
}

/** What a party may win with: what lies within the limits. */
function allowedClaims(conflict: Conflict): FullClaim[] {
  return rankClaims(conflict.claims).filter(({ value }) => isAllowed(conflict, value));
}

function isAllowed({ limits = {} }: Conflict, value: Json): boolean {
  if (typeof value !== 'number') return limits.min === undefined && limits.max === undefined;
  return value >= (limits.min ?? value) && value <= (limits.max ?? value);
}

function byPriority(conflict: Conflict): Attempt {
  const [winner] = allowedClaims(conflict);
  if (winner === undefined) return { kind: 'unresolved', reason: 'no claim lies within the limits' };
  const because = `its priority ${winner.priority} comes first`;
  return { kind: 'resolved', resolution: overrideBy(conflict, winner, { method: 'priority', because }) };
}

function byVote(conflict: Conflict, options: ResolveOptions): Attempt {
  const { ballots = {}, rule = 'plurality' } = options;
  const claims = allowedClaims(conflict);
  const values = [...claims.map(({ value }) => value), ...(conflict.alternatives ?? [])].filter((value) =>
    isAllowed(conflict, value),
  );
  const candidates = new Map(values.map((value) => [canonicalText(value), value]));
  const own = rankClaims(conflict.claims).map(({ party, value, weight }): Ballot => ({
    voter: party,
    weight,
    ranking: [canonicalText(value)],
  }));
  const scores = countVotes([...candidates.keys()], [...own, ...(ballots[conflict.id] ?? [])], rule);
  // Candidates stand in the order of rank, so the first of equals is that of the most important party.
  const [first] = [...scores].toSorted((a, b) => b[1] - a[1]);
  const value = first === undefined ? undefined : candidates.get(first[0]);
  if (first === undefined || value === undefined)
    return { kind: 'unresolved', reason: 'nothing stands for election' };
  const all = [...scores.values()].reduce((sum, score) => sum + score, 0);
  const isClaimed = claims.some((claim) => canonicalText(claim.value) === first[0]);
  const told = {
    compromise: isClaimed ? 'priority-override' : 'alternative-solution',
    method: rule,
    reason: `${first[0]} has ${first[1]} by ${rule}`,
    ...(isClaimed ? {} : { score: first[1] / all }),
  } as const;
  return { kind: 'resolved', resolution: settle(conflict, value, told) };
}

function byLeader(conflict: Conflict, { decisions = {} }: ResolveOptions): Attempt {
  const decided = decisions[conflict.id];
  const elected = electLeader(conflict);
  const leader = decided?.leader ?? elected?.party;
  const value = decided?.value ?? elected?.value;
  if (leader === undefined || value === undefined)
    return { kind: 'unresolved', reason: 'there is nobody to lead' };
  if (!isAllowed(conflict, value))
    return { kind: 'unresolved', reason: `what ${leader} decided lies outside of the limits` };
  const told = { compromise: 'priority-override', method: 'leader', leader } as const;
  const reason = `${leader} leads and has decided for ${canonicalText(value)}`;
  return { kind: 'resolved', resolution: settle(conflict, value, { ...told, reason }) };
}
