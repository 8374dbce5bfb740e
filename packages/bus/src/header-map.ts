/**
 * Headers by lower-case name, read from their bytes. The client's own reading checks and rewrites every name character by character and searches
 * all names for each; of a republished revision with its eight headers that was most of the work of receiving it.
 *
 * Promise: the same names and values as the client gives, by lower-case name. The bytes are taken from where the client leaves them, in
 * front of the payload, if what is there looks like headers from end to end; else the client is asked.
 */
import type { Msg, MsgHdrs } from '@nats-io/transport-node';

/** Headers by lower-case name; of a repeated one the first counts. */
export type HeaderMap = ReadonlyMap<string, string>;

const firstLine = 'NATS/1.0';
const lastBytes = '\r\n\r\n';
const none: HeaderMap = new Map();

/** The headers that the client has read. */
export function headerMapOf(headers: MsgHdrs | undefined): HeaderMap {
  if (headers === undefined) return none;
  const map = new Map<string, string>();
  for (const [name, [value]] of headers) {
    const key = name.toLowerCase();
    if (value !== undefined && !map.has(key)) map.set(key, value);
  }
  return map;
}

/** What the client's messages can say, though its interface does not name it: the bytes of subject, reply, headers and payload. */
interface Sized {
  size?(): number;
}

/** The headers of a message, without the client's reading of them where that can be avoided. `data`: its payload, if it is at hand. */
export function headersIn(message: Msg & Sized, data = message.data): HeaderMap {
  const { subject, reply = '' } = message;
  const size = message.size?.();
  if (size === undefined) return headerMapOf(message.headers);
  const length = size - data.length - Buffer.byteLength(subject) - Buffer.byteLength(reply);
  if (length === 0) return none;
  const start = data.byteOffset - length;
  if (length < 0 || start < 0) return headerMapOf(message.headers);
  const text = Buffer.from(data.buffer, start, length).toString('utf8');
  const isWhole = text.startsWith(firstLine) && text.endsWith(lastBytes);
  return isWhole ? parseHeaders(text) : headerMapOf(message.headers);
}

/** The headers in the text of a header block, as it goes over the wire. */
export function parseHeaders(text: string): HeaderMap {
  const map = new Map<string, string>();
  // What follows `NATS/1.0` on its line is a status, no header.
  for (let at = text.indexOf('\r\n') + 2; at < text.length;) {
    const end = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    if (colon >= at && colon < end) {
      const name = text.slice(at, colon).toLowerCase();
      if (!map.has(name)) map.set(name, text.slice(colon + 1, end).trim());
    }
    at = end + 2;
  }
  return map;
}
