/**
 * The proposer's end of a ledger: has the electorate sign the next block, appends it behind the tip that it was signed for, and
 * gathers receipts for what stands there then.
 *
 * Invariants
 *  E1  The log decides: a block is appended behind the entry that its proposer has read last, or not at all. Who loses rebuilds on
 *      the new tip. So a ledger does not fork.
 *  E2  An operation – the round – has one block, however often it is asked for and whoever of its askers dies when.
 *  E3  `agreed` is a block that was read back from the log. Any other ending may have been overtaken by a block that is on its
 *      way: asking again in the same round tells.
 */
import { digestOf, MabeamError, pause, type Bus } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { holdRound } from '../../session/hold-round.ts';
import type { RoundOptions } from '../../session/round-options.ts';
import { newRoundId } from '../../session/round.ts';
import type { Participant } from '../../session/session.ts';
import { eitherOf } from '../ask-until-decided.ts';
import { appendToLog, ensureLogs } from '../log/append.ts';
import { askReceipts } from '../log/ask-receipts.ts';
import { draftBlock, membersOf, sealBlock, type Block, type LedgerMember } from './block.ts';
import {
  certifyBlock,
  ledgerLog,
  receiptSubject,
  type LedgerCertificate,
  type PlacedBlock,
} from './certificate.ts';
import type { LedgerTrust } from './chain.ts';
import { gatherVotes, type Gathered } from './gather-votes.ts';
import { ledgerProtocol } from './message.ts';
import { nextMove, type Wish } from './proposal.ts';
import { openLedger, type LedgerReader } from './read.ts';

/** How a block is sought. */
export interface LedgerOptions extends LedgerTrust, Omit<RoundOptions, 'subject'> {
  /** Which ledger of the space: an id of at most 56 characters. Default `ledger`. */
  readonly ledger?: string | undefined;
  /** The ledger as it is open already, in place of `ledger`, `keys` and `genesis`: what was read of it is not read again. */
  readonly reader?: LedgerReader | undefined;
  /** Append behind this block, or not at all (`stale-block`). Default: behind whichever is the last. */
  readonly prevHash?: string | undefined;
  /** Who signs from the next block on, when that shall change; those who sign now must sign that. */
  readonly members?: readonly LedgerMember[] | undefined;
}

/** How it ended. */
export type LedgerOutcome = (
  | {
      readonly kind: 'agreed';
      /** The changes. */
      readonly value: readonly Json[];
      readonly height: number;
      readonly hash: string;
      /** Absent when less than two thirds gave a receipt in time. Asking again in the same round asks for them again. */
      readonly certificate?: LedgerCertificate | undefined;
    }
  /** So many refused that the others are not enough. */
  | { readonly kind: 'rejected'; readonly by: readonly string[] }
  /** Less than two thirds of the electorate signed: too few are there. */
  | { readonly kind: 'no-quorum' }
  | { readonly kind: 'timeout' }
) & {
  readonly round: string;
  readonly ledger: string;
  readonly participants: readonly Participant[];
  readonly durationMs: number;
};

/**
 * Appends changes to a ledger as one block, which two thirds of its electorate signed, and resolves with how it ended; the first time
 * the electorate founds the ledger. The same round asked again has the same block. Throws `stale-block`, `no-participants`,
 * `duplicate-participants`, `invalid-proposal` (no JSON, too much, or another electorate than the ledger's), `round-reused` (it has
 * a block with other changes), `invalid-id`, `log-full`, `invalid-ledger`, `stream-missing`, `disconnected` and `cancelled`.
 */
export async function establishLedger(
  bus: Bus,
  space: string,
  electorate: readonly LedgerMember[],
  changes: readonly Json[],
  options: LedgerOptions = {},
): Promise<LedgerOutcome> {
  const { round = newRoundId(), from, keys, genesis, members } = options;
  const reader = options.reader ?? openLedger(bus, space, options.ledger ?? 'ledger', { keys, genesis });
  const { ledger } = reader.copy;
  const signers = membersOf(electorate);
  const proposer = from ?? 'operator';
  const { prevHash } = options;
  const next = members && membersOf(members);
  const wish: Wish = { round, changes, signers, members: next, prevHash, proposer };
  // What makes no block is refused before anybody is asked.
  const { root } = draftBlock({
    space,
    ledger,
    height: 1,
    prevHash: null,
    operation: round,
    proposer,
    signers,
    changes,
  });
  const head = {
    round,
    protocol: ledgerProtocol,
    strategy: 'blockchain',
    subject: ledger,
    electorate: signers.map(({ party }) => party),
    paper: digestOf({ ledger, root, members: next }),
    proposals: changes,
    from,
  };
  return await holdRound(
    bus,
    space,
    head,
    async (calledOff) => {
      await ensureLogs(bus, space);
      const signal = eitherOf(options.signal, calledOff);
      return await new Proposal(bus, reader, wish, { ...options, signal }).settle();
    },
    { isFinal: (kind) => kind === 'agreed' },
  );
}

