/**
 * The book of a desk: what there is, and who holds how much of it. Pure: each change is a new book.
 *
 * Invariants
 *  B1  The grants of a book never add up to more than its capacity, of no resource.
 *  B2  A grant stands until it is given back by all its holders or struck; being taken away (`leaving`) frees nothing yet.
 *  B3  A request has at most one grant, however often it is made.
 */
import { byText } from '../conflicts/conflict.ts';
import type { Bundle } from './dominant.ts';
import type { GrantCondition } from './request.ts';

/** Why a grant is taken away. */
export type LeavingReason = 'preempted' | 'idle';

/** A grant as it stands in the book. */
export interface BookedGrant {
  readonly id: string;
  /** The request it answers. */
  readonly request: string;
  /** Who may use it still: its party, and whoever it shares with. */
  readonly holders: readonly string[];
  readonly amounts: Bundle;
  readonly priority: number;
  /** A holder must renew it within this. */
  readonly ttlMs: number;
  readonly conditions: readonly GrantCondition[];
  readonly leaving?: { readonly why: LeavingReason; readonly by?: string | undefined } | undefined;
}

/** A book. */
export interface Book {
  readonly v: 1;
  /** Counts the desks that have kept it. */
  readonly term: number;
  /** Counts the changes that are none of the grants: renewals. */
  readonly beat: number;
  readonly nextGrant: number;
  readonly capacity: Bundle;
  readonly grants: readonly BookedGrant[];
}

/** What is asked of a desk. */
export interface DeskAsk {
  readonly request: string;
  readonly party: string;
  /** Whole, above 0; at least one. */
  readonly amounts: Bundle;
  readonly priority: number;
  readonly ttlMs: number;
  readonly conditions: readonly GrantCondition[];
  /** Content with less of each, if something of each is there. */
  readonly isPartial: boolean;
}

/** What a book says to a request. */
export type Decision =
  | { readonly kind: 'granted'; readonly book: Book; readonly grant: BookedGrant }
  /** It could be served if these left; they are leaving in the book returned. */
  | { readonly kind: 'preempting'; readonly book: Book; readonly victims: readonly string[] }
  | { readonly kind: 'waiting' }
  /** It asks for more than there will ever be. */
  | { readonly kind: 'refused'; readonly resource: string };

/** A book with nothing granted. */
export function openBook(capacity: Bundle): Book {
  return { v: 1, term: 0, beat: 0, nextGrant: 1, capacity, grants: [] };
}

/** What is granted, by resource. */
export function grantedIn(grants: readonly BookedGrant[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { amounts } of grants)
    for (const [resource, amount] of Object.entries(amounts)) sum[resource] = (sum[resource] ?? 0) + amount;
  return sum;
}

/** What is not granted, by resource; below 0 where the capacity has shrunk. */
export function freeIn({ capacity, grants }: Book): Record<string, number> {
  const granted = grantedIn(grants);
  return Object.fromEntries(
    Object.entries(capacity).map(([resource, amount]) => [resource, amount - (granted[resource] ?? 0)]),
  );
}

/** Decides a request; `reserved` is kept for others that come first. */
export function decide(book: Book, ask: DeskAsk, reserved: Bundle = {}): Decision {
  const present = book.grants.find(({ request }) => request === ask.request);
  if (present !== undefined) return { kind: 'granted', book, grant: present };
  const wanted = Object.entries(ask.amounts);
  const impossible = wanted.find(([resource, amount]) => amount > (book.capacity[resource] ?? 0));
  if (impossible !== undefined && !(ask.isPartial && book.capacity[impossible[0]] !== undefined))
    return { kind: 'refused', resource: impossible[0] };
  const free = freeIn(book);
  const within = wanted.map(([resource, amount]): [string, number] => [
    resource,
    Math.min(amount, (free[resource] ?? 0) - (reserved[resource] ?? 0)),
  ]);
  const isServed = within.every(
    ([resource, amount]) => amount > 0 && (ask.isPartial || amount === ask.amounts[resource]),
  );
  if (isServed) return grant(book, ask, Object.fromEntries(within));
  if (ask.isPartial) return { kind: 'waiting' };
  return preempt(book, ask, reserved);
}

/** A holder gives a grant back; the grant is gone with its last holder. */
export function giveBack(book: Book, id: string, party: string): Book {
  const grants = book.grants.flatMap((one) => {
    if (one.id !== id) return [one];
    const holders = one.holders.filter((holder) => holder !== party);
    return holders.length === 0 ? [] : [{ ...one, holders }];
  });
  return { ...book, grants };
}

/** Grants are to be taken away: they stand, but can no longer be renewed. */
export function takeAway(book: Book, ids: readonly string[], why: LeavingReason, by?: string): Book {
  const grants = book.grants.map((one) =>
    ids.includes(one.id) && one.leaving === undefined ? { ...one, leaving: { why, by } } : one,
  );
  return { ...book, grants };
}

/** After how long without use a grant is taken away; undefined: never. */
export function idleLimitMs({ conditions }: BookedGrant): number | undefined {
  return conditions.find((condition) => condition.kind === 'release-on-idle')?.afterMs;
}

function grant(book: Book, ask: DeskAsk, amounts: Bundle): Decision {
  const { conditions, party, priority, request, ttlMs } = ask;
  const sharers = conditions.flatMap((condition) =>
    condition.kind === 'share-with' ? [condition.party] : [],
  );
  const holders = [...new Set([party, ...sharers])];
  const made: BookedGrant = {
    id: `g${book.nextGrant}`,
    request,
    holders,
    amounts,
    priority,
    ttlMs,
    conditions,
  };
  return {
    kind: 'granted',
    grant: made,
    book: { ...book, nextGrant: book.nextGrant + 1, grants: [...book.grants, made] },
  };
}

/** Takes away as few as it needs to, the least important first; nobody when that would not do. */
function preempt(book: Book, ask: DeskAsk, reserved: Bundle): Decision {
  const leaving = book.grants.filter((one) => one.leaving !== undefined);
  const candidates = book.grants
    .filter((one) => one.leaving === undefined && mayPreempt(one, ask.priority))
    .toSorted((a, b) => a.priority - b.priority || byText(b.id, a.id));
  const victims: BookedGrant[] = [];
  const isEnough = (): boolean => fits(book, ask, reserved, [...leaving, ...victims]);
  for (const candidate of candidates) {
    if (isEnough()) break;
    victims.push(candidate);
  }
  if (victims.length === 0 || !isEnough()) return { kind: 'waiting' };
  // The first ones taken may have become needless by a larger one after them.
  for (const victim of victims.slice()) {
    const others = victims.filter((one) => one !== victim);
    if (fits(book, ask, reserved, [...leaving, ...others])) victims.splice(victims.indexOf(victim), 1);
  }
  const ids = victims.map(({ id }) => id);
  if (ids.length === 0) return { kind: 'waiting' };
  return { kind: 'preempting', victims: ids, book: takeAway(book, ids, 'preempted', ask.party) };
}

function mayPreempt({ conditions }: BookedGrant, priority: number): boolean {
  return conditions.some(
    (condition) => condition.kind === 'priority-preemption' && priority >= condition.priority,
  );
}

function fits(book: Book, { amounts }: DeskAsk, reserved: Bundle, gone: readonly BookedGrant[]): boolean {
  const free = freeIn(book);
  const freed = grantedIn(gone);
  return Object.entries(amounts).every(
    ([resource, amount]) =>
      amount <= (free[resource] ?? 0) + (freed[resource] ?? 0) - (reserved[resource] ?? 0),
  );
}
