/** A round from its first event to its last: a span around it, kept when it begins and ends, told when it is over. */
import { attributes, errorBodyOf, inSpan, type Bus } from '@mabeam/bus';
import { roundAttributes } from '../semconv.ts';
import { announce, keepRound } from './round.ts';

/** What a round is about. */
export interface RoundHead {
  readonly round: string;
  readonly protocol: string;
  readonly subject: string;
  readonly strategy?: string;
  readonly electorate: readonly string[];
  /** The asking agent; an operator when absent. */
  readonly from?: string | undefined;
}

/**
 * Holds a round: keeps that it has begun, does the work, keeps and announces how it ended. One that fails is kept with the code
 * of its error, which is thrown on.
 */
export async function holdRound<T extends { readonly kind: string }>(
  bus: Bus,
  space: string,
  { from: by = 'operator', ...head }: RoundHead,
  work: () => Promise<T>,
): Promise<T> {
  const { electorate, protocol, round, strategy, subject } = head;
  const name = `round ${protocol}`;
  const about = {
    [attributes.space]: space,
    [roundAttributes.round]: round,
    [roundAttributes.protocol]: protocol,
    [roundAttributes.subject]: subject,
    [roundAttributes.invited]: electorate.length,
    [roundAttributes.alwaysSample]: true,
    ...(strategy === undefined ? {} : { [roundAttributes.strategy]: strategy }),
  };
  return await inSpan({ kind: 'client', name, attributes: about }, async (span) => {
    await keepRound(bus, space, 'started', { ...head, by });
    try {
      const outcome = await work();
      span?.setAttribute(roundAttributes.outcome, outcome.kind);
      await keepRound(bus, space, 'ended', { ...head, by, outcome });
      announce(bus, space, {
        round,
        protocol,
        subject,
        ...(strategy === undefined ? {} : { strategy }),
        outcome,
      });
      return outcome;
    } catch (error) {
      const { code, message } = errorBodyOf(error);
      // The failure itself is thrown, and matters more than one to keep it.
      await keepRound(bus, space, 'ended', { ...head, by, outcome: { kind: 'failed', code, message } }).catch(
        () => undefined,
      );
      throw error;
    }
  });
}
