/**
 * A member's end of a group: joins it, and is asked (docs/protocol.md, "Groups that keep a log").
 *
 * Promise: all members apply the same operations in the same order, each once, whatever is killed; what was committed stays. A member
 * needs nothing but its identity and the electorate: what it has forgotten it reads.
 */
import { busErrors, errorsOf, type Bus, type Identity } from '@mabeam/bus';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import { roundSubject } from '../../session/round.ts';
import { ensureLogs } from '../log/append.ts';
import { serveReceipts } from '../log/ask-receipts.ts';
import type { ApplyOperation } from './applying.ts';
import { RaftMember } from './member.ts';
import { readRaftMessage, type RaftMessage } from './message.ts';
import { raftLog, writeRaftPaper, type RaftElector } from './paper.ts';
import { proposePhase, readProposal, writeAnswer } from './proposal.ts';

/** What a member brings. */
export interface RaftVoice {
  readonly identity: Identity;
  /** All members with their keys, this one too; the same for everybody. */
  readonly electorate: readonly RaftElector[];
  /** Does what is committed. Default: nothing, with the result `null`. */
  readonly apply?: ApplyOperation | undefined;
  /** How long a leader may be silent before another is elected, ms, at least 20. The same for everybody. Default 1 000. */
  readonly electionMs?: number | undefined;
}

const stepPhase = 'step';
const stepSchema = z.object({ from: z.string(), message: z.unknown() });
const busError = errorsOf(busErrors);

/**
 * Joins a group for a party until it is disposed of; resolves when what is in the log is applied. One process speaks for a party. Throws `invalid-id`,
 * `invalid-proposal` (it is not in the electorate with its key), `no-participants`, `duplicate-participants`, `log-broken`,
 * `store-failed` and `disconnected`.
 */
export async function joinRaft(
  bus: Bus,
  space: string,
  group: string,
  party: string,
  { apply = () => null, electionMs = 1_000, electorate, identity }: RaftVoice,
): Promise<RaftMember> {
  const paper = writeRaftPaper({ space, group, electorate });
  if (!paper.electorate.some((member) => member.party === party && member.key === identity.publicKey)) {
    const message = `${party} is not in the electorate of the group ${group} with the key it has`;
    throw coordinationError('invalid-proposal', message, { details: { group, party } });
  }
  const protocol = raftLog(group);
  const send = (to: string, message: RaftMessage): void => {
    if (bus.connected) bus.publish(roundSubject(space, to, protocol, stepPhase), { from: party, message });
  };
  await ensureLogs(bus, space);
  const patience = Math.max(20, electionMs);
  const member = new RaftMember(bus, { paper, party, identity, apply, electionMs: patience, send });
  const hearing = bus.subscribe(roundSubject(space, party, protocol, stepPhase), (arrived) => {
    const step = stepSchema.safeParse(arrived.body()).data;
    const message = readRaftMessage(step?.message);
    if (step !== undefined && message !== undefined) member.hear(step.from, message);
  });
  const proposals = bus.serve(
    roundSubject(space, party, protocol, proposePhase),
    async ({ body }) => {
      const proposal = readProposal(body);
      if (proposal === undefined) throw malformed(party, group);
      return writeAnswer(await member.propose(proposal));
    },
    { queue: party },
  );
  const receipts = serveReceipts(bus, space, party, {
    identity,
    protocol,
    log: protocol,
    electorate: paper.electorate,
    share: 'majority',
    entryAt: (index, signal) => member.operationAt(index, signal),
  });
  await bus.flush();
  try {
    await member.start([
      async () => await hearing[Symbol.asyncDispose](),
      () => proposals.close(0),
      () => receipts.close(0),
    ]);
    return member;
  } catch (error) {
    await member[Symbol.asyncDispose]();
    throw error;
  }
}

function malformed(party: string, group: string): Error {
  const message = `what is proposed to ${party} is no operation for the group ${group}; see the protocol, "Groups that keep a log"`;
  return busError('malformed-message', message, { details: { party, group } });
}
