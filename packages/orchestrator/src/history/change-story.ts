/**
 * What a change set did and who did it, from the revisions themselves. Pure.
 *
 * D1  Nothing is guessed: what an entry does not say is absent.
 * D2  What cannot be read is shown as it is, as text.
 */
import { parseKey, type RecordedRevision } from '@mabeam/variables';

/** What stands under a key. */
export type KeyContent =
  | 'value'
  | 'definition'
  | 'agent-definition'
  | 'rule'
  | 'scale'
  | 'graph'
  | 'freeze'
  | 'leader'
  | 'fence'
  | 'adaptation'
  | 'other';

/** An object of JSON, as a stranger may have written it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What one revision did to its key. */
export interface Difference {
  readonly key: string;
  readonly content: KeyContent;
  /** Id of the variable, agent, rule or adaptation. */
  readonly id: string;
  readonly revision: number;
  readonly operation: 'put' | 'delete';
  /** What stood there before; absent when nothing did, or when it is not known any more. */
  readonly before?: unknown;
  /** Revision of what stood there before. */
  readonly beforeRevision?: number;
  /** What stands there now: the value of a value's entry, else the whole body; absent when it was deleted. */
  readonly after?: unknown;
  /** What is on trial beside the value now. */
  readonly candidate?: unknown;
}

/** Who made a change, and why. */
export interface Provenance {
  readonly by?: string;
  readonly cause?: string;
  /** The trigger named as the cause. */
  readonly trigger?: { readonly source: string; readonly id: string };
  /** When, by the writer's clock. */
  readonly writtenAt?: string;
  /** The leader revision by which it was fenced; absent when it was not the leader's commit. */
  readonly leader?: number;
}

/** What stands under a key, and whose it is. */
export function contentOf(key: string): { readonly content: KeyContent; readonly id: string } {
  const parsed = parseKey(key);
  if (parsed.kind === 'agent-definition') return { content: 'agent-definition', id: parsed.agent };
  if (parsed.kind === 'value' || parsed.kind === 'definition') return { content: parsed.kind, id: parsed.id };
  const [head = '', ...rest] = key.split('.');
  if (head === 'fence') return { content: 'fence', id: key };
  if (head === 'graph' || head === 'freeze' || head === 'leader') return { content: head, id: key };
  if (head === 'adaptation' || head === 'scale') return { content: head, id: rest.join('.') };
  if (head === 'definition' && rest[0] === 'rule') return { content: 'rule', id: rest.slice(1).join('.') };
  return { content: 'other', id: key };
}

/** What a revision did, given what stood there before. */
export function differenceOf(revision: RecordedRevision, before: RecordedRevision | undefined): Difference {
  const { content, id } = contentOf(revision.key);
  const former = before?.operation === 'put' ? shownBody(content, before) : undefined;
  const present = revision.operation === 'put' ? shownBody(content, revision) : undefined;
  const candidate = content === 'value' ? bodyOf(revision)?.['candidate'] : undefined;
  return {
    key: revision.key,
    content,
    id,
    revision: revision.revision,
    operation: revision.operation,
    ...(former === undefined ? {} : { before: former }),
    ...(before === undefined ? {} : { beforeRevision: before.revision }),
    ...(present === undefined ? {} : { after: present }),
    ...(candidate === undefined ? {} : { candidate }),
  };
}

/** Who made the change set of these revisions, and why, as their bodies say. */
export function provenanceOf(revisions: readonly RecordedRevision[]): Provenance {
  const bodies = revisions.map((each) => ({ content: contentOf(each.key).content, body: bodyOf(each) }));
  const order: readonly KeyContent[] = ['value', 'scale', 'freeze', 'fence', 'leader'];
  const telling = order.flatMap((content) => bodies.filter((each) => each.content === content));
  const text = (field: string): string | undefined =>
    telling.flatMap(({ body }) => (typeof body?.[field] === 'string' ? [body[field]] : []))[0];
  const leader = bodies.flatMap(({ content, body }) =>
    content === 'fence' && typeof body?.['leader'] === 'number' ? [body['leader']] : [],
  )[0];
  const by = text('by') ?? (leader === undefined ? undefined : 'orchestrator');
  const cause = text('cause') ?? text('reason');
  const trigger = cause === undefined ? undefined : triggerIn(cause);
  const writtenAt = text('at');
  return {
    ...(by === undefined ? {} : { by }),
    ...(cause === undefined ? {} : { cause }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(writtenAt === undefined ? {} : { writtenAt }),
    ...(leader === undefined ? {} : { leader }),
  };
}

/** The JSON object in a revision; undefined when there is none. */
export function bodyOf({ data, operation }: RecordedRevision): JsonObject | undefined {
  return operation === 'delete' ? undefined : objectIn(data);
}

/** The JSON object in some bytes; undefined when there is none. */
export function objectIn(data: Uint8Array): JsonObject | undefined {
  const body = jsonIn(data);
  return isObject(body) ? body : undefined;
}

function shownBody(content: KeyContent, revision: RecordedRevision): unknown {
  if (revision.omittedBytes !== undefined) return `(${revision.omittedBytes} bytes, not kept)`;
  const body = jsonIn(revision.data);
  if (body === undefined) return Buffer.from(revision.data).toString();
  return content === 'value' && isObject(body) && 'value' in body ? body['value'] : body;
}

/** The trigger that a cause names; undefined for any other cause. */
function triggerIn(cause: string): Provenance['trigger'] {
  const said = jsonIn(cause);
  if (!isObject(said) || said['kind'] !== 'trigger') return undefined;
  const { id, source } = said;
  return typeof source === 'string' && typeof id === 'string' ? { source, id } : undefined;
}

function jsonIn(text: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof text === 'string' ? text : Buffer.from(text).toString()) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
