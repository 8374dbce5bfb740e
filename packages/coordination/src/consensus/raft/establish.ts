/**
 * One decision of a group, as a round: the members are asked to sit, the proposal is written into their log, and a majority signs that it
 * has read it there.
 *
 * Promise: what is agreed on was proposed, and is in the log of the electorate in one place, for all readers, for good. A group decides
 * for what it is told: who may say no takes a vote (establish.ts of the votes), who fears liars a committee.
 */
import { digestOf, type Bus } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import * as z from 'zod';
import { holdRound } from '../../session/hold-round.ts';
import type { RoundOptions } from '../../session/round-options.ts';
import { newRoundId } from '../../session/round.ts';
import { participantSchema, type Participant, type ReadAnswer } from '../../session/session.ts';
import { askUntilDecided, eitherOf } from '../ask-until-decided.ts';
import { askReceipts } from '../log/ask-receipts.ts';
import { certifyEntry, type LogCertificate } from '../log/receipt.ts';
import { openPhase, raftProtocol } from './attend.ts';
import { verifyRaftDecision } from './decision.ts';
import { majorityOf } from './entry.ts';
import { reused } from './member.ts';
import { groupOf, raftLog, writeRaftPaper, type RaftElector, type RaftPaper } from './paper.ts';
import { proposeForPlace, type ProposedEntry } from './propose.ts';

/** How a decision is sought. */
export interface RaftOptions extends RoundOptions {
  /** The group that the electorate has joined (`joinRaft`). Default: one of its own for this electorate, in which its parties are asked to sit (`attendRaft`). */
  readonly group?: string | undefined;
  /** How long a leader may be silent, in a group that is asked to sit. Default 500. */
  readonly electionMs?: number | undefined;
}

/** How it ended. */
export type RaftOutcome = (
  | {
      readonly kind: 'agreed';
      readonly value: Json;
      /** Its place in the log of the group, and the term in which it was written. */
      readonly index: number;
      readonly term: number;
      readonly certificate: LogCertificate;
    }
  /** No leader with a majority took it; it is not in the log. */
  | { readonly kind: 'no-quorum' }
  /** It may be in the log, without a majority that says so in time. */
  | { readonly kind: 'timeout' }
) & {
  readonly round: string;
  readonly group: string;
  readonly participants: readonly Participant[];
  readonly durationMs: number;
};

interface Work {
  readonly bus: Bus;
  readonly paper: RaftPaper;
  readonly proposal: Json;
  readonly round: string;
  readonly options: RaftOptions;
  readonly startedAt: number;
}

const defaultMs = 30_000;
const sittingSchema = z.object({ kind: z.literal('sitting') });

/**
 * Lets a group decide for a proposal, and resolves with how the round ended. Throws `no-participants`, `duplicate-participants`,
 * `invalid-proposal`, `invalid-id`, `round-reused`, `log-full`, `stream-missing` (no such space), `disconnected` and `cancelled`.
 */
export async function establishRaft(
  bus: Bus,
  space: string,
  electorate: readonly RaftElector[],
  proposal: Json,
  options: RaftOptions = {},
): Promise<RaftOutcome> {
  const { round = newRoundId(), subject = 'proposal', group = groupOf(electorate), from } = options;
  const paper = writeRaftPaper({ space, group, electorate });
  const head = {
    round,
    protocol: raftProtocol,
    strategy: raftProtocol,
    subject,
    electorate: paper.electorate.map(({ party }) => party),
    paper: digestOf({ paper, proposal }),
    proposals: [proposal],
    from,
  };
  const startedAt = performance.now();
  const work = (calledOff: AbortSignal): Promise<RaftOutcome> => {
    const signal = eitherOf(options.signal, calledOff);
    return decide({ bus, paper, proposal, round, options: { ...options, signal }, startedAt });
  };
  return await holdRound(bus, space, head, work, {
    opening: options.round === undefined ? 'meanwhile' : 'before',
    read: (outcome) => readRaftOutcome({ paper, round, proposal }, outcome),
  });
}

async function decide(work: Work): Promise<RaftOutcome> {
  const { bus, options, paper, proposal, round } = work;
  const { group, space } = paper;
  const members = paper.electorate.map(({ party }) => party);
  if (options.group === undefined) {
    const { isEnough, participants } = await seat(work);
    if (!isEnough) return endOf(work, { kind: 'no-quorum' }, participants);
  }
  const { from, requestTimeoutMs, signal } = options;
  const proposed = await proposeForPlace(bus, space, {
    group,
    members,
    body: proposal,
    options: { id: round, timeoutMs: leftOf(work), requestTimeoutMs, signal, from },
  });
  if (proposed.kind !== 'committed') return endOf(work, proposed, []);
  return await certify(work, proposed);
}

