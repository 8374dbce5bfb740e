/**
 * The asker's end of a gossip round: has the members take part, asks them what they hold until all that live hold the same, and has
 * them seal it.
 *
 * Promise: what is agreed on was proposed, key by key, by the asker or by the member that signed it; more than half of all members
 * have sealed it, each only this. Who is silent longer than `patienceMs` is not waited for.
 */
import type { Bus } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { holdRound } from '../../session/hold-round.ts';
import type { RoundOptions } from '../../session/round-options.ts';
import { newRoundId } from '../../session/round.ts';
import { participantSchema, Session, type Participant, type ReadAnswer } from '../../session/session.ts';
import { eitherOf } from '../ask-until-decided.ts';
import { digestOfEntries, holdEntry, isByItsParty, type HeldEntries } from './entry.ts';
import type { GossipParty } from './join.ts';
import {
  certifyGossip,
  isSealedBy,
  keysOf,
  scopeOf,
  sealsNeeded,
  valueOf,
  verifyGossipCertificate,
  writeGossipPaper,
  type GossipCertificate,
  type GossipPaper,
  type Seal,
} from './paper.ts';
import { gossipAnswers, type Report } from './round-messages.ts';
import { standingOfReports } from './standing.ts';
import { gossipProtocol } from './step-subject.ts';

/** How it is held. */
export interface GossipRoundOptions extends RoundOptions {
  /** Peers that a member greets in a round. Default 3. */
  readonly fanout?: number | undefined;
  /** Time between a member's rounds. Default 50. */
  readonly everyMs?: number | undefined;
  /** How far ahead of a member's wall clock the clock of another may be. Default 5 000. */
  readonly maxSkewMs?: number | undefined;
  /** How long a member that says nothing counts as one that lives. Default 1 000. */
  readonly patienceMs?: number | undefined;
}

/** How it ended. */
export type GossipOutcome = (
  | {
      readonly kind: 'agreed';
      readonly value: Readonly<Record<string, Json>>;
      /** The members' own rounds until the last of them had learned the last thing. */
      readonly rounds: number;
      readonly digest: string;
      readonly certificate: GossipCertificate;
    }
  /** Time was up: the largest part of all members that held the same when they were last heard, from 0 to 1. */
  | { readonly kind: 'not-converged'; readonly fraction: number }
) & {
  readonly round: string;
  readonly participants: readonly Participant[];
  readonly durationMs: number;
};

/**
 * Lets members gossip about a proposal – a map – until they hold the same, and resolves with how the round ended, for whoever has
 * asked in it first. Throws `no-participants`, `duplicate-participants`, `invalid-proposal`, `invalid-id`, `round-reused` (it was
 * about another paper), `stream-missing` (no such space), `disconnected` and `cancelled`.
 */
export async function establishGossip(
  bus: Bus,
  space: string,
  electorate: readonly GossipParty[],
  proposal: Readonly<Record<string, Json>>,
  options: GossipRoundOptions = {},
): Promise<GossipOutcome> {
  const { subject = 'proposal', round = newRoundId(), from } = options;
  const { fanout = 3, everyMs = 50, maxSkewMs = 5_000 } = options;
  const members = electorate.map(({ party, key }) => ({ party, key }));
  const paper = writeGossipPaper({ space, round, fanout, everyMs, maxSkewMs, electorate: members, proposal });
  const names = paper.electorate.map(({ party }) => party);
  const head = {
    round,
    protocol: gossipProtocol,
    strategy: gossipProtocol,
    subject,
    electorate: names,
    paper: scopeOf(paper),
    proposals: [proposal],
    from,
  };
  const work = async (calledOff: AbortSignal): Promise<GossipOutcome> => {
    const { timeoutMs, requestTimeoutMs = 1_000, patienceMs = 1_000 } = options;
    const signal = eitherOf(options.signal, calledOff);
    using session = new Session(bus, space, {
      round,
      protocol: gossipProtocol,
      electorate: names,
      timeoutMs,
      requestTimeoutMs,
      signal,
      from,
    });
    const ending = await converge(session, paper, { patienceMs, signal });
    return { ...ending, round, participants: session.participants, durationMs: session.durationMs };
  };
  return await holdRound(bus, space, head, work, {
    // Members refuse a second paper of a round: who is asked again must know first whether it is the same.
    opening: options.round === undefined ? 'meanwhile' : 'before',
    read: (outcome) => readGossipOutcome(paper, outcome),
  });
}

const recordShape = { round: z.string(), participants: z.array(participantSchema), durationMs: z.number() };
const outcomeSchema = z.discriminatedUnion('kind', [
  z.object({ ...recordShape, kind: z.literal('agreed'), rounds: z.int().min(0), certificate: z.unknown() }),
  z.object({ ...recordShape, kind: z.literal('not-converged'), fraction: z.number() }),
]);

