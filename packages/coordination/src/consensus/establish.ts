/**
 * The asker's end of a vote: puts a proposal to the electorate, counts, stops as soon as it is decided either way, and keeps the
 * certificate. The parties answer in joinConsensus (join.ts).
 *
 * Promise: what is agreed on is one of the alternatives that were proposed; only signed votes of members count, one each; the
 * share is one of the whole electorate, so silence is never consent.
 */
import type { Bus } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { holdRound } from '../session/hold-round.ts';
import type { RoundOptions } from '../session/round-options.ts';
import { newRoundId } from '../session/round.ts';
import { plainOf, type Participant, type Session } from '../session/session.ts';
import { askUntilDecided, eitherOf, seenAs } from './ask-until-decided.ts';
import { certify } from './certificate.ts';
import { consensusOf, readConsensus, type Consensus } from './outcome.ts';
import {
  paperDigest,
  ruleName,
  standingBy,
  writePaper,
  type BallotPaper,
  type CountingRule,
  type Standing,
  type VoteAlgorithm,
  type VotingParty,
} from './paper.ts';
import { consensusProtocol, readVote, type SignedVote } from './vote.ts';

/** How agreement is sought. */
export interface ConsensusOptions extends RoundOptions {
  /** One of ours by name, or a rule of one's own. Default `simple-majority`. */
  readonly algorithm?: VoteAlgorithm | CountingRule | undefined;
  /** The share of the weight that a weighted vote must exceed: from 0, below 1. Default 0.5. */
  readonly threshold?: number | undefined;
  /** Further proposals: a voter accepts one of them all, or none. */
  readonly alternatives?: readonly Json[] | undefined;
}

/**
 * Puts a proposal to the vote, and resolves with how the round ended, for whoever has asked in it first. Throws `no-participants`,
 * `duplicate-participants`, `invalid-weights`, `invalid-proposal`, `invalid-id`, `round-reused` (it was about another paper),
 * `stream-missing` (no such space), `disconnected` and `cancelled`.
 */
export async function establishConsensus(
  bus: Bus,
  space: string,
  electorate: readonly VotingParty[],
  proposal: Json,
  options: ConsensusOptions = {},
): Promise<Consensus> {
  const {
    algorithm = 'simple-majority',
    alternatives = [],
    subject = 'proposal',
    round = newRoundId(),
  } = options;
  const { threshold } = options;
  const paper = writePaper({
    space,
    round,
    algorithm,
    threshold,
    electorate,
    alternatives: [proposal, ...alternatives],
  });
  const head = {
    round,
    protocol: consensusProtocol,
    strategy: ruleName(algorithm),
    subject,
    electorate: paper.electorate.map(({ party }) => party),
    paper: paperDigest(paper),
    proposals: paper.alternatives,
    from: options.from,
  };
  const rules = typeof algorithm === 'object' ? [algorithm] : [];
  const work = async (calledOff: AbortSignal): Promise<Consensus> => {
    const poll = await collect(bus, paper, {
      ...options,
      rules,
      plain: plainOf(electorate),
      signal: eitherOf(options.signal, calledOff),
    });
    const { standing, votes, durationMs } = poll;
    const isDecided = standing.kind === 'accepted' || standing.kind === 'rejected';
    const certificate = isDecided
      ? certify(paper, standing, { votes: [...votes.values()], durationMs })
      : undefined;
    return consensusOf(paper, { ...poll, certificate });
  };
  return await holdRound(bus, space, head, work, {
    // A round that others may have begun on another paper: nobody is asked before it is known that it was not.
    opening: options.round === undefined ? 'meanwhile' : 'before',
    read: (outcome) => readConsensus(paper, outcome, rules),
  });
}

/** How a poll went. */
interface Poll {
  readonly standing: Standing;
  readonly votes: ReadonlyMap<string, SignedVote>;
  readonly participants: Session['participants'];
  readonly isOutOfTime: boolean;
  readonly durationMs: number;
}

/** Asks everybody at once, until it is decided. */
async function collect(
  bus: Bus,
  paper: BallotPaper,
  options: ConsensusOptions & {
    readonly rules: readonly CountingRule[];
    readonly plain: ReadonlySet<string>;
  },
): Promise<Poll> {
  const { space, round } = paper;
  const tally = new Tally(paper, options.rules);
  const { signal, timeoutMs, requestTimeoutMs, from, plain } = options;
  using session = await askUntilDecided(bus, space, {
    round,
    protocol: consensusProtocol,
    electorate: paper.electorate.map(({ party }) => party),
    phase: 'vote',
    body: { paper },
    read: (body, party) => tally.take(party, body),
    decided: tally.decided,
    plain,
    timeoutMs,
    requestTimeoutMs,
    signal,
    from,
  });
  const { votes } = tally;
  return {
    standing: tally.standing,
    votes,
    participants: session.participants.map((participant) => tally.seen(participant)),
    isOutOfTime: session.remainingMs < 1,
    durationMs: session.durationMs,
  };
}

/**
 * The count while votes come in.
 *
 * Invariants
 *  T1  A party has one vote and a key votes for one party: the first that came counts, what follows is invalid.
 *  T2  `decided` aborts at the first vote after which the standing is not open; what comes later is not counted.
 */
class Tally {
  readonly votes = new Map<string, SignedVote>();
  readonly #paper: BallotPaper;
  readonly #digest: string;
  /** Whose answer is none of a vote. */
  readonly #silent = new Map<string, 'abstained' | 'invalid' | 'late'>();
  readonly #keys = new Set<string>();
  readonly #deciding = new AbortController();
  readonly #rules: readonly CountingRule[];

  constructor(paper: BallotPaper, rules: readonly CountingRule[]) {
    this.#paper = paper;
    this.#rules = rules;
    this.#digest = paperDigest(paper);
  }

  /** Aborts when the vote is decided. */
  get decided(): AbortSignal {
    return this.#deciding.signal;
  }

  get standing(): Standing {
    const votes = new Map([...this.votes].map(([party, { accepts }]) => [party, accepts]));
    const count = { votes, silent: new Set(this.#silent.keys()) };
    return standingBy(this.#rules, this.#paper, count) ?? { kind: 'open' };
  }

  /** How a participant did. */
  seen(participant: Participant): Participant {
    const outcome = this.#silent.get(participant.party);
    return outcome === undefined
      ? seenAs(participant, this.votes, this.decided.aborted)
      : { ...participant, outcome };
  }

  take(party: string, body: unknown): ReturnType<typeof readVote> {
    if (this.decided.aborted) {
      this.#silent.set(party, 'late');
      return { kind: 'invalid' };
    }
    const read = readVote(this.#paper, this.#digest, { party, body });
    const isUsed = read.kind === 'value' && (this.#keys.has(read.value.key) || this.votes.has(party));
    if (read.kind === 'value' && !isUsed) {
      this.votes.set(party, read.value);
      this.#keys.add(read.value.key);
    } else {
      this.#silent.set(party, read.kind === 'abstained' ? 'abstained' : 'invalid');
    }
    if (this.standing.kind !== 'open') this.#deciding.abort();
    return isUsed ? { kind: 'invalid' } : read;
  }
}
