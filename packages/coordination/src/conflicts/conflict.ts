/**
 * Conflicts: what several parties want of one thing that cannot have it all ways, and how wishes are seen to conflict. Pure.
 *
 *   value-incompatible     two parties set one target to different values
 *   resource-competition   together they want more of a resource than there is
 *   temporal-constraint    they want one thing for themselves in windows that overlap
 *
 * Promise: the order of the wishes changes nothing, and a party that says the same thing twice has said it once.
 */
import { parseId } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { canonicalText } from '../negotiation/canonical.ts';
import { coordinationError } from '../errors.ts';

/** What kind of quarrel it is. */
export type ConflictKind = 'value-incompatible' | 'resource-competition' | 'temporal-constraint';

/** What one party wants in a conflict. */
export interface Claim {
  readonly party: string;
  /** The value wanted; of a resource, the whole amount wanted. */
  readonly value: Json;
  /** Larger is more important. Default 0. */
  readonly priority?: number;
  /** Above 0. Default 1. */
  readonly weight?: number;
  /** How well it has done, for the election of a leader. Default 0. */
  readonly performance?: number;
}

/** Limits of a number that a resolution may choose. */
export interface ValueLimits {
  readonly min?: number;
  readonly max?: number;
}

/** A quarrel about one thing. */
export interface Conflict {
  readonly id: string;
  /** What it is about: a variable, a parameter, a resource. */
  readonly target: string;
  readonly kind: ConflictKind;
  readonly claims: readonly Claim[];
  readonly limits?: ValueLimits;
  /** How much there is, where parties compete for a resource; whole. */
  readonly available?: number;
  /** Values to choose from that nobody needs to have asked for. */
  readonly alternatives?: readonly Json[];
  /** What a value is worth to a party, 0 to 1, by the value's JSON; what is missing is 1 for its own claim, else 0. */
  readonly utilities?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A wish of a party, before anybody knows whether it meets another. */
export type Wish = { readonly party: string; readonly priority?: number; readonly weight?: number } & (
  | { readonly kind: 'set'; readonly target: string; readonly value: Json }
  | { readonly kind: 'use'; readonly resource: string; readonly amount: number }
  /** From `fromMs` up to, and not with, `toMs`. */
  | { readonly kind: 'reserve'; readonly target: string; readonly fromMs: number; readonly toMs: number }
);

/** A claim with what was left out. */
export type FullClaim = Required<Claim>;

/** The claims in full, most important first: priority, then weight, then id. */
export function rankClaims(claims: readonly Claim[]): FullClaim[] {
  return claims
    .map((claim) => ({ priority: 0, weight: 1, performance: 0, ...claim }))
    .toSorted((a, b) => b.priority - a.priority || b.weight - a.weight || byText(a.party, b.party));
}

/** Orders texts by code units, which is the same everywhere. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The conflicts among wishes, by id; the id of a conflict is its kind, target and, for windows, its beginning. `pools` says how
 * much there is of each resource; of a resource that is not in it there is none.
 */
export function detectConflicts(
  wishes: readonly Wish[],
  pools: Readonly<Record<string, number>> = {},
): Conflict[] {
  for (const { party } of wishes) parseId('party', party);
  const found = [...incompatible(wishes), ...competing(wishes, pools), ...overlapping(wishes)];
  return found.toSorted((a, b) => byText(a.id, b.id));
}

/** Throws `invalid-conflict` when it cannot be read as one. */
export function assertConflict(conflict: Conflict): void {
  const { available, claims, id, kind } = conflict;
  const fail = (why: string): never => {
    throw coordinationError('invalid-conflict', `conflict ${id}: ${why}`, { details: { conflict: id } });
  };
  const parties = claims.map(({ party }) => parseId('party', party));
  if (new Set(parties).size !== parties.length) fail('a party may claim once; join its claims');
  for (const { party, priority, weight } of rankClaims(claims)) {
    if (!isWeighable(weight)) fail(`the weight of ${party} is not above 0, up to 1e100`);
    if (!Number.isFinite(priority)) fail(`the priority of ${party} is no number`);
  }
  if (kind !== 'resource-competition') return;
  if (available === undefined || !isAmount(available)) fail('available must be a whole number from 0');
  const odd = claims.find(({ value }) => !isAmount(value));
  if (odd !== undefined) fail(`${odd.party} claims no whole number from 0`);
}

/** Can it be weighed with? Products and quotients of such numbers neither overflow nor vanish. */
export function isWeighable(weight: number): boolean {
  return weight >= 1e-100 && weight <= 1e100;
}

/** Is it a whole amount of a resource? */
export function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

type Setting = Extract<Wish, { kind: 'set' }>;
type Use = Extract<Wish, { kind: 'use' }>;
type Reservation = Extract<Wish, { kind: 'reserve' }>;

function incompatible(wishes: readonly Wish[]): Conflict[] {
  const settings = wishes.filter((wish): wish is Setting => wish.kind === 'set');
  return [...Map.groupBy(settings, ({ target }) => target)].flatMap(([target, all]) => {
    const claims = lastOfEach(all).map((wish) => claimOf(wish, wish.value));
    const values = new Set(claims.map(({ value }) => canonicalText(value)));
    return values.size < 2 ? [] : [{ id: `value-${target}`, target, kind: 'value-incompatible', claims }];
  });
}

function competing(wishes: readonly Wish[], pools: Readonly<Record<string, number>>): Conflict[] {
  const uses = wishes.filter((wish): wish is Use => wish.kind === 'use');
  return [...Map.groupBy(uses, ({ resource }) => resource)].flatMap(([target, all]) => {
    const claims = [...Map.groupBy(all, ({ party }) => party)].map(([, own]) => sumOf(own));
    const available = pools[target] ?? 0;
    const wanted = claims.reduce((sum, { value }) => sum + Number(value), 0);
    if (wanted <= available) return [];
    const sorted = claims.toSorted((a, b) => byText(a.party, b.party));
    return [{ id: `resource-${target}`, target, kind: 'resource-competition', claims: sorted, available }];
  });
}

function overlapping(wishes: readonly Wish[]): Conflict[] {
  const reservations = wishes.filter((wish): wish is Reservation => wish.kind === 'reserve');
  return [...Map.groupBy(reservations, ({ target }) => target)].flatMap(([target, all]) =>
    clustersOf(all).flatMap((cluster) => {
      const claims = lastOfEach(cluster).map((wish) =>
        claimOf(wish, { fromMs: wish.fromMs, toMs: wish.toMs }),
      );
      if (claims.length < 2) return [];
      const from = Math.min(...cluster.map(({ fromMs }) => fromMs));
      return [{ id: `time-${target}-${from}`, target, kind: 'temporal-constraint' as const, claims }];
    }),
  );
}

/** Windows that hang together by overlaps; two that only touch do not. */
function clustersOf(windows: readonly Reservation[]): Reservation[][] {
  const sorted = windows.toSorted((a, b) => a.fromMs - b.fromMs || byText(a.party, b.party));
  const clusters: Reservation[][] = [];
  let reachedMs = Number.NEGATIVE_INFINITY;
  for (const window of sorted) {
    if (window.fromMs < reachedMs) clusters.at(-1)?.push(window);
    else clusters.push([window]);
    reachedMs = Math.max(reachedMs, window.toMs);
  }
  return clusters;
}

/** The one wish of each party that counts, by party: of several different ones that whose JSON sorts last. */
function lastOfEach<T extends Wish>(wishes: readonly T[]): T[] {
  const sorted = wishes.toSorted(
    (a, b) => byText(a.party, b.party) || byText(canonicalWish(a), canonicalWish(b)),
  );
  return [...new Map(sorted.map((wish) => [wish.party, wish])).values()];
}

function canonicalWish(wish: Wish): string {
  return JSON.stringify(Object.entries(wish).toSorted(([a], [b]) => byText(a, b)));
}

function claimOf({ party, priority, weight }: Wish, value: Json): Claim {
  return {
    party,
    value,
    ...(priority === undefined ? {} : { priority }),
    ...(weight === undefined ? {} : { weight }),
  };
}

function sumOf(uses: readonly Use[]): Claim {
  const amount = uses.reduce((sum, use) => sum + use.amount, 0);
  const [first] = uses.toSorted((a, b) => (b.priority ?? 0) - (a.priority ?? 0));
  if (first === undefined) throw new TypeError('a group of wishes has at least one');
  return claimOf(first, amount);
}
