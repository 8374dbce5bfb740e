/**
 * Putting a change of a variable to the vote of the agents it concerns: a round of the protocol `consensus`, and what follows from it.
 *
 *   proposed ── record `voting` ──► round a-<hash> ── agreed ────────► the change, and its record `committed`
 *                    ▲                    │        ── anything else ──► record `failure`, with the proposal
 *                    └── a successor takes it up ──  void (B3) ───────► record `superseded`
 *
 * Y1 The change and its record are one commit, on the value that was decided on: if anybody has written the variable meanwhile,
 *    nothing is done, and the next window decides anew.
 * Y2 A proposal that is not ratified leaves the variable as it is, and the variable rests as after a change.
 * Y3 A leader that dies at any point leaves the record, from which its successor asks the same round again. Who has voted votes the
 *    same, and a round that has ended keeps its end.
 */
import { orchestratorName, wireForm } from '@mabeam/agents';
import { contextFrom, formatTraceparent, inSpan } from '@mabeam/bus';
import { establishConsensus, type Consensus, type VotingParty } from '@mabeam/coordination';
import { attributes } from '@mabeam/telemetry/api';
import { freezeKey, type VariableState } from '@mabeam/variables';
import type { AdaptationChange, AdaptationRecord } from './adaptation-record.ts';
import { callVote, proposalOf, voidedBy, withEnding } from './adaptation-vote.ts';
import { commitRecord } from './commit-record.ts';
import { identityHash } from './trigger.ts';
import type { SpaceState, StoredAdaptation } from '../state/space-state.ts';
import type { Term } from '../term/term.ts';

/** What became of a change that a policy wished for. */
export type ChangeOutcome =
  | { readonly kind: 'steady'; readonly reason: string }
  | { readonly kind: 'changed' | 'rejected'; readonly change: AdaptationChange; readonly reason: string };

/** How long voters are waited for. */
const voterMs = 5_000;

/** Nothing was written: the next window decides anew. */
export const othersWrote: ChangeOutcome = { kind: 'steady', reason: 'others wrote first' };

/** Adaptations whose vote has not come to anything yet. */
export function openVotes({ adaptations }: Pick<SpaceState, 'adaptations'>): readonly StoredAdaptation[] {
  return [...adaptations.values()].filter(({ record }) => record.outcome === 'voting');
}

/** Puts the change that `draft` proposes to the vote of `electorate`, and does what that comes to (Y1, Y2). Throws what the bus throws. */
export async function putToVote(
  term: Term,
  variable: VariableState,
  asked: {
    readonly draft: AdaptationRecord;
    readonly electorate: readonly VotingParty[];
  },
): Promise<ChangeOutcome> {
  const { draft, electorate } = asked;
  const hash = identityHash(draft);
  return await inSpan(spanOf(term, hash, variable.id), async (span) => {
    const record: AdaptationRecord = {
      ...draft,
      vote: callVote(hash, variable, electorate),
      traceparent: span === undefined ? undefined : formatTraceparent(span.spanContext()),
    };
    const revision = await commitRecord(term, record, 0);
    return revision === undefined ? othersWrote : await conclude(term, { hash, record, revision });
  });
}

/** Goes on with a vote that another leader, or an earlier window, left open (Y3). Throws what the bus throws. */
export async function takeUpVote(term: Term, vote: StoredAdaptation): Promise<ChangeOutcome> {
  const { proposal, traceparent } = vote.record;
  const span = spanOf(term, vote.hash, proposal?.variable ?? '');
  return await inSpan({ ...span, parent: contextFrom(traceparent) }, () => conclude(term, vote));
}

/** Holds the round unless it is void already, and writes what it came to, unless it is void then. */
async function conclude(term: Term, vote: StoredAdaptation): Promise<ChangeOutcome> {
  if (term.mirror.freeze !== undefined) return { kind: 'steady', reason: 'the space is frozen' };
  const before = voidedNow(term, vote);
  if (before !== undefined) return await callOff(term, vote, before);
  const consensus = await hold(term, vote.record);
  const ended = { ...vote, record: withEnding(vote.record, consensus) };
  const settled = await settle(term, ended, consensus.kind === 'agreed');
  if (settled !== undefined) return settled;
  await term.mirror.refresh();
  const after = voidedNow(term, vote);
  return after === undefined ? othersWrote : await callOff(term, ended, after);
}

/** The round. It is called off when the term ends; then it has no end yet, and whoever leads asks it again. */
async function hold({ bus, mirror, signal, space }: Term, record: AdaptationRecord): Promise<Consensus> {
  const { proposal, vote } = record;
  if (proposal === undefined || vote === undefined) throw new TypeError('only what has a vote is put to it');
  const plain = new Set(
    [...mirror.state.agents.values()]
      .filter(({ spec }) => wireForm(spec) === 'plain')
      .map(({ spec }) => spec.id),
  );
  const electorate = vote.electorate.map((voter): VotingParty => {
    return plain.has(voter.party) ? { ...voter, wire: 'json' } : voter;
  });
  return await establishConsensus(bus, space, electorate, proposalOf(record, proposal), {
    algorithm: 'weighted-voting',
    threshold: vote.threshold,
    subject: proposal.variable,
    round: vote.round,
    from: orchestratorName,
    requestTimeoutMs: voterMs,
    timeoutMs: 2 * voterMs,
    signal,
  });
}

function voidedNow({ mirror }: Term, vote: Omit<StoredAdaptation, 'hash'>): string | undefined {
  return voidedBy(vote, {
    variable: mirror.state.view.variables.get(vote.record.proposal?.variable ?? ''),
    frozenAt: mirror.revisionOf(freezeKey),
    at: Date.now(),
  });
}

/** Y1, Y2; undefined when it could not be written. */
async function settle(
  term: Term,
  { record, revision }: StoredAdaptation,
  isRatified: boolean,
): Promise<ChangeOutcome | undefined> {
  const { proposal: change, reason = '', ...rest } = record;
  if (change === undefined || voidedNow(term, { record, revision }) !== undefined) return undefined;
  const committedAt = new Date().toISOString();
  const next: AdaptationRecord = isRatified
    ? { ...rest, reason, rule: change.rule, changes: [change], outcome: 'committed', committedAt }
    : { ...record, outcome: 'failure' };
  if ((await commitRecord(term, next, revision)) === undefined) return undefined;
  return { kind: isRatified ? 'changed' : 'rejected', change, reason };
}

async function callOff(
  term: Term,
  { record, revision }: StoredAdaptation,
  why: string,
): Promise<ChangeOutcome> {
  const reason = record.reason === undefined ? why : `${record.reason}; ${why}`;
  await commitRecord(term, { ...record, outcome: 'superseded', reason }, revision);
  return { kind: 'steady', reason: why };
}

function spanOf({ space }: Term, hash: string, variable: string) {
  return {
    kind: 'consumer',
    name: `adapt ${variable}`,
    attributes: {
      [attributes.alwaysSample]: true,
      [attributes.space]: space,
      [attributes.adaptation]: hash,
    },
  } as const;
}
