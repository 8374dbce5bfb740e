/** Where members of a gossip speak with each other: one subject a party, for all its groups and rounds. */
import type { Bus, Subscription } from '@mabeam/bus';
import * as z from 'zod';
import { roundSubject } from '../../session/round.ts';
import { readGossipMessage, type GossipMessage } from './message.ts';

/** The name of the protocol in subjects and events. */
export const gossipProtocol = 'gossip';

const stepSchema = z.object({ group: z.string(), from: z.string(), message: z.unknown() });

/** Who speaks where. */
export interface Seat {
  readonly space: string;
  /** A group's id, or a round's. */
  readonly group: string;
  readonly party: string;
}

/** Tells a member something. Without a connection nothing is said: the next round says it. */
export function tellGossip(
  bus: Bus,
  { space, group, party }: Seat,
  to: string,
  message: GossipMessage,
): void {
  if (!bus.connected) return;
  bus.publish(roundSubject(space, to, gossipProtocol, 'step'), { group, from: party, message });
}

/** Hears what a party is told, in whatever group; what is no message is passed over. Throws `invalid-id`. */
export function hearGossip(
  bus: Bus,
  { space, party }: Omit<Seat, 'group'>,
  heard: (group: string, from: string, message: GossipMessage) => void,
): Subscription {
  return bus.subscribe(roundSubject(space, party, gossipProtocol, 'step'), (arrived) => {
    const step = stepSchema.safeParse(bodyOf(arrived)).data;
    const message = readGossipMessage(step?.message);
    if (step !== undefined && message !== undefined) heard(step.group, step.from, message);
  });
}

/** The body of what anybody may have published; undefined when it cannot be read. */
export function bodyOf(message: { readonly body: () => unknown }): unknown {
  try {
    return message.body();
  } catch {
    return undefined;
  }
}
