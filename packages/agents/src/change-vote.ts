/**
 * The vote on a change, over request and reply: `command.vote.<agent>.cast` (docs/protocol.md, "Adaptation of variables by themselves").
 * Both ends are here: an agent that is asked says what it thinks of a proposed change; whoever asks counts.
 */
import { MabeamError, parseId, subjects, type Bus, type ServedRequest, type Service } from '@mabeam/bus';
import { z } from 'zod';

/** What an agent may say of a change. */
const votes = ['yes', 'no', 'abstain'] as const satisfies readonly Vote[];

/** What an agent says of a change. */
export type Vote = 'yes' | 'no' | 'abstain';

/** What became of one voter: its vote, or why there is none. */
export type VoteReply = Vote | 'timeout' | 'unavailable' | 'invalid';

const proposalSchema = z.object({
  variable: z.string(),
  from: z.unknown(),
  to: z.unknown(),
  reason: z.string(),
});

/** A change that is put to the vote, as a voter sees it. */
export type ProposedChange = Readonly<z.infer<typeof proposalSchema>>;

const answerSchema = z.object({ vote: z.enum(votes), reason: z.string().optional() });

/**
 * Serves an agent's vote until the service is closed; of its instances one answers. A throw counts as no vote. Throws `invalid-id`.
 */
export function serveVote(
  bus: Bus,
  space: string,
  agent: string,
  decide: (proposal: ProposedChange, request: ServedRequest) => Vote | Promise<Vote>,
): Service {
  return bus.serve(
    voteSubject(space, agent),
    async (request) => ({ vote: await decide(proposalSchema.parse(request.body), request) }),
    { queue: 'agent' },
  );
}

/** Asks an agent for its vote. Resolves with why there is none, if there is none in time; throws only what is no error of the bus. */
export async function askVote(
  bus: Bus,
  space: string,
  agent: string,
  proposal: ProposedChange,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<VoteReply> {
  try {
    const answer = answerSchema.safeParse(await bus.request(voteSubject(space, agent), proposal, options));
    return answer.success ? answer.data.vote : 'invalid';
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    if (error.code === 'no-responders') return 'unavailable';
    return error.code === 'handler-failed' ? 'invalid' : 'timeout';
  }
}

function voteSubject(space: string, agent: string): string {
  return subjects(space).at(`command.vote.${parseId('agent', agent)}.cast`);
}
