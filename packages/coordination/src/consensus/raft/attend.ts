/**
 * A party that sits in whatever group it is asked to: for decisions among electorates that nobody knows before.
 *
 * Invariants
 *  A1  It sits only where it is named with its own key, and in a group of one name with one electorate.
 *  A2  It sits as long as any of those who asked it to has said, and a little longer; who asks again finds it reading the same log.
 */
import { busErrors, errorsOf, type Bus, type Identity } from '@mabeam/bus';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import type { Participation } from '../../negotiation/participate.ts';
import { LatestEnd } from '../../session/latest-end.ts';
import { roundSubject } from '../../session/round.ts';
import type { ApplyOperation } from './applying.ts';
import { joinRaft } from './join.ts';
import type { RaftMember } from './member.ts';
import { groupDigest, readRaftPaper, type RaftPaper } from './paper.ts';

/** The name of the protocol in events, and in the subject on which a party is asked to sit. */
export const raftProtocol = 'raft';
/** The phase in which it is asked. */
export const openPhase = 'open';

/** What a party brings that sits wherever it is asked to. */
export interface RaftAttendance {
  readonly identity: Identity;
  /** Does what is committed, in any group. Default: nothing. */
  readonly apply?: ApplyOperation | undefined;
}

interface Sitting {
  readonly digest: string;
  readonly member: Promise<RaftMember>;
  readonly end: LatestEnd;
}

const longestMs = 86_400_000;
const lingerMs = 5_000;
const mostSittings = 64;
const questionSchema = z.object({
  withinMs: z.number().min(0).max(longestMs),
  electionMs: z.number().min(20).max(60_000),
  paper: z.unknown(),
});
const busError = errorsOf(busErrors);

/** Sits for a party in the groups of a space until it is disposed of. One process speaks for a party. Throws `invalid-id`. */
export function attendRaft(bus: Bus, space: string, party: string, voice: RaftAttendance): Participation {
  const sittings = new Map<string, Sitting>();
  const service = bus.serve(
    roundSubject(space, party, raftProtocol, openPhase),
    async ({ body }) => {
      const question = questionSchema.safeParse(body).data;
      const paper = readRaftPaper(question?.paper);
      if (question === undefined || paper?.space !== space) throw malformed(party);
      const { electionMs, withinMs } = question;
      const sitting = sittingOf(bus, sittings, { ...voice, paper, party, electionMs });
      sitting.end.extend(withinMs + lingerMs);
      const member = await sitting.member;
      return { kind: 'sitting', term: member.term };
    },
    { queue: party },
  );
  return {
    party,
    ready: () => bus.flush(),
    [Symbol.asyncDispose]: async () => {
      await service.close();
      await Promise.all([...sittings.keys()].map((group) => leave(sittings, group)));
    },
  };
}

/** The sitting of a group: a new one, or the one there is (A1). */
function sittingOf(
  bus: Bus,
  sittings: Map<string, Sitting>,
  seat: RaftAttendance & { readonly paper: RaftPaper; readonly party: string; readonly electionMs: number },
): Sitting {
  const { electionMs, identity, apply, paper, party } = seat;
  const { electorate, group, space } = paper;
  const digest = groupDigest(paper);
  const earlier = sittings.get(group);
  if (earlier?.digest === digest) return earlier;
  if (earlier !== undefined) {
    const message = `${party} sits in the group ${group} with another electorate; name the group otherwise`;
    throw coordinationError('invalid-proposal', message, { details: { group, party } });
  }
  if (sittings.size >= mostSittings)
    throw busError('overloaded', `${party} sits in ${mostSittings} groups already; try again later`);
  const member = joinRaft(bus, space, group, party, { identity, electorate, electionMs, apply });
  const sitting: Sitting = { digest, member, end: new LatestEnd(() => void leave(sittings, group)) };
  sittings.set(group, sitting);
  // One that could not begin, or cannot go on, makes room for another try.
  const forget = (): void => {
    if (sittings.get(group) === sitting) sittings.delete(group);
  };
  member.then((joined) => joined.failed.addEventListener('abort', forget), forget);
  return sitting;
}

async function leave(sittings: Map<string, Sitting>, group: string): Promise<void> {
  const sitting = sittings.get(group);
  if (sitting === undefined) return;
  sittings.delete(group);
  sitting.end[Symbol.dispose]();
  // One that never began has nothing to end.
  const member = await sitting.member.catch(() => undefined);
  await member?.[Symbol.asyncDispose]();
}

function malformed(party: string): Error {
  const message = `what asks ${party} to sit in a group has no paper of this space; see the protocol, "Groups that keep a log"`;
  return busError('malformed-message', message, { details: { party } });
}
