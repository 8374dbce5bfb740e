/**
 * Reads OTLP export requests (protobuf) for traces and logs, and the answer to one, by their public field numbers.
 *
 * Unknown fields are skipped, so newer senders stay readable; a known field with the wrong wire type, a length out of
 * bounds or a nesting without end is `malformed-otlp`. It never writes and never guesses.
 */
import { ProtobufCursor, type FieldReader, type WireType } from './protobuf.ts';
import { telemetryError } from './errors.ts';

/** A value of an attribute or a log body; integers beyond 2^53 are bigints. */
export type OtlpValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly OtlpValue[]
  | { readonly [key: string]: OtlpValue };

/** Attributes by their names. */
export type OtlpAttributes = Readonly<Record<string, OtlpValue>>;

/** How a span relates to its neighbours, by OTLP's numbers 0 to 5. */
export type OtlpSpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** Something that happened within a span; its time in nanoseconds since 1970. */
export interface OtlpEvent {
  readonly timeNs: bigint;
  readonly name: string;
  readonly attributes: OtlpAttributes;
}

/** A span's pointer to another span that is not its parent. */
export interface OtlpLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: OtlpAttributes;
}

/** A span as it came over the wire, with its resource; times in nanoseconds since 1970. */
export interface OtlpSpan {
  readonly resource: OtlpAttributes;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Absent for a root. */
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: OtlpSpanKind;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: OtlpAttributes;
  readonly status: { readonly code: 'unset' | 'ok' | 'error'; readonly message: string };
  readonly events: readonly OtlpEvent[];
  readonly links: readonly OtlpLink[];
  readonly flags: number;
}

/** A log record as it came over the wire, with its resource; times in nanoseconds since 1970. */
export interface OtlpLogRecord {
  readonly resource: OtlpAttributes;
  readonly scope: string;
  readonly timeNs: bigint;
  readonly observedNs: bigint;
  /** OTLP severity 1 to 24; 0 when unspecified. */
  readonly severity: number;
  readonly severityText: string;
  readonly body: OtlpValue;
  readonly attributes: OtlpAttributes;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly flags: number;
}

const KINDS: readonly OtlpSpanKind[] = [
  'unspecified',
  'internal',
  'server',
  'client',
  'producer',
  'consumer',
];
const STATUSES = ['unset', 'ok', 'error'] as const;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Record<string, OtlpValue>;

/** The spans of an ExportTraceServiceRequest; concatenated requests read as one. Throws `malformed-otlp`. */
export function readTraceRequest(bytes: Uint8Array): OtlpSpan[] {
  return readRequest(bytes, readSpan);
}

/** The records of an ExportLogsServiceRequest; concatenated requests read as one. Throws `malformed-otlp`. */
export function readLogsRequest(bytes: Uint8Array): OtlpLogRecord[] {
  return readRequest(bytes, readLogRecord);
}

/** What a receiver refused of a request it answered with 2xx: a count and its reason. Throws `malformed-otlp`. */
export function readPartialSuccess(bytes: Uint8Array): {
  readonly rejected: number;
  readonly message: string;
} {
  const found = { rejected: 0, message: '' };
  const partial: FieldReader = (field, wire, at) => {
    if (field === 1) found.rejected = Number(expect(wire, 0, at).int64());
    else if (field === 2) found.message = expect(wire, 2, at).string();
  };
  new ProtobufCursor(bytes).fields((field, wire, at) => {
    if (field === 1) expect(wire, 2, at).message(partial);
  });
  return found;
}

interface Origin {
  readonly resource: OtlpAttributes;
  readonly scope: string;
}

/** Request → resource groups (1) → scope groups (2) → items (2): traces and logs share this shape. */
function readRequest<T extends object>(
  bytes: Uint8Array,
  readItem: (cursor: ProtobufCursor) => T,
): (T & Origin)[] {
  const items: (T & Origin)[] = [];
  new ProtobufCursor(bytes).fields((field, wire, at) => {
    if (field !== 1) return;
    const from = items.length;
    const resource = readResourceGroup(expect(wire, 2, at), readItem, items);
    for (let i = from; i < items.length; i += 1) items[i] = { ...items[i]!, resource };
  });
  return items;
}

