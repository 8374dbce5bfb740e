/**
 * A message as the rooms above see it: subject, bytes, headers by lower-case name, and the body by its content type.
 * NATS header names are case-sensitive; we write `traceparent` in lower case and the rest in Train-Case, and read all of
 * them whatever their case.
 */
import { headers as natsHeaders, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { decodeBody, parseJson } from './codec.ts';
import { headersIn, type HeaderMap } from './header-map.ts';

export { headerMapOf, type HeaderMap } from './header-map.ts';

/** A message as its receiver sees it. */
export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: HeaderMap;
  readonly reply: string | undefined;
  /** The body by its `Content-Type`; throws `malformed-message`. */
  body(): unknown;
  /** The body as JSON whatever the headers say; throws `malformed-message`. */
  json(): unknown;
}

/** NATS headers from plain pairs; absent values are left out. */
export function headersOf(pairs: Readonly<Record<string, string | undefined>>): MsgHdrs {
  const headers = natsHeaders();
  for (const [name, value] of Object.entries(pairs)) if (value !== undefined) headers.append(name, value);
  return headers;
}

/** A message of these parts; its body is decoded when it is asked for. */
export function messageOf(subject: string, data: Uint8Array, headers: HeaderMap, reply?: string): BusMessage {
  return {
    subject,
    data,
    headers,
    reply,
    body: () => decodeBody(data, headers.get('content-type')),
    json: () => parseJson(data),
  };
}

/** The client's message as the rooms above see it. */
export function busMessage(message: Msg): BusMessage {
  // The client cuts it out anew each time it is asked.
  const { data } = message;
  return messageOf(message.subject, data, headersIn(message, data), message.reply);
}
