/** The form of a vote in the record of its adaptation: all that its round is made of, and how it ended (adaptation-vote.ts). */
import type { Choice, VotingParty } from '@mabeam/coordination';
import { z } from 'zod';

/** The vote an adaptation was put to. */
export interface AdaptationVote {
  /** The id of the round; its events have the certificate. */
  readonly round: string;
  /** From 0, below 1 (B2). */
  readonly threshold: number;
  readonly electorate: readonly VotingParty[];
  /** The newest revision of the variable's value and definition when the change was proposed. */
  readonly base: number;
  /** How it ended, in the words of the protocol `consensus`; absent while it is held. */
  readonly ending?: string | undefined;
  /** What each voted: 0 for the change, null against it. Who is not named did not vote, or was not waited for. */
  readonly votes?: Readonly<Record<string, Choice>> | undefined;
  /** The hash of the certificate, when it was decided. */
  readonly certificate?: string | undefined;
}

/** The schema of {@link AdaptationVote}. */
export const voteSchema: z.ZodType<AdaptationVote> = z.object({
  round: z.string(),
  threshold: z.number(),
  electorate: z.array(
    z.object({ party: z.string(), weight: z.number().optional(), key: z.string().optional() }),
  ),
  base: z.number(),
  ending: z.string().optional(),
  votes: z.record(z.string(), z.number().nullable()).optional(),
  certificate: z.string().optional(),
});
