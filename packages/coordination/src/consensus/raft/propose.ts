/**
 * Who wants an operation done by a group: finds the leader, and asks until it is done.
 *
 * Promise: an operation is done once, however often it is proposed under one id, and by whomever. `no-quorum` means that it was not done
 * and is not on its way; `timeout`, that nobody knows: proposing it again under its id tells.
 */
import {
  busErrors,
  errorsOf,
  isConversation,
  MabeamError,
  pause,
  type Bus,
  type ErrorBody,
} from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { coordinationError } from '../../errors.ts';
import type { RoundOptions } from '../../session/round-options.ts';
import { newRoundId, roundSubject } from '../../session/round.ts';
import { raftLog } from './paper.ts';
import { proposePhase, readMemberAnswer, type MemberAnswer } from './proposal.ts';

/** How an operation is proposed. */
export interface ProposeOptions extends Omit<RoundOptions, 'subject' | 'round'> {
  /** What stands for the operation: 1 to 128 of A-Z, a-z, 0-9, "_", "." and "-". Default: a new one. */
  readonly id?: string | undefined;
}

/** How it ended. */
export type Proposed =
  | {
      readonly kind: 'committed';
      readonly index: number;
      readonly term: number;
      /** What `apply` made of it, at the member that answered; absent when it threw. */
      readonly result?: Json;
      /** What `apply` threw. */
      readonly error?: ErrorBody;
    }
  /** No leader with a majority took it. It was not done. */
  | { readonly kind: 'no-quorum' }
  /** It may be done or not. */
  | { readonly kind: 'timeout' };

/** The same, with what a certificate needs. */
export type ProposedEntry =
  | Extract<MemberAnswer, { kind: 'committed' }>
  | Exclude<Proposed, { kind: 'committed' }>;

const busError = errorsOf(busErrors);
const pausesMs = [10, 20, 40, 80, 160];
/** The question did not arrive. */
const unasked: ReadonlySet<string> = new Set(['no-responders', 'overloaded']);
/** Whether it arrived, and what came of it, is not known. */
const unheard: ReadonlySet<string> = new Set(['deadline-exceeded', 'disconnected', 'closed']);

/**
 * Proposes an operation to the members of a group, given by their names. Throws `round-reused` (the id stands for another operation),
 * `log-full`, `payload-too-large`, `no-participants`, `invalid-id` and `cancelled`.
 */
export async function proposeEntry(
  bus: Bus,
  space: string,
  group: string,
  members: readonly string[],
  body: Json,
  options: ProposeOptions = {},
): Promise<Proposed> {
  const proposed = await proposeForPlace(bus, space, { group, members, body, options });
  if (proposed.kind !== 'committed') return proposed;
  const { applied, index, term } = proposed;
  return applied.kind === 'done'
    ? { kind: 'committed', index, term, result: applied.result }
    : { kind: 'committed', index, term, error: applied.error };
}

/** The same, with the entry and the chain before it. */
export async function proposeForPlace(
  bus: Bus,
  space: string,
  wish: {
    readonly group: string;
    readonly members: readonly string[];
    readonly body: Json;
    readonly options: ProposeOptions;
  },
): Promise<ProposedEntry> {
  const { body, group, members, options } = wish;
  const { id = newRoundId(), signal, timeoutMs = 30_000, requestTimeoutMs = 5_000, from } = options;
  if (!isConversation(id)) throw invalidId(id);
  if (members.length === 0) throw coordinationError('no-participants', `the group ${group} has no members`);
  const giveUpAt = performance.now() + timeoutMs;
  let isUnknown = false;
  let [target = ''] = members;
  for (let attempt = 0; ; attempt++) {
    if (signal?.aborted === true)
      throw busError('cancelled', `the operation ${id} was called off`, { details: { id } });
    const leftMs = giveUpAt - performance.now();
    if (leftMs < 1) return { kind: isUnknown ? 'timeout' : 'no-quorum' };
    const subject = roundSubject(space, target, raftLog(group), proposePhase);
    const answer = await ask(
      bus,
      subject,
      { round: id, id, body },
      {
        timeoutMs: Math.min(leftMs, requestTimeoutMs),
        conversation: id,
        ...(signal === undefined ? {} : { signal }),
        ...(from === undefined ? {} : { from }),
      },
    );
    if (answer.kind === 'committed') return answer;
    if (answer.kind === 'refused') throw refusal(answer, group, id);
    if (answer.kind === 'unknown') isUnknown = true;
    const leader = 'leader' in answer && members.includes(answer.leader ?? '') ? answer.leader : undefined;
    const isNews = leader !== undefined && leader !== target;
    target = isNews ? leader : (members[(members.indexOf(target) + 1) % members.length] ?? target);
    if (!isNews || attempt % 4 === 3) await pause(pausesMs[Math.min(attempt, 4)] ?? 160, signal ?? never);
  }
}

const never = new AbortController().signal;

/** Puts the question to one member; what is not there is `no-leader`, what is not heard `unknown`. */
async function ask(
  bus: Bus,
  subject: string,
  body: unknown,
  options: NonNullable<Parameters<Bus['request']>[2]>,
): Promise<MemberAnswer> {
  try {
    return readMemberAnswer(await bus.request(subject, body, options)) ?? { kind: 'unknown' };
  } catch (error) {
    const code = error instanceof MabeamError ? error.code : '';
    if (unasked.has(code)) return { kind: 'no-leader' };
    if (unheard.has(code)) return { kind: 'unknown' };
    throw error;
  }
}

function refusal(
  { code, message }: Extract<MemberAnswer, { kind: 'refused' }>,
  group: string,
  id: string,
): Error {
  const details = { group, id };
  if (code === 'payload-too-large') return busError('payload-too-large', message, { details });
  if (code === 'log-full') return coordinationError('log-full', message, { details });
  return busError('store-failed', `the log of the group ${group} refused the operation ${id}: ${message}`, {
    details,
  });
}

function invalidId(id: string): Error {
  const message = `operation id: "${id}" is not 1 to 128 of A-Z, a-z, 0-9, "_", "." and "-"; choose another`;
  return busError('invalid-id', message, { details: { id } });
}
