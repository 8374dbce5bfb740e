/**
 * Cancelling a question, docs/protocol.md section "Cancelling": the asker names the question's reply subject on the
 * service's cancel subject. Every process that serves in the space hears it, and the one that works on that question stops.
 * A question that is not cancelled costs nothing: what is open is searched only when a cancel comes. One subscription a
 * space and connection serves all services, so a service costs no subscription of its own.
 *
 * A deadline needs no message, for the responder knows it.
 */
import type { Msg, Subscription } from '@nats-io/transport-node';
import { jsonBytes, parseJson } from './codec.ts';
import { MabeamError } from './error.ts';

/** What of a connection cancelling needs. */
export interface CancelLine {
  readonly connected: boolean;
  readonly closed: boolean;
  publishIfOpen(subject: string, payload: Uint8Array): void;
  listen(subject: string, listener: (message: Msg) => void): Subscription;
}

/** `mabeam.<space>.ask.agent.judge` → `mabeam.<space>.cancel.ask.agent.judge`; undefined for subjects that are not ours. */
function cancelSubject(subject: string): string | undefined {
  const [product, space, ...rest] = subject.split('.');
  if (product !== 'mabeam' || space === undefined || rest.length === 0) return undefined;
  return `mabeam.${space}.cancel.${rest.join('.')}`;
}

/** Tells whoever works on the question to stop; nothing when that cannot be told any more. */
export function sendCancel(line: CancelLine, subject: string, reply: string): void {
  const target = cancelSubject(subject);
  if (target === undefined || !line.connected) return;
  line.publishIfOpen(target, jsonBytes({ reply }));
}

/** Something that works on questions and can stop. */
export interface Cancellable {
  /** Stops working on the question with this reply subject, if it has it. */
  cancel(reply: string): void;
}

/** What listens to cancels on one connection: per space one subscription, for as long as anything serves there. */
export class CancelDesk {
  readonly #line: CancelLine;
  readonly #spaces = new Map<
    string,
    { readonly members: Set<Cancellable>; readonly subscription: Subscription }
  >();

  constructor(line: CancelLine) {
    this.#line = line;
  }

  /** Cancels on subjects of the space reach `member` from now on; subjects that are not ours have none. */
  join(subject: string, member: Cancellable): void {
    const filter = cancelFilter(subject);
    if (filter === undefined) return;
    const present = this.#spaces.get(filter) ?? this.#listen(filter);
    present.members.add(member);
  }

  leave(subject: string, member: Cancellable): void {
    const filter = cancelFilter(subject) ?? '';
    const present = this.#spaces.get(filter);
    if (present === undefined || !present.members.delete(member) || present.members.size > 0) return;
    this.#spaces.delete(filter);
    if (!this.#line.closed && !present.subscription.isClosed()) present.subscription.unsubscribe();
  }

  #listen(filter: string): { readonly members: Set<Cancellable>; readonly subscription: Subscription } {
    const members = new Set<Cancellable>();
    const subscription = this.#line.listen(filter, (message) => {
      const reply = cancelledReply(message.data);
      if (reply !== undefined) for (const member of members) member.cancel(reply);
    });
    const opened = { members, subscription };
    this.#spaces.set(filter, opened);
    return opened;
  }
}

/** `mabeam.<space>.ask.agent.judge` → `mabeam.<space>.cancel.>`. */
function cancelFilter(subject: string): string | undefined {
  const [product, space] = subject.split('.');
  return product === 'mabeam' && space !== undefined && !/[*>]/.test(space)
    ? `mabeam.${space}.cancel.>`
    : undefined;
}

/** The reply subject a cancel names; undefined when the message is something else. */
function cancelledReply(data: Uint8Array): string | undefined {
  try {
    const body = parseJson(data);
    if (typeof body !== 'object' || body === null || !('reply' in body)) return undefined;
    return typeof body.reply === 'string' ? body.reply : undefined;
  } catch (error) {
    if (error instanceof MabeamError) return undefined;
    throw error;
  }
}