type ProposalOptions = LedgerOptions & { readonly signal: AbortSignal };

/** What an ending is without its record. */
type Ending = LedgerOutcome extends infer T
  ? T extends unknown
    ? Omit<T, 'round' | 'ledger' | 'participants' | 'durationMs'>
    : never
  : never;

const defaultMs = 30_000;
const defaultRequestMs = 5_000;
const retryAfterMs = 50;

/** One proposer on its way to a block. */
class Proposal {
  readonly #bus: Bus;
  readonly #reader: LedgerReader;
  readonly #wish: Wish;
  readonly #options: ProposalOptions;
  readonly #startedAt = performance.now();
  #participants: readonly Participant[] = [];

  constructor(bus: Bus, reader: LedgerReader, wish: Wish, options: ProposalOptions) {
    this.#bus = bus;
    this.#reader = reader;
    this.#wish = wish;
    this.#options = options;
  }

  get #remainingMs(): number {
    const { timeoutMs = defaultMs } = this.#options;
    return Math.max(0, timeoutMs - (performance.now() - this.#startedAt));
  }

  /** Tries until it has ended, over lost connections too. */
  async settle(): Promise<LedgerOutcome> {
    for (;;) {
      const ending = await this.#attempt().catch((error: unknown) => this.#whenFailed(error));
      if (ending !== undefined) return this.#outcome(ending);
      if (this.#remainingMs < 1) return this.#outcome({ kind: 'timeout' });
    }
  }

  /** One block: the first of the ledger, or ours. Undefined: look again. */
  async #attempt(): Promise<Ending | undefined> {
    const copy = await this.#reader.catchUp();
    const move = nextMove(this.#wish, copy);
    if (move.kind === 'there') return await this.#agreed(move.placed);
    const { draft, signers } = move;
    const gathered = await gatherVotes(this.#bus, draft, signers, {
      timeoutMs: this.#remainingMs,
      requestTimeoutMs: this.#options.requestTimeoutMs,
      signal: this.#options.signal,
      from: this.#options.from,
    });
    this.#participants = gathered.participants;
    if (gathered.isEnough) return await this.#append(sealBlock(draft, gathered.votes));
    const { tip } = await this.#reader.catchUp();
    // Somebody else was first: what was refused as stale may be signed on the new tip.
    return (tip?.hash ?? null) === draft.prevHash ? endingWithout(gathered, this.#remainingMs) : undefined;
  }

  /** Appends the block behind what was read last, as long as nothing but noise is there (E1). */
  async #append(block: Block): Promise<undefined> {
    const { copy } = this.#reader;
    while ((copy.tip?.hash ?? null) === block.prevHash) {
      const appended = await appendToLog(this.#bus, copy.space, ledgerLog(copy.ledger), block, {
        after: copy.logTip,
        timeoutMs: Math.max(1, this.#remainingMs),
        signal: this.#options.signal,
      });
      if (appended.kind !== 'conflict') return;
      await this.#reader.catchUp();
    }
  }

  async #agreed(placed: PlacedBlock): Promise<Ending> {
    const { block, hash } = placed;
    const { round } = this.#wish;
    const { requestTimeoutMs = defaultRequestMs, signal, from } = this.#options;
    const { isEnough, receipts, participants } = await askReceipts(
      this.#bus,
      block.space,
      receiptSubject(placed),
      {
        round,
        protocol: ledgerLog(block.ledger),
        timeoutMs: Math.max(1, Math.min(requestTimeoutMs, this.#remainingMs)),
        signal,
        from,
      },
    );
    if (this.#participants.length === 0) this.#participants = participants;
    const certificate = isEnough ? certifyBlock(placed, receipts) : undefined;
    return { kind: 'agreed', value: block.changes, height: block.height, hash, certificate };
  }

  /** A lost connection is waited out while there is time; anything else is thrown on. */
  async #whenFailed(error: unknown): Promise<undefined> {
    const isPassing = error instanceof MabeamError && error.retryable && error.code !== 'stale-block';
    if (!isPassing) throw error;
    if (this.#remainingMs >= 1) await pause(Math.min(retryAfterMs, this.#remainingMs), this.#options.signal);
  }

  #outcome(ending: Ending): LedgerOutcome {
    const { round } = this.#wish;
    const durationMs = performance.now() - this.#startedAt;
    return {
      ...ending,
      round,
      ledger: this.#reader.copy.ledger,
      participants: this.#participants,
      durationMs,
    };
  }
}

function endingWithout({ isRuledOut, refusedBy }: Gathered, remainingMs: number): Ending {
  if (isRuledOut) return { kind: 'rejected', by: refusedBy };
  return { kind: remainingMs < 1 ? 'timeout' : 'no-quorum' };
}
