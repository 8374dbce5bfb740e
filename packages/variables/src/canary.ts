/**
 * The arm of a canary (ruling R16): whether a conversation takes the candidate of an entry or its value.
 *
 * K1 The place of a conversation is the first four bytes of SHA-256(salt + "\n" + conversation, UTF-8), big-endian, over 2^32: a
 *    number of [0, 1) that every language computes alike (docs/protocol.md, Values).
 * K2 It takes the candidate if and only if its place is below the share. So who is in at a share is in at every greater one.
 * K3 Another salt places every conversation anew, so two canaries do not try the same conversations.
 */
import { hash } from 'node:crypto';
import type { Candidate } from './entry.ts';

/** Which of the two values of an entry a conversation takes. */
export type Arm = 'candidate' | 'incumbent';

/**
 * The arm of a conversation (K1–K3). Without a conversation there is nothing to draw lots by: the incumbent. Pure; about a
 * microsecond.
 */
export function pickArm(
  { salt, share }: Pick<Candidate, 'salt' | 'share'>,
  conversation: string | undefined,
): Arm {
  if (conversation === undefined) return 'incumbent';
  return placeOf(salt, conversation) < share ? 'candidate' : 'incumbent';
}

/** A number of [0, 1), uniform over conversations (K1). */
function placeOf(salt: string, conversation: string): number {
  return Number.parseInt(hash('sha256', `${salt}\n${conversation}`, 'hex').slice(0, 8), 16) / 2 ** 32;
}
