/** Rounds as text. Pure; what a round holds comes from events, so nothing of it is trusted to be there. */
import type { KeptRound, Negotiation } from '@mabeam/coordination';
import { oneLine, renderFields, renderTable, shownTime, shownValue, type Paint } from './table.ts';

/** A list of rounds. */
export function renderRounds(rounds: readonly KeptRound[], paint: Paint): string {
  if (rounds.length === 0) return 'no rounds are kept in this space';
  const rows = rounds.map((round) => [
    oneLine(round.round),
    timeOf(round.startedAt),
    oneLine(round.protocol),
    oneLine(round.subject),
    oneLine(round.strategy ?? ''),
    String(round.electorate.length),
    endingOf(round, paint),
  ]);
  return renderTable(['round', 'started', 'protocol', 'about', 'strategy', 'invited', 'ending'], rows, paint);
}

/** One round, with each of its parties. */
export function renderRound(round: KeptRound, paint: Paint): string {
  const { outcome = {} } = round;
  const fields = renderFields([...roundFields(round, paint), ...detailsOf(outcome)], paint);
  return `${fields}\n\n${partyTable(round.electorate, outcome, paint)}`;
}

/** What is known of any round. */
export function roundFields(round: KeptRound, paint: Paint): readonly (readonly [string, string])[] {
  return [
    ['round', oneLine(round.round)],
    ['protocol', oneLine([...new Set([round.protocol, round.strategy ?? round.protocol])].join(', '))],
    ['about', oneLine(round.subject)],
    ['asked by', oneLine(round.by)],
    ['started', timeOf(round.startedAt)],
    ['ending', endingOf(round, paint)],
  ];
}

/** A negotiation that has just ended. */
export function renderNegotiation(
  negotiation: Negotiation,
  revision: number | undefined,
  paint: Paint,
): string {
  const { round, variable, strategy, participants } = negotiation;
  const outcome: Readonly<Record<string, unknown>> = { ...negotiation };
  const parties = participants.map(({ party }) => party);
  const head = `${variable}: ${endingText(outcome, paint)} (${strategy}, round ${round})`;
  const written = revision === undefined ? '' : `\nwritten as revision ${revision}`;
  return `${head}${written}\n\n${partyTable(parties, outcome, paint)}`;
}

const shownDetails = ['winner', 'payments', 'allocation', 'budgets', 'rounds', 'values', 'details', 'asked'];

function detailsOf(outcome: Readonly<Record<string, unknown>>): readonly (readonly [string, string])[] {
  return shownDetails.flatMap((name) =>
    outcome[name] === undefined ? [] : [[name, oneLine(shownValue(outcome[name], 160))] as const],
  );
}

function endingOf({ endedAt, outcome }: KeptRound, paint: Paint): string {
  return endedAt === undefined ? paint(['yellow'], 'not ended') : endingText(outcome ?? {}, paint);
}

function endingText(outcome: Readonly<Record<string, unknown>>, paint: Paint): string {
  const kind = textOf(outcome['kind']) ?? 'ended';
  if (outcome['value'] === undefined) return paint(['red'], kind);
  return `${paint(['green'], kind)} ${oneLine(shownValue(outcome['value'], 60))}`;
}

function partyTable(
  parties: readonly string[],
  outcome: Readonly<Record<string, unknown>>,
  paint: Paint,
): string {
  const participants = rowsOf(outcome['participants']);
  const positions = rowsOf(outcome['positions']);
  const rows = parties.map((party) => {
    const took = participants.find((one) => one['party'] === party);
    const stood = positions.find((one) => one['party'] === party);
    const content = fieldOf(outcome['satisfaction'], party);
    return [
      oneLine(party),
      textOf(took?.['outcome']),
      textOf(took?.['phase']),
      shownWish(stood),
      textOf(stood?.['weight']),
      typeof content === 'number' ? content.toFixed(2) : undefined,
      took?.['late'] === 0 ? undefined : textOf(took?.['late']),
    ];
  });
  return renderTable(['party', 'took part', 'phase', 'stood for', 'weight', 'content', 'late'], rows, paint);
}

/** What a party wanted: its value, or what it offered. */
function shownWish(stood: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const wish = stood?.['preferred'] ?? stood?.['bundles'] ?? stood?.['orders'];
  if (wish === undefined) return undefined;
  const bid = stood?.['bid'] === undefined ? '' : `, bids ${shownValue(stood['bid'])}`;
  return oneLine(`${shownValue(wish, 40)}${bid}`);
}

function rowsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((row) => typeof row === 'object' && row !== null) : [];
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? new Map<string, unknown>(Object.entries(value)).get(key)
    : undefined;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : oneLine(typeof value === 'string' ? value : shownValue(value));
}

function timeOf(at: string | undefined): string {
  return at === undefined ? '-' : shownTime(new Date(at));
}
