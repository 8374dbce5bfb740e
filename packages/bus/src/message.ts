/**
 * A message as the rooms above see it: subject, bytes, headers by lower-case name, and the body by its content type.
 * NATS header names are case-sensitive; we write `traceparent` in lower case and the rest in Train-Case, and read all of
 * them whatever their case.
 */
import { headers as natsHeaders, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { decodeBody, parseJson } from './codec.ts';

/** Headers by lower-case name; of a repeated one the first counts. */
export type HeaderMap = ReadonlyMap<string, string>;

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

const noHeaders: HeaderMap = new Map();

export function headerMapOf(headers: MsgHdrs | undefined): HeaderMap {
  if (headers === undefined) return noHeaders;
  const map = new Map<string, string>();
  for (const [name, values] of headers) {
    const [value] = values;
    if (value !== undefined) map.set(name.toLowerCase(), value);
  }
  return map;
}

/** NATS headers from plain pairs; absent values are left out. */
export function headersOf(pairs: Readonly<Record<string, string | undefined>>): MsgHdrs {
  const headers = natsHeaders();
  for (const [name, value] of Object.entries(pairs)) if (value !== undefined) headers.set(name, value);
  return headers;
}

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

export function busMessage(message: Msg): BusMessage {
  return messageOf(message.subject, message.data, headerMapOf(message.headers), message.reply);
}
