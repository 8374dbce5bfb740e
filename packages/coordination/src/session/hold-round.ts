/**
 * A round from its first event to its last, whatever protocol is spoken in it: its span, its two events, its announcement.
 *
 * Invariants
 *  H1  A round has one end. It is kept before anybody is told of it; whoever comes second with the same round is given the first
 *      one's end instead of its own, if its protocol can read it (`read`).
 *  H2  A failure is no end: it is kept too, and the end of whoever asks again takes its place. So is an ending that its protocol says
 *      is not final (`isFinal`).
 *  H3  Nobody asks on in a round that was begun about something else: `round-reused`.
 */
import { attributes, errorBodyOf, inSpan, type Bus } from '@mabeam/bus';
import * as z from 'zod';
import { coordinationError } from '../errors.ts';
import { roundAttributes } from '../semconv.ts';
import { announce, keepRound, lastKept, type KeptEvent } from './round.ts';

/** What is known of a round before it begins. */
export interface RoundHead {
  readonly round: string;
  readonly protocol: string;
  readonly subject: string;
  readonly strategy: string;
  readonly electorate: readonly string[];
  /** Digest of all that is fixed before it begins: two rounds of one id are one round if they have the same. Default: if they have one subject. */
  readonly paper?: string | undefined;
  /** What is proposed, to be told with its beginning. */
  readonly proposals?: readonly unknown[] | undefined;
  /** The asking agent; an operator when absent. */
  readonly from?: string | undefined;
}

/** How a round is held. */
export interface HoldOptions<T> {
  /**
   * Is it kept that the round has begun before the work begins, or while it is done? Work that writes waits, and so does work
   * in a round that somebody else may have begun. Default `before`.
   */
  readonly opening?: 'before' | 'meanwhile';
  /** Reads an end of this round that somebody else has kept; undefined when it is none or does not prove itself. */
  readonly read?: ((outcome: unknown) => T | undefined) | undefined;
  /**
   * Is an ending of this kind the end for good? For protocols whose decision may still be on its way when their asker gives up.
   * Default: every one but a failure.
   */
  readonly isFinal?: ((kind: string) => boolean) | undefined;
}

interface Held<T> {
  readonly bus: Bus;
  readonly space: string;
  /** What both events tell. */
  readonly about: Omit<RoundHead, 'from' | 'proposals'> & { readonly by: string };
  readonly proposals: RoundHead['proposals'];
  readonly read: HoldOptions<T>['read'];
  readonly isFinal: (kind: string) => boolean;
}

const eventSchema = z.object({
  protocol: z.string(),
  subject: z.string(),
  paper: z.string().optional(),
  outcome: z.unknown().optional(),
});
const kindSchema = z.object({ outcome: z.object({ kind: z.string() }) });
const failed = 'failed';

/**
 * Holds a round, and resolves with its outcome when its end is kept (H1); the signal that its work is given aborts when somebody
 * else has ended it. One that fails is kept with the code of its error, which is thrown on. Throws `round-reused`, `stream-missing`
 * (no such space) and `disconnected`.
 */
export async function holdRound<T extends { readonly kind: string }>(
  bus: Bus,
  space: string,
  { from: by = 'operator', proposals, ...head }: RoundHead,
  work: (calledOff: AbortSignal) => Promise<T>,
  { opening = 'before', read, isFinal = () => true }: HoldOptions<T> = {},
): Promise<T> {
  const { electorate, protocol, round, strategy, subject } = head;
  const known = {
    [attributes.space]: space,
    [roundAttributes.round]: round,
    [roundAttributes.protocol]: protocol,
    [roundAttributes.strategy]: strategy,
    [roundAttributes.subject]: subject,
    [roundAttributes.invited]: electorate.length,
    [roundAttributes.alwaysSample]: true,
  };
  return await inSpan({ kind: 'client', name: `round ${protocol}`, attributes: known }, async (span) => {
    const held: Held<T> = { bus, space, about: { ...head, by }, proposals, read, isFinal };
    const begun = begin(held);
    // What goes wrong with it is told when it is waited for.
    begun.catch(() => undefined);
    const earlier = opening === 'before' ? await begun : undefined;
    const outcome = earlier ?? (await workToEnd(held, begun, work));
    span?.setAttribute(roundAttributes.outcome, outcome.kind);
    announce(bus, space, { round, protocol, strategy, subject, outcome });
    return outcome;
  });
}

