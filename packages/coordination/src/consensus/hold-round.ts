/** A round from its first event to its last, whatever protocol is spoken in it: its span, its two events, its announcement. */
import { errorBodyOf, inSpan, type Bus } from '@mabeam/bus';
import { roundAttributes } from '../semconv.ts';
import { announce, keepRound } from '../session/round.ts';

/** What is known of a round before it begins. */
export interface RoundFacts {
  readonly round: string;
  readonly protocol: string;
  readonly strategy: string;
  readonly subject: string;
  readonly electorate: readonly string[];
  /** Who asks. */
  readonly by: string;
}

/**
 * Holds a round, and resolves with its outcome when its end is kept. What `proceed` throws is kept as `failed`, and thrown. Throws
 * `stream-missing` (no such space) and `disconnected`.
 */
export async function holdRound<T extends { readonly kind: string }>(
  bus: Bus,
  space: string,
  facts: RoundFacts,
  proceed: () => Promise<T>,
): Promise<T> {
  const { round, protocol, strategy, subject, electorate } = facts;
  const span = {
    kind: 'client',
    name: `round ${protocol}`,
    attributes: {
      [roundAttributes.round]: round,
      [roundAttributes.protocol]: protocol,
      [roundAttributes.strategy]: strategy,
      [roundAttributes.subject]: subject,
      [roundAttributes.invited]: electorate.length,
      [roundAttributes.alwaysSample]: true,
    },
  } as const;
  return await inSpan(span, async (opened) => {
    const started = keepRound(bus, space, 'started', { ...facts });
    // What goes wrong with it is told below, when it is waited for.
    started.catch(() => undefined);
    const end = (outcome: unknown): Promise<void> => keepRound(bus, space, 'ended', { ...facts, outcome });
    const outcome = await proceed().catch(async (error: unknown) => {
      const { code, message } = errorBodyOf(error);
      // The failure itself is thrown, and matters more than one to keep it.
      await started.then(() => end({ kind: 'failed', code, message })).catch(() => undefined);
      throw error;
    });
    opened?.setAttribute(roundAttributes.outcome, outcome.kind);
    await started;
    await end(outcome);
    announce(bus, space, { round, protocol, strategy, subject, outcome });
    return outcome;
  });
}
