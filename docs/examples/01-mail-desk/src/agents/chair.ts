/**
 * The chair calls the specialists together and writes nothing: what they agree on stands in the event of the round's end, and rules of
 * the space act on that (space.yaml). It reads the same audits as they do.
 *
 *   the bench has changed, and all have been seen at work ──► the threshold is negotiated, once for each change of the bench
 *   a member is proven wrong, five audits long            ──► its discharge is put to the vote, again after ten audits if it fails
 *
 * A context has no way to hold rounds, so the chair has a connection of its own, and its own copy of the variables.
 */
import { changeProposal, defineAgent, publicKeys, runAgent, type AgentContext } from '@mabeam/agents';
import {
  connectBus,
  contextFrom,
  inSpan,
  MabeamError,
  recordedTrace,
  type Bus,
  type StoredMessage,
} from '@mabeam/bus';
import { establishConsensus, negotiateValue, readRounds } from '@mabeam/coordination';
import { openVariables, type VariableState, type VariableStore } from '@mabeam/variables';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { z } from 'zod';
import { accusedIn, dischargeOf } from '../discharge.ts';
import { auditFilter, scoredVerdict } from '../messages.ts';
import { freshRecord, isKnown, noteAudit, weightOf } from '../track-record.ts';

/** Audited mails of each label after which a changed bench negotiates, though some of it has not been seen at work: it may never be. */
const patience = 100;
/** Audits that prove the same before the vote: the others may be a few behind. */
const auditsBefore = 5;
/** Audits after a vote before the next one. */
const auditsBetween = 10;
/** Who does not answer within a second is left out; nobody waits for the dead. */
const roundTimes = { requestTimeoutMs: 1_000, timeoutMs: 3_000 };
const thresholdStep = 0.01;

const bench = z.array(z.string());

/** What the chair needs to hold a round. */
interface Table {
  readonly bus: Bus;
  readonly store: VariableStore;
  readonly context: AgentContext;
}

let record = freshRecord();
/** Since when the bench is as it is, and how much of its work has been audited. */
let sitting = newSitting(0);
/** Who would have to be accused now, and for how many audits. */
let suspicion: { readonly member: string | undefined; readonly audits: number } = {
  member: undefined,
  audits: 0,
};
let resting = 0;
let isPresent = false;

await runAgent(
  defineAgent({
    start: async (context) => {
      // One that is started again in the same process reads everything again.
      [record, isPresent] = [freshRecord(), false];
      const bus = await connectBus({ name: 'chair' });
      const store = await openVariables(bus, context.space);
      context.signal.addEventListener('abort', () => {
        void store.close().then(() => bus.close());
      });
      await context.fold(auditFilter, (event) => hearAudit(event, { bus, store, context }));
      isPresent = true;
    },
  }),
);

/** One more audit: of those that were kept before the chair came it only takes note. */
async function hearAudit(event: StoredMessage, table: Table): Promise<void> {
  const audit = scoredVerdict.parse(event.json());
  record = noteAudit(record, audit);
  resting = Math.max(0, resting - 1);
  if (!isPresent) return;
  const variable = table.store.get('specialists');
  const { keyRevision: revision } = variable;
  if (sitting.revision !== revision) sitting = newSitting(revision);
  sitting = { ...sitting, [audit.label]: sitting[audit.label] + 1 };
  const { minActive = 1 } = variable.definition.constraints;
  const members = bench.parse(variable.value);
  suspect(accusedIn(record, members, minActive));
  const accused = suspicion.member;
  if (accused !== undefined && isToBeHeard()) {
    resting = auditsBetween;
    const round = `discharge-${accused}-${event.sequence}`;
    await callRound(event, table, () => putToVote(table, members, { accused, round }));
  } else if (isToBeSettled(variable, members)) {
    sitting = { ...sitting, isSettled: true };
    await callRound(event, table, () => negotiate(table, members, `threshold-${revision}`));
  }
}

function newSitting(revision: number) {
  return { revision, ham: 0, spam: 0, isSettled: false, isDismissed: false };
}

function suspect(member: string | undefined): void {
  suspicion = { member, audits: member === suspicion.member ? suspicion.audits + 1 : 1 };
}

/** Not while the last vote is recent, nor when this bench has decided already: then the rule acts, and another bench sits. */
function isToBeHeard(): boolean {
  return resting === 0 && !sitting.isDismissed && suspicion.audits >= auditsBefore;
}

/** Once for each change of the bench; that its definition says is none. */
function isToBeSettled({ entry }: VariableState, members: readonly string[]): boolean {
  const { ham, isSettled, spam } = sitting;
  const isDefined = entry === undefined || entry.cause === 'initial' || entry.cause === 'redefined';
  if (isSettled || isDefined) return false;
  return members.every((member) => isKnown(record, member)) || Math.min(ham, spam) >= patience;
}

/** A round that cannot be held – no connection, nobody there – is told; the desk goes on without it. */
async function callRound(
  event: StoredMessage,
  { context: { log } }: Table,
  hold: () => Promise<void>,
): Promise<void> {
  const traceparent = event.headers.get('traceparent');
  // A round is to be seen, so it begins a trace where the mail's is not recorded.
  const parent = recordedTrace(traceparent) === undefined ? ROOT_CONTEXT : contextFrom(traceparent);
  const span = { kind: 'consumer', name: 'round called', attributes: {}, parent } as const;
  try {
    await inSpan(span, hold);
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    log.warn({ err: error }, 'a round could not be held');
  }
}

async function putToVote(
  { bus, context: { agent, log, space } }: Table,
  members: readonly string[],
  { accused, round }: { readonly accused: string; readonly round: string },
): Promise<void> {
  const keys = await publicKeys(bus, space, members, { vouchedBy: 'host' });
  const electorate = members.map((party) => ({ party, key: keys.get(party)?.key }));
  const proposal = changeProposal(dischargeOf(record, members, accused));
  const options = { subject: 'specialists', round, from: agent, ...roundTimes };
  const { kind, votes } = await establishConsensus(bus, space, electorate, proposal, options);
  if (kind === 'agreed') sitting = { ...sitting, isDismissed: true };
  log.info({ round, accused, outcome: kind, votes }, `${accused} was put to the vote: ${kind}`);
}

async function negotiate(
  { bus, context: { agent, log, space }, store }: Table,
  members: readonly string[],
  round: string,
): Promise<void> {
  const [earlier] = await readRounds(bus, space, round);
  if (earlier?.endedAt !== undefined) return;
  const { min, max } = store.get('threshold').definition.domain;
  const parties = members.map((party) => ({ party, weight: weightOf(record, party) }));
  const constraints = { min, max, step: thresholdStep };
  const options = { round, from: agent, constraints, ...roundTimes };
  const negotiation = await negotiateValue(bus, space, 'threshold', parties, options);
  log.info({ round, outcome: negotiation.kind }, `the threshold was negotiated: ${negotiation.kind}`);
}
