/**
 * A party's end of gossip rounds: takes part when it is asked, writes what it would have otherwise, gossips with the other members,
 * and seals what all hold.
 *
 * Invariants
 *  A1  One paper a round: a second one is refused, so nobody gets two conversations out of one round.
 *  A2  It proposes once a round, before it first says what it holds.
 *  A3  It gossips until the round's time is over – of several who asked, the longest – or it has sealed; afterwards it still answers, as
 *      long as it remembers.
 */
import {
  busErrors,
  errorsOf,
  type Bus,
  type Identity,
  type ServedRequest,
  type Subscription,
} from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import type { Participation } from '../../negotiation/participate.ts';
import { forgetOldest } from '../../session/forget-oldest.ts';
import { LatestEnd } from '../../session/latest-end.ts';
import { announcementSubject, roundSubject } from '../../session/round.ts';
import { isByItsParty, isEntry, signEntry, sortedEntries } from './entry.ts';
import { createGossiper } from './gossiper.ts';
import {
  keysOf,
  scopeOf,
  signSeal,
  verifyGossipCertificate,
  type GossipCertificate,
  type GossipPaper,
} from './paper.ts';
import { gossipQuestions, type ReportQuestion } from './round-messages.ts';
import { RunningGossiper } from './run-gossiper.ts';
import { bodyOf, gossipProtocol, hearGossip, tellGossip } from './step-subject.ts';

/** What a party has to say in gossip rounds. */
export interface GossipVoice {
  readonly identity: Identity;
  /** What it would have otherwise or besides, by key; of two members that write one key the later stays. Default: nothing. */
  readonly propose?:
    | ((
        proposal: Readonly<Record<string, Json>>,
        paper: GossipPaper,
      ) => Readonly<Record<string, Json>> | Promise<Readonly<Record<string, Json>>>)
    | undefined;
  /** A round of this space was agreed on, provably. The announcement may be lost; the event of the round is kept. */
  readonly decided?: ((certificate: GossipCertificate) => void) | undefined;
  /** The wall clock. Default `Date.now`. */
  readonly clock?: (() => number) | undefined;
}

interface Sitting {
  readonly paper: GossipPaper;
  readonly scope: string;
  readonly running: RunningGossiper;
  readonly end: LatestEnd;
  /** Resolves when it has written what it proposes. */
  readonly proposed: Promise<void>;
}

const rememberedRounds = 256;
const settledSchema = z.object({ outcome: z.object({ certificate: z.unknown() }) });
const busError = errorsOf(busErrors);

/** Takes part in the gossip rounds of a space for a party until it is disposed of. One process speaks for a party. Throws `invalid-id`. */
export function attendGossip(bus: Bus, space: string, party: string, voice: GossipVoice): Participation {
  const sittings = new Map<string, Sitting>();
  const hearing = hearGossip(bus, { space, party }, (round, from, message) => {
    sittings.get(round)?.running.take({ kind: 'message', from, message });
  });
  const told = hearAgreed(bus, space, voice.decided);
  const answers = {
    report: async ({ body }: ServedRequest): Promise<unknown> => {
      const question = gossipQuestions.report.safeParse(body).data;
      if (question === undefined || question.paper.round !== question.round || question.paper.space !== space)
        throw malformed(party);
      const { end, running, proposed } = sit(bus, sittings, { party, voice, question });
      end.extend(question.endsInMs);
      await proposed;
      running.resume();
      const { digest, rounds, changedIn } = running.state;
      return { kind: 'report', digest, rounds, changedIn };
    },
    seal: async ({ body }: ServedRequest): Promise<unknown> => {
      const question = gossipQuestions.seal.safeParse(body).data;
      const sitting = sittings.get(question?.round ?? '');
      if (question === undefined) throw malformed(party);
      const { digest } = question;
      sitting?.running.take({ kind: 'seal', digest });
      if (sitting?.running.state.sealed !== digest) return { kind: 'abstain' };
      const { signature } = signSeal(voice.identity, { scope: sitting.scope, party, digest });
      return { kind: 'sealed', signature };
    },
    entries: async ({ body }: ServedRequest): Promise<unknown> => {
      const question = gossipQuestions.entries.safeParse(body).data;
      if (question === undefined) throw malformed(party);
      const sitting = sittings.get(question.round);
      if (sitting === undefined) return { kind: 'abstain' };
      return {
        kind: 'entries',
        entries: sortedEntries(sitting.running.state.held).map(({ entry }) => entry),
      };
    },
  };
  const services = Object.entries(answers).map(([phase, answer]) =>
    bus.serve(roundSubject(space, party, gossipProtocol, phase), answer, { queue: party }),
  );
  return {
    party,
    ready: () => bus.flush(),
    [Symbol.asyncDispose]: async () => {
      for (const sitting of sittings.values()) stop(sitting);
      await told?.[Symbol.asyncDispose]();
      await hearing[Symbol.asyncDispose]();
      await Promise.all(services.map((service) => service.close()));
    },
  };
}

