/**
 * A member's end of a decision among liars: is opened by who asks, speaks with the other members, and answers with the decision.
 *
 * Invariants
 *  M1  One paper a round: a second one is refused, so nobody gets two committees out of one round.
 *  M2  It goes on to decide when nobody waits for its answer any more, until the time of the round is over – of several who opened it,
 *      the longest; opened again it goes on where it was. What was decided its voice is told once, and the other members as long as it
 *      remembers.
 *  M3  What the others say before it is opened itself waits for that; a member that is opened last is not behind.
 */
import { busErrors, errorsOf, type Bus, type Identity, type ServedRequest } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import type { Participation } from '../../negotiation/participate.ts';
import { forgetOldest } from '../../session/forget-oldest.ts';
import { LatestEnd } from '../../session/latest-end.ts';
import { roundSubject } from '../../session/round.ts';
import { EarlySteps } from './early-steps.ts';
import { readPbftMessage } from './message.ts';
import {
  committeeOfPaper,
  pbftPaperSchema,
  pbftPurpose,
  signatureCheckOf,
  type PbftDecision,
  type PbftPaper,
} from './paper.ts';
import type { PbftCertificate } from './proof.ts';
import { createReplica } from './replica.ts';
import { RunningReplica } from './run-replica.ts';

/** The name of the protocol in subjects and events. */
export const pbftProtocol = 'pbft';

/** What a member has to say. */
export interface MemberVoice {
  readonly identity: Identity;
  /** Which alternatives it takes, the one it would propose itself first. Default: all, in their order. */
  readonly accept?:
    | ((alternatives: readonly Json[], paper: PbftPaper) => readonly number[] | Promise<readonly number[]>)
    | undefined;
  /** Its committee has decided, provably; told once a round, whether an asker still waits or not. What it throws becomes a process warning. */
  readonly decided?: ((decision: PbftDecision) => void) | undefined;
}

interface Sitting {
  readonly session: string;
  readonly running: RunningReplica;
  readonly end: LatestEnd;
}

const rememberedRounds = 256;
const longestMs = 86_400_000;
const openSchema = z.object({
  round: z.string(),
  withinMs: z.number().min(0).max(longestMs),
  paper: pbftPaperSchema,
});
const stepSchema = z.object({ round: z.string(), from: z.string(), message: z.unknown() });
const busError = errorsOf(busErrors);

/** Sits in the committees of a space for a party until it is disposed of. One process speaks for a party. Throws `invalid-id`. */
export function joinPbft(bus: Bus, space: string, party: string, voice: MemberVoice): Participation {
  const sittings = new Map<string, Sitting>();
  const early = new EarlySteps();
  const open = async (request: ServedRequest): Promise<unknown> => {
    const opened = openSchema.safeParse(request.body).data;
    if (opened === undefined || opened.paper.round !== opened.round || opened.paper.space !== space)
      throw malformed(party);
    const { paper, withinMs, round } = opened;
    const accepts = (await voice.accept?.(paper.alternatives, paper)) ?? [...paper.alternatives.keys()];
    const sitting = sit(bus, sittings, { paper, party, voice, accepts });
    for (const step of early.take(round)) sitting.running.take({ kind: 'message', ...step });
    sitting.running.resume();
    sitting.end.extend(withinMs);
    const proof = await decisionWithin(sitting.running, withinMs);
    return proof === undefined ? { kind: 'abstain' } : { kind: 'decided', round, proof };
  };
  const service = bus.serve(roundSubject(space, party, pbftProtocol, 'open'), open, { queue: party });
  const hearing = bus.subscribe(roundSubject(space, party, pbftProtocol, 'step'), (arrived) => {
    const step = stepSchema.safeParse(arrived.body()).data;
    const message = readPbftMessage(step?.message);
    if (step === undefined || message === undefined) return;
    const { round, from } = step;
    const sitting = sittings.get(round);
    if (sitting === undefined) early.keep(round, { from, message }, arrived.data.length);
    else sitting.running.take({ kind: 'message', from, message });
  });
  return {
    party,
    ready: () => bus.flush(),
    [Symbol.asyncDispose]: async () => {
      for (const sitting of sittings.values()) stop(sitting);
      await hearing[Symbol.asyncDispose]();
      await service.close();
    },
  };
}

/** The sitting of a paper: a new one, or the one there is (M1). */
function sit(
  bus: Bus,
  sittings: Map<string, Sitting>,
  seat: {
    readonly paper: PbftPaper;
    readonly party: string;
    readonly voice: MemberVoice;
    readonly accepts: readonly number[];
  },
): Sitting {
  const { paper, party, voice } = seat;
  const { identity } = voice;
  const { round, space, viewMs } = paper;
  const committee = committeeOfPaper(paper);
  const { session } = committee;
  const earlier = sittings.get(round);
  if (earlier?.session === session) return earlier;
  if (earlier !== undefined) {
    const message = `${party} sits in the round ${round} on another paper; take a new round`;
    throw coordinationError('round-reused', message, { details: { round, party } });
  }
  if (!paper.electorate.some((member) => member.party === party && member.key === identity.publicKey)) {
    const message = `${party} is not in the committee with the key it has (round ${round})`;
    throw coordinationError('invalid-proposal', message, { details: { round, party } });
  }
  const replica = createReplica({
    committee,
    self: party,
    accepts: seat.accepts,
    sign: (statement) => ({ statement, by: party, signature: identity.sign(pbftPurpose, statement) }),
    check: signatureCheckOf(paper),
    viewMs,
  });
  const running = new RunningReplica(replica, (to, message) => {
    if (bus.connected)
      bus.publish(roundSubject(space, to, pbftProtocol, 'step'), { round, from: party, message });
  });
  const sitting = { session, running, end: new LatestEnd(() => running.pause()) };
  sittings.set(round, sitting);
  const forgotten = forgetOldest(sittings, rememberedRounds);
  if (forgotten !== undefined) stop(forgotten);
  void tellDecision(running, paper, voice);
  running.take({ kind: 'start' });
  return sitting;
}

async function tellDecision(
  running: RunningReplica,
  paper: PbftPaper,
  { decided }: MemberVoice,
): Promise<void> {
  const proof = await running.decision;
  try {
    if (proof !== undefined) decided?.({ paper, proof });
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}

function stop({ end, running }: Sitting): void {
  end[Symbol.dispose]();
  running[Symbol.dispose]();
}

/** The decision for who waits so long for it; undefined when it did not come. */
async function decisionWithin(
  running: RunningReplica,
  withinMs: number,
): Promise<PbftCertificate | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), withinMs);
  try {
    return await Promise.race([running.decision, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function malformed(party: string): Error {
  const message = `what opens a committee for ${party} has no paper of this space; see the protocol, "Decisions among liars"`;
  return busError('malformed-message', message, { details: { party } });
}
