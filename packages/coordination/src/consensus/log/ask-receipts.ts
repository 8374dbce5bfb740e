/**
 * Both ends of the question for a receipt: who wants a certificate asks the electorate, and each member answers when it has read the
 * entry (docs/protocol.md, "Logs").
 */
import type { Bus, Identity, Service } from '@mabeam/bus';
import * as z from 'zod';
import { roundSubject } from '../../session/round.ts';
import type { Participant, ReadAnswer } from '../../session/session.ts';
import { askUntilDecided, seenAs } from '../ask-until-decided.ts';
import type { LogEntry } from './entry.ts';
import { enoughOf, isReceiptFor, signReceipt, type Receipt, type ReceiptSubject } from './receipt.ts';

const phase = 'receipt';
const questionSchema = z.object({ log: z.string(), index: z.int().min(1) });
const answerSchema = z.object({ kind: z.literal('receipt'), signature: z.string() });

/** In which round receipts are asked for, and for how long. */
export interface AskReceiptsOptions {
  readonly round: string;
  /** Under which name the members serve receipts. */
  readonly protocol: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The asking agent, when an agent asks. */
  readonly from?: string | undefined;
}

/** What came of it. */
export interface Receipts {
  /** Enough of them, or all that came. */
  readonly receipts: readonly Receipt[];
  readonly isEnough: boolean;
  readonly participants: readonly Participant[];
}

/** Asks the electorate, until enough have read the entry. Throws `cancelled`. */
export async function askReceipts(
  bus: Bus,
  space: string,
  subject: ReceiptSubject,
  { timeoutMs, ...options }: AskReceiptsOptions,
): Promise<Receipts> {
  const { electorate, entry, log, share } = subject;
  const receipts = new Map<string, Receipt>();
  const enough = new AbortController();
  const read = (body: unknown, party: string): ReadAnswer<Receipt> => {
    const signature = answerSchema.safeParse(body).data?.signature;
    const receipt = { party, signature: signature ?? '' };
    if (!isReceiptFor(subject, receipt)) return { kind: 'invalid' };
    receipts.set(party, receipt);
    if (receipts.size >= enoughOf(electorate, share)) enough.abort();
    return { kind: 'value', value: receipt };
  };
  using session = await askUntilDecided(bus, space, {
    ...options,
    electorate: electorate.map(({ party }) => party),
    phase,
    body: { log, index: entry.index },
    read,
    decided: enough.signal,
    timeoutMs,
    requestTimeoutMs: timeoutMs,
  });
  const participants = session.participants.map((one) => seenAs(one, receipts, receipts.size > 0));
  return { receipts: [...receipts.values()], isEnough: enough.signal.aborted, participants };
}

/** What a member signs receipts with, and where it finds the entries. */
export interface ReceiptDesk extends Pick<ReceiptSubject, 'log' | 'electorate' | 'share'> {
  readonly identity: Identity;
  readonly protocol: string;
  /** The entry in this place, when the member has read it; undefined when the signal aborts before. */
  readonly entryAt: (index: number, signal: AbortSignal) => Promise<LogEntry | undefined>;
}

/** Answers for a member of the electorate, of one log. Throws `invalid-id`. */
export function serveReceipts(bus: Bus, space: string, party: string, desk: ReceiptDesk): Service {
  const { electorate, entryAt, identity, log, protocol, share } = desk;
  return bus.serve(
    roundSubject(space, party, protocol, phase),
    async ({ body, signal }) => {
      const question = questionSchema.safeParse(body).data;
      if (question === undefined || question.log !== log)
        return { kind: 'abstain', reason: `no place in ${log}` };
      const entry = await entryAt(question.index, signal);
      if (entry === undefined) return { kind: 'abstain', reason: 'it is not read yet' };
      const { signature } = signReceipt(identity, party, { space, log, entry, electorate, share });
      return { kind: 'receipt', signature };
    },
    { queue: party },
  );
}
