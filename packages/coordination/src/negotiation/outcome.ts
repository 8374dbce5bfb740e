/** How a negotiation ended, with what is worth knowing of the way there: plain data, as it is kept. */
import type { MabeamError } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { coordinationError, type CoordinationErrorCode } from '../errors.ts';
import type { Participant } from '../session/session.ts';
import type { Position } from './position.ts';
import type { Settlement } from './strategy.ts';
import { utilityOf } from './utility.ts';
import type { ValueRange } from './value-range.ts';

/** What is known of a negotiation beside its ending. */
export interface NegotiationRecord {
  readonly round: string;
  readonly variable: string;
  readonly strategy: string;
  /** What each party stood for when it began. */
  readonly positions: readonly Readonly<Record<string, unknown>>[];
  readonly participants: readonly Participant[];
  /** How content each is with what was agreed on, from 0 to 1. Empty when nothing was. */
  readonly satisfaction: Readonly<Record<string, number>>;
  readonly durationMs: number;
}

/** The ending of a negotiation. */
export type Negotiation = Settlement & NegotiationRecord;

/** Puts the record of a negotiation together. */
export function recordOf(
  settlement: Settlement,
  facts: Omit<NegotiationRecord, 'satisfaction' | 'positions'> & {
    readonly positions: readonly Position[];
    readonly range: ValueRange;
  },
): Negotiation {
  const { positions, range, ...rest } = facts;
  return {
    ...rest,
    ...settlement,
    positions: positions.map(plainPosition),
    satisfaction: satisfactionWith(settlement, positions, range),
  };
}

/** The value that was agreed on; throws the code of the ending when there is none. */
export function agreedValue(negotiation: Negotiation): Json {
  if (negotiation.kind === 'agreed') return negotiation.value;
  throw endingError(negotiation);
}

const endings: Readonly<Record<Exclude<Settlement['kind'], 'agreed'>, CoordinationErrorCode>> = {
  deadlocked: 'deadlock',
  'no-quorum': 'no-quorum',
  'no-feasible-value': 'no-feasible-value',
  'no-winner': 'no-winner',
  'no-trade': 'no-trade',
  'coordinator-unavailable': 'coordinator-unavailable',
};

function endingError(negotiation: Exclude<Negotiation, { kind: 'agreed' }>): MabeamError {
  const { round, variable, participants } = negotiation;
  const message = `${variable}: ${reasonOf(negotiation)} (round ${round})`;
  return coordinationError(endings[negotiation.kind], message, {
    details: { round, variable, participants },
  });
}

function reasonOf(settlement: Exclude<Settlement, { kind: 'agreed' }>): string {
  switch (settlement.kind) {
    case 'deadlocked':
      return `no agreement after ${settlement.rounds} rounds; widen what the parties accept, or let one decide`;
    case 'no-quorum':
      return `parties of the weight ${settlement.present} took part, ${settlement.needed} are needed; see who is missing`;
    case 'no-feasible-value':
      return 'nothing that is wanted lies within the constraints; widen them';
    case 'no-winner':
      return `nobody bid as much as the reserve of ${settlement.reserve}`;
    case 'no-trade':
      return 'no buyer offers what a seller asks';
    case 'coordinator-unavailable':
      return `none of ${settlement.asked.join(', ')} answered to decide; start one, or name deputies`;
  }
}

function satisfactionWith(
  settlement: Settlement,
  positions: readonly Position[],
  range: ValueRange,
): Readonly<Record<string, number>> {
  if (settlement.kind !== 'agreed') return {};
  const { satisfaction, value } = settlement;
  if (satisfaction !== undefined) return satisfaction;
  const peers = positions.flatMap(({ preferred }) => (preferred === undefined ? [] : [preferred]));
  return Object.fromEntries(
    positions.map((position) => [position.party, utilityOf(position, value, peers, range)]),
  );
}

/** A position without what JSON cannot say. */
function plainPosition({ utility, credit, ...rest }: Position): Readonly<Record<string, unknown>> {
  return {
    ...rest,
    ...(typeof utility === 'object' ? { utility } : {}),
    ...(Number.isFinite(credit) ? { credit } : {}),
  };
}