/** Tells a voice of what verifies and is of this space. */
function hearAgreed(bus: Bus, space: string, decided: GossipVoice['decided']): Subscription | undefined {
  if (decided === undefined) return undefined;
  return bus.subscribe(announcementSubject(space, gossipProtocol), (message) => {
    const verified = verifyGossipCertificate(
      settledSchema.safeParse(bodyOf(message)).data?.outcome.certificate,
    );
    if (verified.kind === 'valid' && verified.certificate.paper.space === space)
      decided(verified.certificate);
  });
}

/** The sitting of a paper: a new one, or the one there is (A1). */
function sit(
  bus: Bus,
  sittings: Map<string, Sitting>,
  {
    party,
    voice,
    question,
  }: { readonly party: string; readonly voice: GossipVoice; readonly question: ReportQuestion },
): Sitting {
  const { paper } = question;
  const { round, space, electorate } = paper;
  const { identity } = voice;
  const scope = scopeOf(paper);
  const earlier = sittings.get(round);
  if (earlier?.scope === scope) return earlier;
  if (earlier !== undefined) {
    const message = `${party} takes part in the round ${round} on another paper; take a new round`;
    throw coordinationError('round-reused', message, { details: { round, party } });
  }
  if (!electorate.some((member) => member.party === party && member.key === identity.publicKey)) {
    const message = `${party} is not in the electorate with the key it has (round ${round})`;
    throw coordinationError('invalid-proposal', message, { details: { round, party } });
  }
  const keys = keysOf(paper);
  const gossiper = createGossiper({
    ...paper,
    self: party,
    members: [...keys.keys()],
    seed: Buffer.from(scope, 'base64url').readInt32LE(),
    sign: (entry) => signEntry(identity, scope, entry),
    check: (entry) => isByItsParty(scope, entry, keys),
  });
  const running = new RunningGossiper(gossiper, {
    send: (to, message) => tellGossip(bus, { space, group: round, party }, to, message),
    clock: voice.clock,
  });
  const end = new LatestEnd(() => running.pause());
  const sitting = { paper, scope, running, end, proposed: propose(running, voice, paper) };
  // Who asks is told what goes wrong with it; until somebody asks it is nobody's.
  sitting.proposed.catch(() => sittings.delete(round));
  sittings.set(round, sitting);
  const forgotten = forgetOldest(sittings, rememberedRounds);
  if (forgotten !== undefined) stop(forgotten);
  return sitting;
}

function stop({ end, running }: Sitting): void {
  end[Symbol.dispose]();
  running[Symbol.dispose]();
}

/** Writes what the party would have otherwise, and begins to gossip (A2). */
async function propose(running: RunningGossiper, voice: GossipVoice, paper: GossipPaper): Promise<void> {
  const proposed = Object.entries((await voice.propose?.(paper.proposal, paper)) ?? {});
  const wrong = proposed.find(([key, value]) => !isEntry(key, value));
  if (wrong !== undefined) {
    const message = `a party proposes "${wrong[0]}", which is no key, or has no JSON value of at most 64 KiB`;
    throw coordinationError('invalid-proposal', message, { details: { round: paper.round, key: wrong[0] } });
  }
  for (const [key, value] of proposed) running.take({ kind: 'write', key, value });
  running.take({ kind: 'start' });
}

function malformed(party: string): Error {
  const message = `a question to ${party} does not have the form of a gossip round of this space; see the protocol, "Gossip"`;
  return busError('malformed-message', message, { details: { party } });
}
