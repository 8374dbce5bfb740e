/**
 * Where rounds live on the wire: the subjects of their questions and announcements, and the events that keep them
 * (docs/protocol.md, "Rounds"). A round is one session of a protocol among an electorate.
 */
import { openEvents, parseId, parseToken, subjects, type Bus } from '@mabeam/bus';
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

/** Keeps what happened to a round as `event.round.<round>.<started|ended>`; once, however often it is tried. */
export async function keepRound(
  bus: Bus,
  space: string,
  verb: 'started' | 'ended',
  body: { readonly round: string; readonly [field: string]: unknown },
): Promise<void> {
  const { round } = body;
  await openEvents(bus, space).publish(
    'round',
    round,
    verb,
    { v: 1, at: new Date().toISOString(), ...body },
    {
      headers: { [roundHeader]: round },
      conversation: round,
      messageId: `${round}.${verb}`,
      timeoutMs: keepMs,
    },
  );
}
