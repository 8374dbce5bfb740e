/** Asking an electorate to sign a draft: until enough have, or enough cannot any more. */
import type { Bus } from '@mabeam/bus';
import type { Participant, ReadAnswer } from '../../session/session.ts';
import { askUntilDecided, seenAs } from '../ask-until-decided.ts';
import { votesNeeded, type BlockDraft, type BlockVote, type LedgerMember } from './block.ts';
import { ledgerLog } from './certificate.ts';
import { readDraftAnswer, type DraftAnswer } from './message.ts';

/** How it is asked. */
export interface GatherOptions {
  readonly timeoutMs: number;
  /** One question. Default 5 000. */
  readonly requestTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The asking agent, when an agent asks. */
  readonly from?: string | undefined;
}

/** What came of it: enough signatures, or who refused. */
export interface Gathered {
  readonly votes: readonly BlockVote[];
  readonly isEnough: boolean;
  /** Who refused, by name. */
  readonly refusedBy: readonly string[];
  /** So many refused that the others are not enough. */
  readonly isRuledOut: boolean;
  readonly participants: readonly Participant[];
}

/** Asks all of them at once. Throws `cancelled`. */
export async function gatherVotes(
  bus: Bus,
  draft: BlockDraft,
  signers: readonly LedgerMember[],
  options: GatherOptions,
): Promise<Gathered> {
  const keys = new Map(signers.map(({ party, key }) => [party, key]));
  const answers = new Map<string, DraftAnswer>();
  const decided = new AbortController();
  const needed = votesNeeded(signers.length);
  const count = (kind: DraftAnswer['kind']): number =>
    [...answers.values()].filter((answer) => answer.kind === kind).length;
  const read = (body: unknown, party: string): ReadAnswer<DraftAnswer> => {
    const answer = readDraftAnswer(draft, { party, key: keys.get(party), body });
    if (answer.kind !== 'value' || decided.signal.aborted) return answer;
    answers.set(party, answer.value);
    const isHopeless = count('refused') + count('stale') > signers.length - needed;
    if (isHopeless || count('signed') >= needed) decided.abort();
    return answer;
  };
  using session = await askUntilDecided(bus, draft.space, {
    ...options,
    round: draft.operation,
    protocol: ledgerLog(draft.ledger),
    electorate: signers.map(({ party }) => party),
    phase: 'sign',
    body: { draft },
    read,
    decided: decided.signal,
  });
  const votes = [...answers.values()].flatMap((answer) => (answer.kind === 'signed' ? [answer.vote] : []));
  const refusals = [...answers].filter(([, { kind }]) => kind === 'refused');
  return {
    votes,
    isEnough: votes.length >= needed,
    refusedBy: refusals.map(([party]) => party).toSorted(),
    isRuledOut: refusals.length > signers.length - needed,
    participants: session.participants.map((one) => seenAs(one, answers, decided.signal.aborted)),
  };
}
