/**
 * Where rounds live on the wire: the subjects of their questions and announcements, and the events that keep them
 * (docs/protocol.md, "Rounds"). A round is one session of a protocol among an electorate.
 *
 * Invariant R1: of each event of a round the first is kept, for as long as the stream keeps events (seven days). Who comes second is
 * told what is there.
 */
import {
  MabeamError,
  openEvents,
  parseId,
  parseJson,
  parseToken,
  readLastMessage,
  spaceNames,
  subjects,
  type Bus,
  type StoredMessage,
} from '@mabeam/bus';
import { randomUUID } from 'node:crypto';

/** The header that names the round on whatever is published or kept. */
export const roundHeader = 'Mabeam-Round';

/** How long keeping an event may take, over lost connections too. */
const keepMs = 5_000;

/** An id for a round that nobody has used. */
export function newRoundId(): string {
  return `r-${randomUUID()}`;
}

/** The subject on which a party is asked in a phase of a protocol. Throws `invalid-id`. */
export function roundSubject(space: string, party: string, protocol: string, phase: string): string {
  const tokens = [parseId('party', party), parseToken('protocol', protocol), parseToken('phase', phase)];
  return subjects(space).at(`round.${tokens.join('.')}`);
}

/** The subject of all questions of a protocol to a party. Throws `invalid-id`. */
export function roundFilter(space: string, party: string, protocol: string): string {
  const tokens = [parseId('party', party), parseToken('protocol', protocol), '*'];
  return subjects(space).at(`round.${tokens.join('.')}`);
}

/** The subject on which all are told how rounds of a protocol ended. */
export function announcementSubject(space: string, protocol: string): string {
  return subjects(space).at(`round.all.${parseToken('protocol', protocol)}.settled`);
}

/** Tells whoever listens how a round ended. It may be lost; the event is kept. */
export function announce(
  bus: Bus,
  space: string,
  {
    round,
    protocol,
    ...body
  }: { readonly round: string; readonly protocol: string; readonly [field: string]: unknown },
): void {
  if (!bus.connected) return;
  bus.publish(
    announcementSubject(space, protocol),
    { round, protocol, ...body },
    { headers: { [roundHeader]: round } },
  );
}

/** An event of a round as it is kept. */
export interface KeptEvent {
  readonly sequence: number;
  /** Undefined when it is no JSON. */
  readonly body: unknown;
}

/** What became of keeping an event: it is kept, or somebody else's was there before. */
export type Keeping = { readonly kind: 'kept' } | { readonly kind: 'taken'; readonly by: KeptEvent };

type Verb = 'started' | 'ended';

/**
 * Keeps what happened to a round as `event.round.<round>.<started|ended>`, if nobody has kept one before (R1), or none but that with
 * the sequence `after`. One that was stored although its acknowledgement was lost is its own, not somebody else's: it has a
 * message id that no other attempt has. Throws as `store`.
 */
export async function keepRound(
  bus: Bus,
  space: string,
  verb: Verb,
  body: { readonly round: string; readonly [field: string]: unknown },
  { after = 0 }: { readonly after?: number } = {},
): Promise<Keeping> {
  const { round } = body;
  const messageId = `${round}.${verb}.${randomUUID()}`;
  try {
    await openEvents(bus, space).publish(
      'round',
      round,
      verb,
      { v: 1, at: new Date().toISOString(), ...body },
      {
        headers: { [roundHeader]: round },
        conversation: round,
        messageId,
        expectLastSequence: after,
        timeoutMs: keepMs,
      },
    );
    return { kind: 'kept' };
  } catch (error) {
    if (!(error instanceof MabeamError) || error.code !== 'conflict') throw error;
    const there = await lastMessage(bus, space, round, verb);
    if (there === undefined) throw error;
    if (there.headers.get('nats-msg-id') === messageId) return { kind: 'kept' };
    return { kind: 'taken', by: keptEvent(there) };
  }
}

/** The last event of a round with this verb; undefined when none is kept. Throws `stream-missing`, `deadline-exceeded`. */
export async function lastKept(
  bus: Bus,
  space: string,
  round: string,
  verb: Verb,
): Promise<KeptEvent | undefined> {
  const message = await lastMessage(bus, space, round, verb);
  return message === undefined ? undefined : keptEvent(message);
}

function lastMessage(bus: Bus, space: string, round: string, verb: Verb): Promise<StoredMessage | undefined> {
  return readLastMessage(bus, spaceNames(space).events, subjects(space).event('round', round, verb));
}

function keptEvent({ sequence, data }: StoredMessage): KeptEvent {
  try {
    return { sequence, body: parseJson(data) };
  } catch {
    return { sequence, body: undefined };
  }
}