/** Appends a resource group's items and returns the resource, which the wire may carry after them. */
function readResourceGroup<T extends object>(
  cursor: ProtobufCursor,
  readItem: (cursor: ProtobufCursor) => T,
  items: (T & Origin)[],
): OtlpAttributes {
  const resource: Draft = {};
  cursor.message((field, wire, at) => {
    if (field === 1) readAttributesOf(expect(wire, 2, at), 1, resource);
    else if (field === 2) readScopeGroup(expect(wire, 2, at), readItem, items);
  });
  return resource;
}

function readScopeGroup<T extends object>(
  cursor: ProtobufCursor,
  readItem: (cursor: ProtobufCursor) => T,
  items: (T & Origin)[],
): void {
  const from = items.length;
  let scope = '';
  cursor.message((field, wire, at) => {
    if (field === 1) scope = readScopeName(expect(wire, 2, at));
    else if (field === 2) items.push({ ...readItem(expect(wire, 2, at)), resource: {}, scope });
  });
  for (let i = from; i < items.length; i += 1) items[i] = { ...items[i]!, scope };
}

function readScopeName(cursor: ProtobufCursor): string {
  let name = '';
  cursor.message((field, wire, at) => {
    if (field === 1) name = expect(wire, 2, at).string();
  });
  return name;
}

function readSpan(cursor: ProtobufCursor): Omit<OtlpSpan, keyof Origin> {
  const attributes: Draft = {};
  const events: OtlpEvent[] = [];
  const links: OtlpLink[] = [];
  const span: Mutable<Omit<OtlpSpan, keyof Origin>> = {
    traceId: '',
    spanId: '',
    name: '',
    kind: 'unspecified',
    startNs: 0n,
    endNs: 0n,
    flags: 0,
    attributes,
    events,
    links,
    status: { code: 'unset', message: '' },
  };
  const readers: Readonly<Record<number, (wire: WireType, at: ProtobufCursor) => void>> = {
    1: (wire, at) => void (span.traceId = expect(wire, 2, at).hex()),
    2: (wire, at) => void (span.spanId = expect(wire, 2, at).hex()),
    4: (wire, at) => setPresent(span, 'parentSpanId', expect(wire, 2, at).hex()),
    5: (wire, at) => void (span.name = expect(wire, 2, at).string()),
    6: (wire, at) => void (span.kind = KINDS[expect(wire, 0, at).varint()] ?? 'unspecified'),
    7: (wire, at) => void (span.startNs = expect(wire, 1, at).fixed64()),
    8: (wire, at) => void (span.endNs = expect(wire, 1, at).fixed64()),
    9: (wire, at) => readKeyValue(expect(wire, 2, at), attributes),
    11: (wire, at) => void events.push(readEvent(expect(wire, 2, at))),
    13: (wire, at) => void links.push(readLink(expect(wire, 2, at))),
    15: (wire, at) => void (span.status = readStatus(expect(wire, 2, at))),
    16: (wire, at) => void (span.flags = expect(wire, 5, at).fixed32()),
  };
  cursor.message((field, wire, at) => readers[field]?.(wire, at));
  return span;
}

function readEvent(cursor: ProtobufCursor): OtlpEvent {
  const attributes: Draft = {};
  const event = { timeNs: 0n, name: '', attributes };
  cursor.message((field, wire, at) => {
    if (field === 1) event.timeNs = expect(wire, 1, at).fixed64();
    else if (field === 2) event.name = expect(wire, 2, at).string();
    else if (field === 3) readKeyValue(expect(wire, 2, at), attributes);
  });
  return event;
}

function readLink(cursor: ProtobufCursor): OtlpLink {
  const attributes: Draft = {};
  const link = { traceId: '', spanId: '', attributes };
  cursor.message((field, wire, at) => {
    if (field === 1) link.traceId = expect(wire, 2, at).hex();
    else if (field === 2) link.spanId = expect(wire, 2, at).hex();
    else if (field === 4) readKeyValue(expect(wire, 2, at), attributes);
  });
  return link;
}

