/**
 * Who leaves the bench by vote: when a member is accused, and when another agrees. Pure.
 *
 * D1 Whoever is accused is proven wrong by the audits (track-record.ts), and of several the one with the lowest accuracy.
 * D2 Everybody at the bench has a vote, the accused too: more than half of the whole team must agree. So two cannot discharge each
 *    other, nobody is outvoted by a part of the team while others are silent, and no rule asks who is accused.
 * D3 Nobody is accused where the variable allows no smaller bench (`minActive`); no value below it would be taken either.
 */
import type { ProposedChange } from '@mabeam/agents';
import { isProvenWrong, standingOf, type TrackRecord } from './track-record.ts';

/** The member that is to be put to the vote; undefined when there is none (D1, D3). */
export function accusedIn(
  record: TrackRecord,
  bench: readonly string[],
  minActive: number,
): string | undefined {
  if (bench.length <= minActive) return undefined;
  const accuracy = (member: string): number => standingOf(record, member)?.accuracy ?? 1;
  return bench
    .filter((member) => isProvenWrong(record, member))
    .toSorted((a, b) => accuracy(a) - accuracy(b) || (a < b ? -1 : 1))[0];
}

/** The change that discharges a member, as it is put to the vote. */
export function dischargeOf(
  record: TrackRecord,
  bench: readonly string[],
  member: string,
): ProposedChange & { readonly from: string[]; readonly to: string[] } {
  const { accuracy = 0, seen = 0 } = standingOf(record, member) ?? {};
  return {
    variable: 'specialists',
    from: [...bench],
    to: bench.filter((each) => each !== member),
    reason: `${member} was right on ${Math.round(accuracy * 100)} % of its last audited mails (${seen} or more of each label); a coin is on 50 %`,
  };
}

/** What a member knows when it is asked for its vote. */
export interface Juror {
  readonly agent: string;
  readonly record: TrackRecord;
  /** The bench as it knows it. */
  readonly bench: unknown;
}

/** Does a member agree to a change? Only if one other leaves the bench it knows, of whom its own record proves that it is wrong. */
export function doesAgree(change: ProposedChange | undefined, { agent, bench, record }: Juror): boolean {
  if (change?.variable !== 'specialists' || !isList(bench) || !isList(change.from) || !isList(change.to))
    return false;
  const { from, to } = change;
  const isOfThisBench = from.length === bench.length && bench.every((member) => from.includes(member));
  const [leaving, ...more] = from.filter((member) => !to.includes(member));
  if (!isOfThisBench || leaving === undefined || more.length > 0 || to.length !== from.length - 1)
    return false;
  return leaving !== agent && isProvenWrong(record, leaving);
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((member) => typeof member === 'string');
}
