/**
 * The asker's end of a decision among liars: opens the committee, and takes the first answer that proves itself.
 *
 * Promise: with at most `faults` liars no two askers, members or readers ever hold different decisions of one round. The asker
 * itself is not trusted with anything but the paper.
 */
import { digestOf, type Bus } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import * as z from 'zod';
import { holdRound } from '../../session/hold-round.ts';
import type { RoundOptions } from '../../session/round-options.ts';
import { newRoundId } from '../../session/round.ts';
import { participantSchema, type Participant, type ReadAnswer } from '../../session/session.ts';
import { seenAs, askUntilDecided, eitherOf } from '../ask-until-decided.ts';
import { pbftProtocol } from './join.ts';
import { verifyPbftDecision, writePbftPaper, type PbftDecision, type PbftPaper } from './paper.ts';

/** How the decision is sought. */
export interface PbftOptions extends Omit<RoundOptions, 'requestTimeoutMs'> {
  /** How many members may lie; there must be three times as many and one more. Default 1. */
  readonly faults?: number | undefined;
  /** Further proposals: the committee decides for one of them all. */
  readonly alternatives?: readonly Json[] | undefined;
  /** How long the first view may take; each further one twice as long. Default 1 000. */
  readonly viewMs?: number | undefined;
}

/** How it ended. */
export type PbftOutcome = (
  | {
      readonly kind: 'agreed';
      readonly value: Json;
      readonly accepted: number;
      readonly certificate: PbftDecision;
    }
  /** No quorum agreed in time: too few are there, too many refuse, or too many lie. */
  | { readonly kind: 'timeout' }
) & {
  readonly round: string;
  readonly participants: readonly Participant[];
  readonly durationMs: number;
};

/** A member as it is handed in. */
export interface CommitteeMember {
  readonly party: string;
  readonly key: string;
}

const answerSchema = z.object({ kind: z.literal('decided'), proof: z.unknown() });
const abstentionSchema = z.object({ kind: z.literal('abstain') });

/**
 * Lets a committee decide, and resolves with how the round ended, for whoever has asked in it first. Throws `insufficient-agents`,
 * `duplicate-participants`, `invalid-proposal`, `invalid-id`, `round-reused` (it was about another paper), `stream-missing` (no such
 * space), `disconnected` and `cancelled`.
 */
export async function establishPbft(
  bus: Bus,
  space: string,
  electorate: readonly CommitteeMember[],
  proposal: Json,
  options: PbftOptions = {},
): Promise<PbftOutcome> {
  const {
    faults = 1,
    alternatives = [],
    viewMs = 1_000,
    subject = 'proposal',
    round = newRoundId(),
  } = options;
  const paper = writePbftPaper({
    space,
    round,
    faults,
    viewMs,
    electorate: electorate.map(({ party, key }) => ({ party, key })),
    alternatives: [proposal, ...alternatives],
  });
  const head = {
    round,
    protocol: pbftProtocol,
    strategy: pbftProtocol,
    subject,
    electorate: paper.electorate.map(({ party }) => party),
    paper: digestOf(paper),
    proposals: paper.alternatives,
    from: options.from,
  };
  const work = (calledOff: AbortSignal): Promise<PbftOutcome> =>
    collect(bus, paper, { ...options, signal: eitherOf(options.signal, calledOff) });
  return await holdRound(bus, space, head, work, {
    // Of two papers for one round the committee would sit on one here, on the other there, and decide for neither.
    opening: options.round === undefined ? 'meanwhile' : 'before',
    read: (outcome) => readPbftOutcome(paper, outcome),
  });
}

const recordShape = { round: z.string(), participants: z.array(participantSchema), durationMs: z.number() };
const outcomeSchema = z.discriminatedUnion('kind', [
  z.object({ ...recordShape, kind: z.literal('agreed'), certificate: z.unknown() }),
  z.object({ ...recordShape, kind: z.literal('timeout') }),
]);

/** Reads how it ended on this paper, as somebody else has kept it: undefined when it is none, or a decision without its proof. */
function readPbftOutcome(paper: PbftPaper, outcome: unknown): PbftOutcome | undefined {
  const read = outcomeSchema.safeParse(outcome).data;
  if (read === undefined || read.round !== paper.round) return undefined;
  if (read.kind === 'timeout') return read;
  const verified = verifyPbftDecision(read.certificate);
  if (verified.kind === 'invalid') return undefined;
  const { decision, value } = verified;
  if (digestOf(decision.paper) !== digestOf(paper)) return undefined;
  return { ...read, value, accepted: decision.proof.choice, certificate: decision };
}

/** Opens the committee for all its members at once, until one answers with a proof. */
async function collect(bus: Bus, paper: PbftPaper, options: PbftOptions): Promise<PbftOutcome> {
  const { space, round } = paper;
  const { signal, timeoutMs = 180_000, from } = options;
  const deciding = new AbortController();
  let decided: Extract<ReturnType<typeof verifyPbftDecision>, { kind: 'valid' }> | undefined;
  const replied = new Set<string>();
  const read = (body: unknown, party: string): ReadAnswer<PbftDecision> => {
    if (abstentionSchema.safeParse(body).success) return { kind: 'abstained' };
    const proof = answerSchema.safeParse(body).data?.proof;
    const verified = verifyPbftDecision({ paper, proof });
    if (verified.kind === 'invalid') return { kind: 'invalid' };
    decided ??= verified;
    replied.add(party);
    deciding.abort();
    return { kind: 'value', value: verified.decision };
  };
  using session = await askUntilDecided(bus, space, {
    round,
    protocol: pbftProtocol,
    electorate: paper.electorate.map(({ party }) => party),
    phase: 'open',
    body: { paper },
    read,
    decided: deciding.signal,
    timeoutMs,
    requestTimeoutMs: timeoutMs,
    signal,
    from,
  });
  const { participants, durationMs } = session;
  const record = {
    round,
    participants: participants.map((one) => seenAs(one, replied, replied.size > 0)),
    durationMs,
  };
  if (decided === undefined) return { kind: 'timeout', ...record };
  const { decision, value } = decided;
  return { kind: 'agreed', value, accepted: decision.proof.choice, certificate: decision, ...record };
}