function readStatus(cursor: ProtobufCursor): OtlpSpan['status'] {
  const status: Mutable<OtlpSpan['status']> = { code: 'unset', message: '' };
  cursor.message((field, wire, at) => {
    if (field === 2) status.message = expect(wire, 2, at).string();
    else if (field === 3) status.code = STATUSES[expect(wire, 0, at).varint()] ?? 'unset';
  });
  return status;
}

function readLogRecord(cursor: ProtobufCursor): Omit<OtlpLogRecord, keyof Origin> {
  const attributes: Draft = {};
  const record: Mutable<Omit<OtlpLogRecord, keyof Origin>> = {
    timeNs: 0n,
    observedNs: 0n,
    severity: 0,
    severityText: '',
    body: null,
    flags: 0,
    attributes,
  };
  const readers: Readonly<Record<number, (wire: WireType, at: ProtobufCursor) => void>> = {
    1: (wire, at) => void (record.timeNs = expect(wire, 1, at).fixed64()),
    2: (wire, at) => void (record.severity = expect(wire, 0, at).varint()),
    3: (wire, at) => void (record.severityText = expect(wire, 2, at).string()),
    5: (wire, at) => void (record.body = readValue(expect(wire, 2, at))),
    6: (wire, at) => readKeyValue(expect(wire, 2, at), attributes),
    8: (wire, at) => void (record.flags = expect(wire, 5, at).fixed32()),
    9: (wire, at) => setPresent(record, 'traceId', expect(wire, 2, at).hex()),
    10: (wire, at) => setPresent(record, 'spanId', expect(wire, 2, at).hex()),
    11: (wire, at) => void (record.observedNs = expect(wire, 1, at).fixed64()),
  };
  cursor.message((field, wire, at) => readers[field]?.(wire, at));
  return record;
}

/** Attributes as field `field` of a message (a resource, a key-value list). */
function readAttributesOf(cursor: ProtobufCursor, field: number, into: Draft): void {
  cursor.message((number, wire, at) => {
    if (number === field) readKeyValue(expect(wire, 2, at), into);
  });
}

function readKeyValue(cursor: ProtobufCursor, into: Draft): void {
  let key = '';
  let value: OtlpValue = null;
  cursor.message((field, wire, at) => {
    if (field === 1) key = expect(wire, 2, at).string();
    else if (field === 2) value = readValue(expect(wire, 2, at));
  });
  // defineProperty, because a sender may choose "__proto__" as a key.
  Object.defineProperty(into, key, { value, enumerable: true, writable: true, configurable: true });
}

function readValue(cursor: ProtobufCursor): OtlpValue {
  let value: OtlpValue = null;
  cursor.message((field, wire, at) => {
    if (field === 1) value = expect(wire, 2, at).string();
    else if (field === 2) value = expect(wire, 0, at).varint() !== 0;
    else if (field === 3) value = expect(wire, 0, at).int64();
    else if (field === 4) value = expect(wire, 1, at).double();
    else if (field === 5) value = readArray(expect(wire, 2, at));
    else if (field === 6) readAttributesOf(expect(wire, 2, at), 1, (value = {}));
    else if (field === 7) value = new Uint8Array(expect(wire, 2, at).bytes());
  });
  return value;
}

function readArray(cursor: ProtobufCursor): OtlpValue[] {
  const values: OtlpValue[] = [];
  cursor.message((field, wire, at) => {
    if (field === 1) values.push(readValue(expect(wire, 2, at)));
  });
  return values;
}

/** An empty id on the wire means "none". */
function setPresent<K extends string>(target: { [key in K]?: string }, key: K, value: string): void {
  if (value !== '') target[key] = value;
}

function expect(wire: WireType, wanted: WireType, cursor: ProtobufCursor): ProtobufCursor {
  if (wire === wanted) return cursor;
  throw telemetryError(
    'malformed-otlp',
    `not readable as OTLP protobuf: wire type ${wire} where ${wanted} belongs`,
  );
}
