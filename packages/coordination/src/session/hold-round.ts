/** A round from its first event to its last, whatever protocol is spoken in it: its span, its two events, its announcement. */
import { attributes, errorBodyOf, inSpan, type Bus } from '@mabeam/bus';
import { roundAttributes } from '../semconv.ts';
import { announce, keepRound } from './round.ts';

/** What is known of a round before it begins. */
export interface RoundHead {
  readonly round: string;
  readonly protocol: string;
  readonly subject: string;
  readonly strategy: string;
  readonly electorate: readonly string[];
  /** The asking agent; an operator when absent. */
  readonly from?: string | undefined;
}

/** How a round is held. */
export interface HoldOptions {
  /** Is it kept that the round has begun before the work begins, or while it is done? Work that writes waits. Default `before`. */
  readonly opening?: 'before' | 'meanwhile';
}

/**
 * Holds a round, and resolves with its outcome when its end is kept. One that fails is kept with the code of its error, which is
 * thrown on. Throws `stream-missing` (no such space) and `disconnected`.
 */
export async function holdRound<T extends { readonly kind: string }>(
  bus: Bus,
  space: string,
  { from: by = 'operator', ...head }: RoundHead,
  work: () => Promise<T>,
  { opening = 'before' }: HoldOptions = {},
): Promise<T> {
  const { electorate, protocol, round, strategy, subject } = head;
  const about = {
    [attributes.space]: space,
    [roundAttributes.round]: round,
    [roundAttributes.protocol]: protocol,
    [roundAttributes.strategy]: strategy,
    [roundAttributes.subject]: subject,
    [roundAttributes.invited]: electorate.length,
    [roundAttributes.alwaysSample]: true,
  };
  return await inSpan({ kind: 'client', name: `round ${protocol}`, attributes: about }, async (span) => {
    const started = keepRound(bus, space, 'started', { ...head, by });
    // What goes wrong with it is told below, when it is waited for.
    started.catch(() => undefined);
    if (opening === 'before') await started;
    const end = (outcome: unknown): Promise<void> => keepRound(bus, space, 'ended', { ...head, by, outcome });
    const outcome = await work().catch(async (error: unknown) => {
      const { code, message } = errorBodyOf(error);
      // The failure itself is thrown, and matters more than one to keep it.
      await started.then(() => end({ kind: 'failed', code, message })).catch(() => undefined);
      throw error;
    });
    span?.setAttribute(roundAttributes.outcome, outcome.kind);
    await started;
    await end(outcome);
    announce(bus, space, { round, protocol, strategy, subject, outcome });
    return outcome;
  });
}
