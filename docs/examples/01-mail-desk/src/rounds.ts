/** What the specialists agreed on: the rounds of a run, as their events tell of them, and the revisions they led to. Pure. */
import type { KeptRound } from '@mabeam/coordination';
import type { AdaptationRecord } from '@mabeam/orchestrator';
import { z } from 'zod';
import { listed, text } from './texts.ts';

/** A negotiation of a variable, or a vote about it, and what came of it. */
export interface Agreement {
  readonly round: string;
  readonly about: string;
  /** How the round ended: `agreed`, or why there was no agreement; `open` when nothing is kept of its end. */
  readonly outcome: string;
  /** Who was asked. */
  readonly electorate: readonly string[];
  /** Of a negotiation: what each said it would prefer. */
  readonly preferred: Readonly<Record<string, unknown>>;
  /** Of a negotiation: the value agreed on. */
  readonly value: unknown;
  /** Of a vote: who accepted the proposal. */
  readonly ayes: readonly string[];
  /** Of a vote that was won: who has to leave, and why. */
  readonly leaving: readonly string[];
  readonly reason: string;
  /** The revision of the space that the agreement led to; null when it led to none. */
  readonly revision: number | null;
  readonly kind: 'negotiation' | 'vote';
}

const negotiated = z.object({
  positions: z.array(z.object({ party: z.string(), preferred: z.unknown() })).catch([]),
  value: z.unknown().optional(),
});
const voted = z.object({
  votes: z.record(z.string(), z.unknown()).catch({}),
  value: z
    .object({ from: z.array(z.string()), to: z.array(z.string()), reason: z.string() })
    .catch({ from: [], to: [], reason: '' }),
});

/** The agreements among the rounds of a space, in their order; `records` are its adaptations. */
export function agreementsOf(
  rounds: readonly KeptRound[],
  records: readonly Pick<AdaptationRecord, 'trigger' | 'changes' | 'revision'>[],
): readonly Agreement[] {
  return rounds.map((kept) => {
    const { round, subject, electorate, outcome = { kind: 'open' }, protocol } = kept;
    const led = records.find(
      ({ changes, trigger }) => changes.length > 0 && trigger === `round.${round}.ended`,
    );
    const isVote = protocol === 'consensus';
    return {
      round,
      kind: isVote ? ('vote' as const) : ('negotiation' as const),
      about: subject,
      outcome: String(outcome['kind']),
      electorate,
      ...(isVote ? voteIn(outcome) : negotiationIn(outcome)),
      revision: led?.revision ?? null,
    };
  });
}

type Details = Pick<Agreement, 'preferred' | 'value' | 'ayes' | 'leaving' | 'reason'>;

const nothing: Details = { preferred: {}, value: null, ayes: [], leaving: [], reason: '' };

function negotiationIn(outcome: unknown): Details {
  const { positions, value = null } = negotiated.parse(outcome);
  return {
    ...nothing,
    preferred: Object.fromEntries(positions.map(({ party, preferred }) => [party, preferred])),
    value,
  };
}

function voteIn(outcome: unknown): Details {
  const { value, votes } = voted.parse(outcome);
  const { from, reason, to } = value;
  const ayes = Object.keys(votes)
    .filter((party) => votes[party] === 0)
    .toSorted();
  return { ...nothing, ayes, leaving: from.filter((member) => !to.includes(member)), reason };
}

/** An agreement in one line, for people. */
export function renderAgreement(agreement: Agreement): string {
  const { about, ayes, electorate, kind, leaving, outcome, preferred, reason, revision, round, value } =
    agreement;
  const end = revision === null ? `round ${round}` : `round ${round}, revision ${revision}`;
  if (outcome !== 'agreed') {
    const what = kind === 'vote' ? `a vote about ${about}` : `a negotiation of ${about}`;
    return `${what} among ${listed(electorate)} came to nothing: ${outcome}; ${end}`;
  }
  if (kind === 'vote')
    return `voted out by ${listed(ayes)}, ${ayes.length} of ${electorate.length}: ${listed(leaving)} (${reason}); ${end}`;
  const wishes = Object.entries(preferred).map(([party, wish]) => `${party} ${shown(wish)}`);
  return `negotiated: ${about} ${shown(value)} (${wishes.join(', ')}); ${end}`;
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(Number(value.toFixed(2))) : text(value);
}
