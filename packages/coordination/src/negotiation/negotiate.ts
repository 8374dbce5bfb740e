/**
 * Negotiating a value: asks the parties what is not known of them, lets the strategy settle, and tells and keeps how it ended.
 *
 * The strategy is a pure proceeding (strategy.ts); here its questions are performed. A party with enough of a position is not
 * asked: what it would answer follows from its position. A party without is asked over request/reply, each in its own process.
 *
 * Promise: one session, one ending. Whoever does not answer is left out and named; what is agreed on lies in the range.
 */
import { parseId, type Bus } from '@mabeam/bus';
import { holdRound } from '../session/hold-round.ts';
import type { RoundOptions } from '../session/round-options.ts';
import { newRoundId } from '../session/round.ts';
import { plainOf, Session } from '../session/session.ts';
import { partiesOf, positionOf, type KnownParty, type NegotiatingParty } from './electorate.ts';
import { negotiationProtocol, readGivenAnswer, readStance } from './messages.ts';
import { recordOf, type Negotiation } from './outcome.ts';
import { totalWeight, type Position } from './position.ts';
import { strategyNamed, type StrategyName } from './strategies.ts';
import {
  usualAnswers,
  type Answer,
  type Answers,
  type Asked,
  type Settlement,
  type Strategy,
} from './strategy.ts';
import { termsOf, type TermOptions, type Terms } from './terms.ts';

/** How a value is negotiated. */
export interface NegotiationOptions extends TermOptions, Omit<RoundOptions, 'subject'> {
  /** One of ours by name, or one's own. Default `weighted-consensus`. */
  readonly strategy?: StrategyName | (string & {}) | Strategy | undefined;
  /** Utilities that parties name (`utility: 'name'`). */
  readonly utilities?: Readonly<Record<string, (value: unknown) => number>> | undefined;
}

interface Table {
  readonly bus: Bus;
  readonly space: string;
  readonly variable: string;
  readonly strategy: Strategy;
  readonly terms: Terms;
  readonly parties: readonly KnownParty[];
  readonly options: NegotiationOptions;
}

/**
 * Negotiates the value of a variable among parties, and resolves with how it ended; nothing is written to the variable. Throws
 * `no-participants`, `duplicate-participants`, `invalid-weights`, `invalid-preference`, `invalid-negotiation`,
 * `unknown-strategy`, `invalid-id`, `stream-missing` (no such space), `deadline-exceeded` (its events cannot be kept) and
 * `cancelled`.
 */
export async function negotiateValue(
  bus: Bus,
  space: string,
  variableId: string,
  parties: readonly NegotiatingParty[],
  options: NegotiationOptions = {},
): Promise<Negotiation> {
  const checked = partiesOf(parties, options.utilities ?? {});
  const terms = termsOf(options, totalWeight(checked.map(({ weight = 1 }) => ({ weight }))));
  const { strategy = 'weighted-consensus', round = newRoundId() } = options;
  const chosen = typeof strategy === 'string' ? strategyNamed(strategy) : strategy;
  const table = { bus, space, variable: variableId, strategy: chosen, terms, parties: checked, options };
  const electorate = electorateOf(table);
  const { from } = options;
  const about = { round, protocol: negotiationProtocol, strategy: chosen.name, subject: variableId };
  const work = (): Promise<Negotiation> => proceed(table, round, electorate);
  return await holdRound(bus, space, { ...about, electorate, from }, work, { opening: 'meanwhile' });
}

/** Asks who is to be asked, lets the strategy settle, and puts the record together. */
async function proceed(table: Table, round: string, electorate: readonly string[]): Promise<Negotiation> {
  const { bus, space, variable, strategy, parties, terms, options } = table;
  const { timeoutMs, requestTimeoutMs, signal, from } = options;
  using session = new Session(bus, space, {
    round,
    protocol: negotiationProtocol,
    electorate,
    plain: plainOf(parties),
    from,
    timeoutMs,
    requestTimeoutMs,
    signal,
  });
  const positions = await collectPositions(table, session);
  const settlement = quorumMissing(positions, terms) ?? (await settle(table, session, positions));
  const invited = new Set(parties.map(({ party }) => party));
  return recordOf(settlement, {
    round,
    variable,
    strategy: strategy.name,
    positions,
    range: terms.range,
    participants: session.participants.filter(
      ({ party, phase }) => invited.has(party) || phase !== undefined,
    ),
    durationMs: session.durationMs,
  });
}

