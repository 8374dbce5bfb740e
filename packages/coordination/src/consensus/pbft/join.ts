/**
 * A member's end of a decision among liars: is opened by who asks, speaks with the other members, and answers with the decision.
 *
 * Invariants
 *  M1  One paper a round: a second one is refused, so nobody gets two committees out of one round.
 *  M2  It goes on to decide when nobody waits for its answer any more, until the time of the round is over; afterwards it
 *      still tells the other members what was decided, as long as it remembers.
 *  M3  What the others say before it is opened itself waits for that; a member that is opened last is not behind.
 */
import { busErrors, errorsOf, type Bus, type Identity, type ServedRequest } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import type { Participation } from '../../negotiation/participate.ts';
import { forgetOldest } from '../../session/forget-oldest.ts';
import { roundSubject } from '../../session/round.ts';
import { readPbftMessage, type PbftMessage } from './message.ts';
import { committeeOfPaper, pbftPaperSchema, pbftPurpose, signatureCheckOf, type PbftPaper } from './paper.ts';
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
}

/** What a member has said to another. */
interface Step {
  readonly from: string;
  readonly message: PbftMessage;
}

interface Sitting {
  readonly session: string;
  readonly running: RunningReplica;
}

const rememberedRounds = 256;
/** What is kept of a round in which nobody sits yet: more than a committee says before all have been opened. */
const earlyMessages = 512;
const openSchema = z.object({ round: z.string(), withinMs: z.number().min(0), paper: pbftPaperSchema });
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
    const sitting = sit(bus, sittings, { paper, party, identity: voice.identity, accepts });
    for (const step of early.take(round)) sitting.running.take({ kind: 'message', ...step });
    const timer = setTimeout(() => sitting.running[Symbol.dispose](), withinMs);
    const proof = await sitting.running.decision;
    clearTimeout(timer);
    return proof === undefined ? { kind: 'abstain' } : { kind: 'decided', round, proof };
  };
  const service = bus.serve(roundSubject(space, party, pbftProtocol, 'open'), open, { queue: party });
  const hearing = bus.subscribe(roundSubject(space, party, pbftProtocol, 'step'), (arrived) => {
    const step = stepSchema.safeParse(arrived.body()).data;
    const message = readPbftMessage(step?.message);
    if (step === undefined || message === undefined) return;
    const { round, from } = step;
    const sitting = sittings.get(round);
    if (sitting === undefined) early.keep(round, { from, message });
    else sitting.running.take({ kind: 'message', from, message });
  });
  return {
    party,
    ready: () => bus.flush(),
    [Symbol.asyncDispose]: async () => {
      for (const { running } of sittings.values()) running[Symbol.dispose]();
      await hearing[Symbol.asyncDispose]();
      await service.close();
    },
  };
}

/** What came for rounds in which nobody sits yet; the rounds heard of last, and of each so much. */
class EarlySteps {
  readonly #rounds = new Map<string, Step[]>();

  keep(round: string, step: Step): void {
    const steps = this.#rounds.get(round) ?? [];
    if (steps.length < earlyMessages) steps.push(step);
    this.#rounds.set(round, steps);
    forgetOldest(this.#rounds, rememberedRounds);
  }

  /** What has come for a round, once. */
  take(round: string): readonly Step[] {
    const steps = this.#rounds.get(round) ?? [];
    this.#rounds.delete(round);
    return steps;
  }
}

/** The sitting of a paper: a new one, or the one there is (M1). */
function sit(
  bus: Bus,
  sittings: Map<string, Sitting>,
  seat: {
    readonly paper: PbftPaper;
    readonly party: string;
    readonly identity: Identity;
    readonly accepts: readonly number[];
  },
): Sitting {
  const { paper, party, identity } = seat;
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
  const sitting = { session, running };
  sittings.set(round, sitting);
  forgetOldest(sittings, rememberedRounds)?.running[Symbol.dispose]();
  running.take({ kind: 'start' });
  return sitting;
}

function malformed(party: string): Error {
  const message = `what opens a committee for ${party} has no paper of this space; see the protocol, "Decisions among liars"`;
  return busError('malformed-message', message, { details: { party } });
}