/** Reads how it ended on this paper, as somebody else has kept it: undefined when it is none, or one without its proof. */
function readGossipOutcome(paper: GossipPaper, outcome: unknown): GossipOutcome | undefined {
  const read = outcomeSchema.safeParse(outcome).data;
  if (read === undefined || read.round !== paper.round) return undefined;
  if (read.kind === 'not-converged') return read;
  const verified = verifyGossipCertificate(read.certificate);
  if (verified.kind === 'invalid' || scopeOf(verified.certificate.paper) !== scopeOf(paper)) return undefined;
  const { certificate, value, digest } = verified;
  return { ...read, value, digest, certificate };
}

type Ending = Pick<GossipOutcome, 'kind'> &
  (
    | Omit<Extract<GossipOutcome, { kind: 'agreed' }>, 'round' | 'participants' | 'durationMs'>
    | { readonly kind: 'not-converged'; readonly fraction: number }
  );

/** Asks again and again what they hold, and has it sealed when it is the same. */
async function converge(
  session: Session,
  paper: GossipPaper,
  { patienceMs, signal }: { readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<Ending> {
  const members = paper.electorate.map(({ party }) => party);
  const heardAt = new Map<string, number>();
  // What those that live said last: the last questions of a session have no time to be answered.
  const known = new Map<string, Report>();
  while (session.remainingMs >= 1) {
    const reports = await askReports(session, paper);
    const nowMs = session.durationMs;
    for (const [party, report] of reports) {
      heardAt.set(party, nowMs);
      known.set(party, report);
    }
    const silent = members.filter((party) => !reports.has(party));
    const awaited = silent.filter((party) => nowMs - (heardAt.get(party) ?? 0) < patienceMs);
    for (const party of silent) if (!awaited.includes(party)) known.delete(party);
    const standing = standingOfReports(reports, { members: members.length, awaited: awaited.length });
    const agreed = standing.kind === 'same' ? await seal(session, paper, standing) : undefined;
    if (agreed !== undefined) {
      const rounds = Math.max(...[...reports.values()].map(({ changedIn }) => changedIn));
      return { kind: 'agreed', rounds, ...agreed };
    }
    // A pause that is called off has ended; the next question says so.
    const pauseMs = Math.min(paper.everyMs, session.remainingMs);
    await pause(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  const { fraction } = standingOfReports(known, { members: members.length, awaited: 0 });
  return { kind: 'not-converged', fraction };
}

async function askReports(session: Session, paper: GossipPaper): Promise<ReadonlyMap<string, Report>> {
  const body = { paper, endsInMs: session.remainingMs };
  const questions = paper.electorate.map(({ party }) => ({ party, body }));
  return await session.ask('report', questions, (said) => read(gossipAnswers.report.safeParse(said).data));
}

/** Has those that hold a digest seal it, and fetches what it is of; undefined when too few do, or nobody can say. */
async function seal(
  session: Session,
  paper: GossipPaper,
  { digest, holders }: { readonly digest: string; readonly holders: readonly string[] },
): Promise<Pick<Extract<GossipOutcome, { kind: 'agreed' }>, 'value' | 'digest' | 'certificate'> | undefined> {
  const [scope, keys] = [scopeOf(paper), keysOf(paper)];
  const questions = holders.map((party) => ({ party, body: { digest } }));
  const sealed = await session.ask<Seal>('seal', questions, (said, party) => {
    const answer = gossipAnswers.seal.safeParse(said).data;
    if (answer === undefined) return abstentionOr(said);
    const one = { party, signature: answer.signature };
    return isSealedBy(one, { scope, digest, keys }) ? { kind: 'value', value: one } : { kind: 'invalid' };
  });
  if (sealed.size < sealsNeeded(paper)) return undefined;
  for (const party of sealed.keys()) {
    const answers = await session.ask<HeldEntries>('entries', [{ party, body: {} }], (said) => {
      const entries = gossipAnswers.entries.safeParse(said).data?.entries ?? [];
      const isSigned = entries.every((entry) => isByItsParty(scope, entry, keys));
      if (!isSigned) return { kind: 'invalid' };
      const held = new Map(entries.map((entry) => [entry.key, holdEntry(entry)]));
      return digestOfEntries(held) === digest ? { kind: 'value', value: held } : { kind: 'invalid' };
    });
    const held = answers.get(party);
    if (held !== undefined)
      return {
        value: valueOf(paper, held),
        digest,
        certificate: certifyGossip(paper, held, [...sealed.values()]),
      };
  }
  return undefined;
}

function read<T>(value: T | undefined): ReadAnswer<T> {
  return value === undefined ? { kind: 'invalid' } : { kind: 'value', value };
}

/** Who holds something else by now, stands aside. */
function abstentionOr<T>(said: unknown): ReadAnswer<T> {
  const isAside = typeof said === 'object' && said !== null && 'kind' in said && said.kind === 'abstain';
  return { kind: isAside ? 'abstained' : 'invalid' };
}
