/** Decisions and their certificates as text. Pure; what a round holds comes from events, so nothing of it is trusted to be there. */
import type { CertifiedDecision, Decision, DecisionVerification, KeptRound } from '@mabeam/coordination';
import { roundFields } from './round.ts';
import { oneLine, renderFields, renderTable, shownValue, type Paint } from './table.ts';

interface DecisionFacts {
  readonly algorithm: string;
  readonly proposals: readonly unknown[];
  /** Who says whose the keys are. */
  readonly keys: ReadonlyMap<string, { readonly vouchedBy: string }>;
  /** Its certificate, when there is one. */
  readonly verified: DecisionVerification | undefined;
  /** Where that was saved. */
  readonly saved: string | undefined;
  readonly paint: Paint;
}

/** A decision that has just been made, or was not. */
export function renderDecision(decision: Decision, facts: DecisionFacts): string {
  const { algorithm, keys, paint, proposals, saved, verified } = facts;
  const { kind, participants, round, value } = decision;
  const ending =
    value === undefined
      ? paint(['red'], kind)
      : `${paint(['green'], kind)} ${oneLine(shownValue(value, 160))}`;
  const where = saved === undefined ? '' : `; saved: mabeam round verify -f ${saved}`;
  const rows = participants.map(({ party }) => [
    ...partyCells(party, decision, { proposals, verified }),
    keys.get(party)?.vouchedBy,
  ]);
  const table = renderTable([...partyHeadings, 'key by'], rows, paint);
  const head = `${ending} (${algorithm}, round ${round})\ncertificate: ${certificateText(verified)}${where}`;
  return `${head}\n\n${table}`;
}

/** A round in which something was decided, or was not. */
export function renderDecisionRound(
  round: KeptRound,
  verified: DecisionVerification | undefined,
  paint: Paint,
): string {
  const { electorate, outcome = {}, proposals = [] } = round;
  const fields = [
    ...roundFields(round, paint),
    ...proposals.map((proposal) => ['proposed', oneLine(shownValue(proposal, 160))] as const),
    ['certificate', certificateText(verified)] as const,
  ];
  const rows = electorate.map((party) => partyCells(party, outcome, { proposals, verified }));
  return `${renderFields(fields, paint)}\n\n${renderTable(partyHeadings, rows, paint)}`;
}

function certificateText(verified: DecisionVerification | undefined): string {
  if (verified === undefined) return 'none';
  if (verified.kind === 'invalid') return oneLine(`not valid: ${verified.problem}`);
  const { electorate, signers } = verified.decision;
  const names = Object.keys(signers);
  return oneLine(`signed by ${names.join(', ')}: ${names.length} of ${electorate.length}`);
}

/** How a key on a certificate stands to the one on record. */
export type KeyStanding = 'on-record' | 'other' | 'unknown';

/** A certificate that holds. */
export function renderVerified(
  decision: CertifiedDecision,
  {
    keys,
    isReformatted,
    paint,
  }: {
    readonly keys: Readonly<Record<string, KeyStanding>>;
    readonly isReformatted: boolean;
    readonly paint: Paint;
  },
): string {
  const { algorithm, electorate, kind, round, signers, space, value } = decision;
  const standing = Object.entries(keys);
  const shown = value === undefined ? kind : `${kind} ${oneLine(shownValue(value, 160))}`;
  const fields: (readonly [string, string])[] = [
    ['certificate', paint(['green'], 'valid')],
    ['decision', shown],
    ['by', oneLine(algorithm)],
    ['round', oneLine(`${round}, space ${space}`)],
    ['asked', oneLine(electorate.join(', '))],
    ...Object.entries(signers).map(([party, key]) => ['signed', oneLine(`${party} ${key}`)] as const),
  ];
  if (standing.length > 0) {
    const text = standing.map(([party, how]) => `${party}: ${keyTexts[how]}`).join(', ');
    fields.push(['keys', oneLine(text)]);
  }
  if (isReformatted)
    fields.push(['spelling', 'not as it was signed: the file was reformatted; its content holds']);
  return renderFields(fields, paint);
}

const keyTexts: Readonly<Record<KeyStanding, string>> = {
  'on-record': 'on record',
  other: 'another key is on record now',
  unknown: 'none on record now',
};

const partyHeadings = ['party', 'took part', 'phase', 'said', 'late', 'why not'];

/** How a party took part, and what it said: its vote, that it signed, that it refused. */
function partyCells(
  party: string,
  outcome: Readonly<Record<string, unknown>>,
  { proposals, verified }: Pick<DecisionFacts, 'proposals' | 'verified'>,
): readonly (string | undefined)[] {
  const { participants, votes, by } = outcome;
  const took = Array.isArray(participants)
    ? participants.map((one: unknown) => fieldsOf(one)).find((one) => one.get('party') === party)
    : undefined;
  const cast = fieldsOf(votes);
  const hasSigned = verified?.kind === 'valid' && Object.hasOwn(verified.decision.signers, party);
  const hasRefused = Array.isArray(by) && by.includes(party);
  const otherwise = hasSigned ? 'signed' : hasRefused ? 'no' : undefined;
  const said = cast.has(party) ? choiceText(cast.get(party), proposals) : otherwise;
  const late = took?.get('late');
  return [
    oneLine(party),
    textOf(took?.get('outcome')),
    textOf(took?.get('phase')),
    said,
    late === 0 ? undefined : textOf(late),
    textOf(took?.get('code')),
  ];
}

function choiceText(choice: unknown, proposals: readonly unknown[]): string {
  if (choice === null) return 'no';
  const proposal = typeof choice === 'number' ? proposals[choice] : undefined;
  return oneLine(proposal === undefined ? shownValue(choice) : shownValue(proposal, 40));
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : oneLine(typeof value === 'string' ? value : shownValue(value));
}