/** Asks all to sit, until a majority does. */
async function seat({ bus, options, paper, round }: Work): Promise<{
  readonly isEnough: boolean;
  readonly participants: readonly Participant[];
}> {
  const { electionMs = 500, from, requestTimeoutMs, signal, timeoutMs = defaultMs } = options;
  const enough = new AbortController();
  const sitting = new Set<string>();
  const read = (body: unknown, party: string): ReadAnswer<true> => {
    if (!sittingSchema.safeParse(body).success) return { kind: 'invalid' };
    sitting.add(party);
    if (sitting.size >= majorityOf(paper.electorate)) enough.abort();
    return { kind: 'value', value: true };
  };
  using session = await askUntilDecided(bus, paper.space, {
    round,
    protocol: raftProtocol,
    phase: openPhase,
    read,
    decided: enough.signal,
    electorate: paper.electorate.map(({ party }) => party),
    body: { paper, electionMs },
    timeoutMs,
    requestTimeoutMs,
    signal,
    from,
  });
  return { isEnough: enough.signal.aborted, participants: session.participants };
}

/** Asks for receipts of the entry, until a majority has given them. */
async function certify(
  work: Work,
  { before, entry, index }: Extract<ProposedEntry, { kind: 'committed' }>,
): Promise<RaftOutcome> {
  const { bus, options, paper, proposal, round } = work;
  const { from, signal } = options;
  const log = raftLog(paper.group);
  const about = { space: paper.space, log, electorate: paper.electorate, share: 'majority' } as const;
  const place = { index, before, digest: digestOf(entry) };
  const { isEnough, participants, receipts } = await askReceipts(
    bus,
    paper.space,
    { ...about, entry: place },
    { round, protocol: log, timeoutMs: leftOf(work), signal, from },
  );
  const certificate = certifyEntry({ ...about, entry: { index, before, body: entry } }, receipts);
  // What the member that answered says of the place is believed when a majority has signed it.
  const verified = verifyRaftDecision(certificate);
  const isProven = isEnough && verified.kind === 'valid' && verified.id === round;
  if (!isProven) return endOf(work, { kind: 'timeout' }, participants);
  const { term, value } = verified;
  // A majority has it in its log, and the member that answered passed it off as ours.
  if (digestOf(value) !== digestOf(proposal)) throw reused(paper.group, round);
  return endOf(work, { kind: 'agreed', value, index, term, certificate }, participants);
}

function leftOf({ options, startedAt }: Work): number {
  return Math.max(1, (options.timeoutMs ?? defaultMs) - (performance.now() - startedAt));
}

type Ending<O = RaftOutcome> = O extends unknown
  ? Omit<O, 'round' | 'group' | 'participants' | 'durationMs'>
  : never;

function endOf(work: Work, ending: Ending, participants: readonly Participant[]): RaftOutcome {
  const { paper, round, startedAt } = work;
  return { ...ending, round, group: paper.group, participants, durationMs: performance.now() - startedAt };
}

const recordShape = {
  round: z.string(),
  group: z.string(),
  participants: z.array(participantSchema),
  durationMs: z.number(),
};
const outcomeSchema = z.discriminatedUnion('kind', [
  z.object({ ...recordShape, kind: z.literal('agreed'), certificate: z.unknown() }),
  z.object({ ...recordShape, kind: z.literal('no-quorum') }),
  z.object({ ...recordShape, kind: z.literal('timeout') }),
]);

/** Reads how it ended, as somebody else has kept it: undefined when it is none, or a decision without its proof. */
function readRaftOutcome(
  { paper, proposal, round }: Pick<Work, 'paper' | 'proposal' | 'round'>,
  outcome: unknown,
): RaftOutcome | undefined {
  const read = outcomeSchema.safeParse(outcome).data;
  if (read === undefined || read.round !== round) return undefined;
  if (read.kind !== 'agreed') return read;
  const verified = verifyRaftDecision(read.certificate);
  if (verified.kind === 'invalid' || verified.id !== round) return undefined;
  const { certificate, group, index, term, value } = verified;
  if (digestOf(value) !== digestOf(proposal)) return undefined;
  const isOurs = group === paper.group && digestOf(certificate.electorate) === digestOf(paper.electorate);
  return isOurs ? { ...read, value, index, term, certificate } : undefined;
}
