/**
 * A trigger: anybody's request, published as an event, that the space adapt itself; and an event that rules answer as if it were one.
 * This file reads them off the wire: who is asking (its identity), and with what.
 *
 * T1 The identity is `(source, id)`: of a CloudEvent (structured JSON or binary headers) its source and id; of plain
 *    JSON its `id` and, where given, `source`; otherwise the source is `stream` and the id the stream's sequence.
 * T2 Two messages of one identity are one trigger, however often they arrive.
 * T3 What cannot be read is a value, `malformed`, with the reason: a stranger's mistake is recorded and never crashes a loop.
 * T4 An event has the identity that a trigger would have, its source preceded by `event.<noun>.<verb>:`; so it is never mistaken for
 *    a trigger, nor for another kind of event about the same thing. It owes us no form: one that is no JSON, or whose identity is
 *    broken, is known by its sequence.
 */
import { createHash } from 'node:crypto';

/** What this file needs of a stored message. */
export interface TriggerMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly data: Uint8Array;
  /** Headers by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
}

/** What makes two deliveries the same trigger. */
export interface TriggerIdentity {
  readonly source: string;
  readonly id: string;
}

/** A trigger that could be read; `body` is a CloudEvent's data or the JSON itself, undefined when it is empty. */
export interface Trigger extends TriggerIdentity {
  readonly kind: 'trigger';
  readonly name: string;
  readonly body: unknown;
  /** Of a CloudEvent: `type`, `source`, `subject` and whatever else it has. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly traceparent?: string;
}

/** A message on a trigger's subject that is none, and why. */
export interface MalformedTrigger extends TriggerIdentity {
  readonly kind: 'malformed';
  readonly name: string;
  readonly reason: string;
  readonly traceparent?: string;
}

/** The source of a trigger that does not say who it is. */
const streamSource = 'stream';

const longestIdentity = 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads a trigger from its message (T1, T3). */
export function readTrigger(message: TriggerMessage): Trigger | MalformedTrigger {
  const stream = { source: streamSource, id: String(message.sequence) };
  const read = readMessage(message, stream);
  const rest = { name: nameIn(message.subject), ...tracedBy(message, read) };
  if (read.kind === 'malformed') return { kind: 'malformed', ...stream, reason: read.reason, ...rest };
  const { attributes, body, id, source } = read;
  const own = attributes === undefined ? {} : { attributes };
  return { kind: 'trigger', source, id, body, ...own, ...rest };
}

/** Reads an event that rules may answer; its name is `<noun>.<id>.<verb>` (T4). */
export function readEvent(message: TriggerMessage): Trigger {
  const stream = { source: streamSource, id: String(message.sequence) };
  const name = nameIn(message.subject);
  const [noun = '', , verb = ''] = name.split('.');
  const read = readMessage(message, stream);
  const trace = tracedBy(message, read);
  const parsed = parseBody(message.data);
  const raw = { ...stream, body: parsed.kind === 'json' ? parsed.value : message.data };
  const { body, id, source } = read.kind === 'read' ? read : raw;
  const own = read.kind === 'read' && read.attributes !== undefined ? { attributes: read.attributes } : {};
  return { kind: 'trigger', name, source: `event.${noun}.${verb}:${source}`, id, body, ...own, ...trace };
}

/** What follows `mabeam.<space>.<class>.`; a trigger's name with dots in it is a stranger's, and no rule's. */
function nameIn(subject: string): string {
  return subject.split('.').slice(3).join('.');
}

function readMessage(message: TriggerMessage, stream: TriggerIdentity): Reading {
  return message.headers.has('ce-specversion') ? readBinary(message) : readJson(message, stream);
}

function tracedBy(message: TriggerMessage, read: Reading): { readonly traceparent?: string } {
  const traceparent =
    message.headers.get('traceparent') ?? (read.kind === 'read' ? read.traceparent : undefined);
  return traceparent === undefined ? {} : { traceparent };
}

/** The first 32 hexadecimal digits of the identity's SHA-256: the key of its adaptation, and of its event (T2). */
export function identityHash({ source, id }: TriggerIdentity): string {
  return createHash('sha256').update(`${source}\n${id}`).digest('hex').slice(0, 32);
}

type Reading =
  | (TriggerIdentity & {
      readonly kind: 'read';
      readonly body: unknown;
      readonly attributes?: Readonly<Record<string, unknown>>;
      readonly traceparent?: string;
    })
  | { readonly kind: 'malformed'; readonly reason: string };

/** A CloudEvent in binary mode: attributes in `ce-` headers, the data in the body in whatever type it has. */
function readBinary(message: TriggerMessage): Reading {
  const source = message.headers.get('ce-source');
  const id = message.headers.get('ce-id');
  if (!isIdentityText(source) || !isIdentityText(id)) {
    return malformed('a CloudEvent needs the headers ce-source and ce-id, each 1 to 1024 characters');
  }
  const parsed = parseBody(message.data);
  const headers = [...message.headers].filter(([name]) => name.startsWith('ce-'));
  const attributes = Object.fromEntries(headers.map(([name, value]) => [name.slice(3), value]));
  return { kind: 'read', source, id, attributes, body: parsed.kind === 'json' ? parsed.value : message.data };
}

/** A CloudEvent in structured mode, plain JSON, or nothing at all. */
function readJson(message: TriggerMessage, stream: TriggerIdentity): Reading {
  const parsed = parseBody(message.data);
  if (parsed.kind === 'not-json') return malformed(`the body is not valid JSON: ${parsed.reason}`);
  if (!isRecord(parsed.value)) return { kind: 'read', ...stream, body: parsed.value };
  const body = parsed.value;
  if ('specversion' in body) return readStructured(body);
  if (!('id' in body)) return { kind: 'read', ...stream, body };
  const id = typeof body['id'] === 'number' ? String(body['id']) : body['id'];
  const source = body['source'] ?? '';
  if (!isIdentityText(id)) return malformed('`id` is neither a number nor a text of 1 to 1024 characters');
  if (source !== '' && !isIdentityText(source))
    return malformed('`source` is not a text of at most 1024 characters');
  return { kind: 'read', source, id, body };
}

function readStructured(event: Readonly<Record<string, unknown>>): Reading {
  const { source, id, traceparent } = event;
  if (!isIdentityText(source) || !isIdentityText(id)) {
    return malformed('a CloudEvent needs `source` and `id`, each a text of 1 to 1024 characters');
  }
  const trace = typeof traceparent === 'string' ? { traceparent } : {};
  const { data, ...attributes } = event;
  return { kind: 'read', source, id, attributes, body: data, ...trace };
}

type ParsedBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'not-json'; readonly reason: string };

function parseBody(data: Uint8Array): ParsedBody {
  if (data.length === 0) return { kind: 'json', value: undefined };
  try {
    return { kind: 'json', value: JSON.parse(utf8.decode(data)) as unknown };
  } catch (error) {
    return { kind: 'not-json', reason: error instanceof Error ? error.message : String(error) };
  }
}

function malformed(reason: string): Reading {
  return { kind: 'malformed', reason };
}

function isIdentityText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longestIdentity;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
