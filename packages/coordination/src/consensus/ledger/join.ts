/**
 * A member's end of a ledger: signs the next block, and gives receipts for what it has read.
 *
 * Invariants
 *  L1  It signs only what follows the last block that it has itself read from the log, and only where it is named with its own key.
 *  L2  It gives a receipt only for a block that it has itself read, in its place, and of an electorate that it is in. It reads one
 *      log that only grows, so it never gives receipts for two blocks of one height, whatever it has signed.
 *  L3  It keeps nothing that the log does not: restarted, it reads on from there.
 */
import { busErrors, errorsOf, type Bus, type Identity, type ServedRequest } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import type { Participation } from '../../negotiation/participate.ts';
import { roundSubject } from '../../session/round.ts';
import { ensureLogs } from '../log/append.ts';
import { signReceipt } from '../log/receipt.ts';
import { signBlock, type BlockDraft, type LedgerMember } from './block.ts';
import { ledgerLog, receiptSubject } from './certificate.ts';
import { draftProblem, type LedgerTrust } from './chain.ts';
import type { LedgerCopy } from './copy.ts';
import { readDraftQuestion } from './message.ts';
import { openLedger, type LedgerReader } from './read.ts';

/** What a member is asked to sign. */
export interface DraftOccasion {
  readonly draft: BlockDraft;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What a member has to say. */
export interface LedgerVoice extends LedgerTrust {
  readonly identity: Identity;
  /** Does it sign these changes? `false` refuses, `undefined` stands aside. It may be asked about one draft again. Default: yes. */
  readonly accept?:
    | ((
        changes: readonly Json[],
        occasion: DraftOccasion,
      ) => boolean | undefined | Promise<boolean | undefined>)
    | undefined;
}

const busError = errorsOf(busErrors);
const receiptSchema = z.object({ log: z.string(), index: z.int().min(1) });

/** Sits in a ledger's electorate for a party until it is disposed of. Throws `invalid-id`. */
export function joinLedger(
  bus: Bus,
  space: string,
  ledger: string,
  party: string,
  voice: LedgerVoice,
): Participation {
  const { keys, genesis } = voice;
  const seat: Seat = {
    party,
    voice,
    reader: openLedger(bus, space, ledger, { keys, genesis }),
    opened: ensureLogs(bus, space),
  };
  // What goes wrong with it is told to who asks, and to who waits until it is ready.
  seat.opened.catch(() => undefined);
  const protocol = ledgerLog(ledger);
  const services = [
    bus.serve(roundSubject(space, party, protocol, 'sign'), (asked) => sign(seat, asked), { queue: party }),
    bus.serve(roundSubject(space, party, protocol, 'receipt'), (asked) => giveReceipt(seat, asked), {
      queue: party,
    }),
  ];
  return {
    party,
    ready: async () => {
      await seat.opened;
      await bus.flush();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(services.map((service) => service.close()));
    },
  };
}

interface Seat {
  readonly party: string;
  readonly voice: LedgerVoice;
  readonly reader: LedgerReader;
  readonly opened: Promise<void>;
}

async function sign(seat: Seat, { body, signal }: ServedRequest): Promise<unknown> {
  const { party, voice, reader, opened } = seat;
  const draft = readDraftQuestion(body);
  if (draft === undefined) throw malformed(reader.copy, party);
  await opened;
  const { context } = await reader.catchUp();
  const problem = draftProblem(draft, context);
  const height = context.tip?.height ?? -1;
  if (problem?.code === 'stale-block') return { kind: 'stale', height };
  if (problem !== undefined) return { kind: 'refused', reason: problem.problem };
  assertMember(context.tip?.members ?? draft.members ?? [], draft, seat);
  const accepts = voice.accept === undefined || (await voice.accept(draft.changes, { draft, signal }));
  if (accepts === undefined) return { kind: 'abstain' };
  if (!accepts) return { kind: 'refused' };
  return { kind: 'signed', signature: signBlock(voice.identity, draft, party).signature };
}

async function giveReceipt(seat: Seat, { body }: ServedRequest): Promise<unknown> {
  const { party, voice, reader, opened } = seat;
  const question = receiptSchema.safeParse(body).data;
  if (question?.log !== ledgerLog(reader.copy.ledger)) throw malformed(reader.copy, party);
  await opened;
  const { index } = question;
  const copy = index > reader.copy.logTip.index ? await reader.catchUp() : reader.copy;
  const placed = copy.blockAt(index);
  if (placed === undefined || !isSigner(placed.signers, seat)) return { kind: 'abstain' };
  const { signature } = signReceipt(voice.identity, party, receiptSubject(placed));
  return { kind: 'receipt', signature };
}

function isSigner(signers: readonly LedgerMember[], { party, voice }: Seat): boolean {
  return signers.some((member) => member.party === party && member.key === voice.identity.publicKey);
}

function assertMember(signers: readonly LedgerMember[], draft: BlockDraft, seat: Seat): void {
  if (isSigner(signers, seat)) return;
  const { party } = seat;
  const { ledger, operation: round } = draft;
  const message = `${party} is not in the electorate of the ledger ${ledger} with the key it has (round ${round})`;
  throw coordinationError('invalid-proposal', message, { details: { ledger, party, round } });
}

function malformed({ ledger }: LedgerCopy, party: string): Error {
  const message = `a question to ${party} is about no block of the ledger ${ledger}; see the protocol, "Ledgers"`;
  return busError('malformed-message', message, { details: { ledger, party } });
}