/** Who may be asked: the parties, and who may decide for them. */
function electorateOf({ parties, terms: { hierarchy } }: Table): readonly string[] {
  const deciders = [hierarchy.coordinator, ...(hierarchy.deputies ?? [])].filter((id) => id !== undefined);
  return [...new Set([...parties.map(({ party }) => party), ...deciders.map((id) => parseId('party', id))])];
}

/** The positions of those who have one: as given, or as they say when they are asked. */
async function collectPositions(table: Table, session: Session): Promise<readonly Position[]> {
  const { strategy, terms, parties, variable } = table;
  const silent = parties.filter((party) => !strategy.isReady(party, terms));
  const { form, payment, reserve, increment } = terms.auction;
  const body = {
    variable,
    strategy: strategy.name,
    range: terms.range,
    ...(strategy.opening === 'bid' ? { auction: { form, payment, reserve, increment } } : {}),
  };
  const credits = new Map(parties.map(({ party, credit = Infinity }) => [party, credit]));
  const stances = await session.ask(
    strategy.opening,
    silent.map(({ party }) => ({ party, body })),
    (said, party) => readStance(said, credits.get(party) ?? Infinity),
  );
  return parties.flatMap((party) => {
    if (!silent.includes(party)) return [positionOf(party)];
    const stance = stances.get(party.party);
    if (stance === undefined) return [];
    const position = positionOf(party, stance);
    if (strategy.isReady(position, terms)) return [position];
    session.note(party.party, 'invalid');
    return [];
  });
}

function quorumMissing(positions: readonly Position[], terms: Terms): Settlement | undefined {
  const [present, needed] = [totalWeight(positions), terms.quorum * terms.invitedWeight];
  if (positions.length > 0 && present >= needed * (1 - 1e-12)) return undefined;
  return { kind: 'no-quorum', present, needed };
}

/** Performs the strategy's questions until it has settled. */
async function settle(table: Table, session: Session, positions: readonly Position[]): Promise<Settlement> {
  const { strategy, terms } = table;
  const proceeding = strategy.settle(positions, terms);
  const isLive = liveness(table, positions);
  let step = proceeding.next();
  while (step.done !== true)
    step = proceeding.next(await performQuestions(table, session, step.value, isLive));
  return step.value;
}

/** Is a party asked itself, or does its given position speak for it? */
function liveness(
  { parties, strategy, terms }: Table,
  positions: readonly Position[],
): (party: string) => boolean {
  const present = new Set(positions.map(({ party }) => party));
  const given = parties.filter((party) => party.ask !== true && strategy.isReady(party, terms));
  const spokenFor = new Set(given.map(({ party }) => party));
  return (party) => !(spokenFor.has(party) && present.has(party));
}

async function performQuestions(
  table: Table,
  session: Session,
  asked: readonly Asked[],
  isLive: (party: string) => boolean,
): Promise<Answers> {
  const live = asked.filter(({ to, usual }) => usual === undefined || isLive(to));
  const phase = live[0]?.question.phase;
  const answers = new Map<string, Answer>(usualAnswers(asked.filter((one) => !live.includes(one))));
  if (phase === undefined) return answers;
  const said = await session.ask(
    phase,
    live.map(({ to, question }) => ({ party: to, body: { variable: table.variable, ...question } })),
    (body) => readGivenAnswer(phase, body),
  );
  for (const { to, usual } of live) {
    const answer = said.get(to);
    const meant = answer?.kind === 'delegate' ? usual : answer;
    if (meant !== undefined) answers.set(to, meant);
  }
  return answers;
}
