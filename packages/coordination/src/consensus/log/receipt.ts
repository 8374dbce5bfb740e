/**
 * Receipts: members of an electorate sign that they have read an entry in its place, behind all that is before it. Enough of them are
 * a certificate that anybody verifies without asking anybody. Pure.
 *
 * Promise: a certificate that verifies was signed, by the share of the electorate that it names, about exactly this entry in this place of
 * this log, with exactly this electorate. Written as canonical text it has no byte that could be changed.
 */
import { digestOf, isId, isPublicKey, isSignedBy, type Identity } from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import * as z from 'zod';
import { exactValue } from '../exact-text.ts';
import { chainAfter, type LogEntry } from './entry.ts';

/** What a receipt is signed as. */
const purpose = 'mabeam.log.1';

/** How many of an electorate are enough. */
export type ReceiptShare = 'majority' | 'two-thirds';

const jsonSchema = z.custom<Json>((value) => isJson(value), 'not JSON');
const memberSchema = z.strictObject({ party: z.string().refine(isId), key: z.string() });
const receiptSchema = z.strictObject({ party: z.string(), signature: z.string() });
const certificateSchema = z.strictObject({
  v: z.literal(1),
  space: z.string(),
  log: z.string(),
  /** The place of the entry, from 1. */
  index: z.int().min(1),
  /** The chain of the log before the entry. */
  before: z.string(),
  entry: jsonSchema,
  share: z.enum(['majority', 'two-thirds']),
  /** In the order of their names. */
  electorate: z.array(memberSchema).min(1).max(10_000),
  receipts: z.array(receiptSchema).max(10_000),
});

/** A member of an electorate that signs receipts. */
export type LogMember = z.infer<typeof memberSchema>;
/** A member's word that it has read an entry. */
export type Receipt = z.infer<typeof receiptSchema>;
/** An entry in its place, with the receipts for it. */
export type LogCertificate = z.infer<typeof certificateSchema>;

/** Of what a receipt speaks. */
export interface ReceiptSubject {
  readonly space: string;
  readonly log: string;
  readonly entry: Pick<LogEntry, 'index' | 'before' | 'digest'>;
  readonly electorate: readonly LogMember[];
  readonly share: ReceiptShare;
}

/** How many members are enough: more than half of them, or at least two thirds. */
export function enoughOf({ length }: readonly unknown[], share: ReceiptShare): number {
  return share === 'majority' ? Math.floor(length / 2) + 1 : Math.ceil((2 * length) / 3);
}

/** Signs that an entry was read in its place. */
export function signReceipt(identity: Identity, party: string, subject: ReceiptSubject): Receipt {
  return { party, signature: identity.sign(purpose, statementOf(subject)) };
}

/** Does this receipt of a member speak of this entry? */
export function isReceiptFor(subject: ReceiptSubject, { party, signature }: Receipt): boolean {
  const key = subject.electorate.find((member) => member.party === party)?.key;
  return key !== undefined && isSignedBy(key, purpose, statementOf(subject), signature);
}

/** Writes the certificate of an entry. The receipts have been checked one by one. */
export function certifyEntry(
  subject: Omit<ReceiptSubject, 'entry'> & {
    readonly entry: Pick<LogEntry, 'index' | 'before'> & { readonly body: Json };
  },
  receipts: readonly Receipt[],
): LogCertificate {
  const { space, log, share, entry } = subject;
  const { index, before, body } = entry;
  const electorate = inOrder(subject.electorate);
  return { v: 1, space, log, index, before, entry: body, share, electorate, receipts: inOrder(receipts) };
}

/** Whether a certificate holds; `problem` is for people. */
export type LogVerification =
  | { readonly kind: 'valid'; readonly certificate: LogCertificate }
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Verifies a certificate, offline; text or bytes must be its canonical text. `keys` are the public keys of parties as the verifier
 * knows them: an electorate that names others for them is not valid. Nothing is thrown, whatever is handed in.
 */
export function verifyLogCertificate(
  certificate: unknown,
  { keys = {} }: { readonly keys?: Readonly<Record<string, string>> } = {},
): LogVerification {
  const read = certificateSchema.safeParse(exactValue(certificate)).data;
  if (read === undefined) return invalid('it does not have the form of a certificate');
  const { before, electorate, entry, index, log, receipts, share, space } = read;
  if (!isOrdered(electorate) || !isOrdered(receipts))
    return invalid('a party is named twice or out of order');
  if (new Set(electorate.map(({ key }) => key)).size < electorate.length)
    return invalid('two parties have one key');
  const other = electorate.find(({ party, key }) => !isPublicKey(key) || isOther(keys, party, key));
  if (other !== undefined) return invalid(`it names another key for ${other.party}`);
  if (receipts.length < enoughOf(electorate, share))
    return invalid(`${receipts.length} of ${electorate.length} receipts are not enough`);
  const digest = digestOrNone(entry);
  if (digest === undefined) return invalid('its entry has no canonical text');
  const subject = { space, log, electorate, share, entry: { index, before, digest } };
  const bad = receipts.find((receipt) => !isReceiptFor(subject, receipt));
  if (bad !== undefined) return invalid(`the receipt of ${bad.party} is not for this entry`);
  return { kind: 'valid', certificate: read };
}

/** Everything a receipt is about; the electorate and its share by their digest. */
function statementOf({
  space,
  log,
  entry,
  electorate,
  share,
}: ReceiptSubject): Readonly<Record<string, unknown>> {
  const { index, before, digest } = entry;
  const terms = digestOf({ electorate: inOrder(electorate), share });
  return { space, log, index, digest, chain: chainAfter(before, digest), terms };
}

function inOrder<T extends { readonly party: string }>(named: readonly T[]): T[] {
  return named.toSorted((a, b) => (a.party < b.party ? -1 : 1));
}

function isOrdered(named: readonly { readonly party: string }[]): boolean {
  return named.every(({ party }, i) => i === 0 || (named[i - 1]?.party ?? '') < party);
}

function isOther(keys: Readonly<Record<string, string>>, party: string, key: string): boolean {
  return Object.hasOwn(keys, party) && keys[party] !== key;
}

function digestOrNone(entry: unknown): string | undefined {
  try {
    return digestOf(entry);
  } catch {
    // A text that is no well-formed Unicode: nothing signs that.
    return undefined;
  }
}

function invalid(problem: string): LogVerification {
  return { kind: 'invalid', problem };
}