/** Keeps that it has begun. Resolves with its end when it was begun before, and has one. */
async function begin<T>(held: Held<T>): Promise<T | undefined> {
  const { about, bus, proposals, space } = held;
  const keeping = await keepRound(bus, space, 'started', { ...about, proposals });
  if (keeping.kind === 'kept') return undefined;
  assertSame(held, keeping.by);
  const end = await lastKept(bus, space, about.round, 'ended');
  return end === undefined || isOpen(held, end) ? undefined : endOf(held, end);
}

async function workToEnd<T extends { readonly kind: string }>(
  held: Held<T>,
  begun: Promise<T | undefined>,
  work: (calledOff: AbortSignal) => Promise<T>,
): Promise<T> {
  const callingOff = new AbortController();
  const working = work(callingOff.signal);
  working.catch(() => undefined);
  const earlier = await begun.catch((error: unknown) => {
    callingOff.abort();
    throw error;
  });
  if (earlier !== undefined) {
    callingOff.abort();
    return earlier;
  }
  const outcome = await working.catch(async (error: unknown) => {
    await keepFailure(held, error);
    throw error;
  });
  return await keepEnd(held, outcome);
}

/** Keeps an end, and resolves with the one that is kept: this, or what another asker has kept before (H1, H2). */
async function keepEnd<T>(held: Held<T>, outcome: T): Promise<T> {
  const { about, bus, space } = held;
  const body = { ...about, outcome };
  let keeping = await keepRound(bus, space, 'ended', body);
  while (keeping.kind === 'taken' && isOpen(held, keeping.by))
    keeping = await keepRound(bus, space, 'ended', body, { after: keeping.by.sequence });
  return keeping.kind === 'kept' ? outcome : (endOf(held, keeping.by) ?? outcome);
}

/** The failure itself is thrown, and matters more than one to keep it. */
async function keepFailure<T>({ about, bus, space }: Held<T>, error: unknown): Promise<void> {
  const { code, message } = errorBodyOf(error);
  const outcome = { kind: failed, code, message };
  await keepRound(bus, space, 'ended', { ...about, outcome }).catch(() => undefined);
}

/** The end that somebody else has kept; undefined when its protocol does not read ends. */
function endOf<T>(held: Held<T>, end: KeptEvent): T | undefined {
  if (held.read === undefined) return undefined;
  const body = assertSame(held, end);
  const outcome = held.read(body.outcome);
  if (outcome !== undefined) return outcome;
  const { round } = held.about;
  const message = `what is kept as the end of the round ${round} does not prove itself; take a new round`;
  throw coordinationError('round-reused', message, { details: { round } });
}

/** H2. */
function isOpen<T>({ isFinal }: Held<T>, { body }: KeptEvent): boolean {
  const kind = kindSchema.safeParse(body).data?.outcome.kind;
  return kind === failed || (kind !== undefined && !isFinal(kind));
}

/** H3. */
function assertSame<T>({ about }: Held<T>, { body }: KeptEvent): z.infer<typeof eventSchema> {
  const { round, protocol, subject, paper } = about;
  const event = eventSchema.safeParse(body).data;
  const isSame =
    event?.protocol === protocol && (paper === undefined ? event.subject === subject : event.paper === paper);
  if (event !== undefined && isSame) return event;
  const message = `the round ${round} was begun about something else; take a new round`;
  throw coordinationError('round-reused', message, { details: { round, protocol: event?.protocol } });
}
