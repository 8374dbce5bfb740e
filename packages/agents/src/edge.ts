/**
 * What goes along an edge, and its form on the wire: `edge.<from>.<to>.<kind>`, a plain body with headers (docs/protocol.md,
 * "Edges"). Both ends read and write it here.
 *
 *   data           kept until it is dealt with; at least once, in order for each edge
 *   command        asked and answered, by those who may direct
 *   feedback, coordination, supervision      core: at most once
 */
import { isConversation, parseToken, type BusMessage, type Subjects } from '@mabeam/bus';
import { agentError } from './errors.ts';

/** The kinds of edges. */
export const edgeKinds = ['command', 'data', 'feedback', 'coordination', 'supervision'] as const;

/** A kind of edge: what is promised of what goes along it. */
export type EdgeKind = (typeof edgeKinds)[number];

/** How many agents a thing may pass through along edges, so that no circle of sends goes on for ever. */
export const hopLimit = 32;

/** What accompanies a body along an edge. */
export interface EdgeMeta {
  /** Epoch of the graph the sender went by; absent when it knew none. */
  readonly epoch?: number | undefined;
  /** Revision of the variables the sender went by. */
  readonly revision?: number | undefined;
  /** Edges that led here before this one. */
  readonly hops: number;
  /** The conversation it belongs to. */
  readonly conversation?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** Who sent to whom, and what accompanied it. */
export interface EdgeMessage extends EdgeMeta {
  readonly from: string;
  readonly to: string;
}

/** The subject of an edge; `*` for the sender makes the filter of a receiver. Throws `invalid-id`. */
export function edgeSubject(at: Subjects, from: string, to: string, kind: EdgeKind): string {
  const sender = from === '*' ? from : parseToken('agent', from);
  return at.at(`edge.${sender}.${parseToken('agent', to)}.${kind}`);
}

/** The headers of a message along an edge; those that would say nothing are left out. */
export function edgeHeaders(meta: EdgeMeta): Record<string, string> {
  const pairs = {
    'Content-Type': 'application/json',
    'Mabeam-Epoch': meta.epoch?.toString(),
    'Mabeam-Revision': meta.revision?.toString(),
    'Mabeam-Hops': meta.hops > 0 ? `${meta.hops}` : undefined,
    'Mabeam-Conversation': meta.conversation,
    traceparent: meta.traceparent,
  };
  return Object.fromEntries(
    Object.entries(pairs).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** Reads who sent to whom from a message; undefined when its headers make no sense. */
export function parseEdge({
  subject,
  headers,
}: Pick<BusMessage, 'subject' | 'headers'>): EdgeMessage | undefined {
  const [, , , from, to] = subject.split('.');
  const [epoch, revision, hops] = ['mabeam-epoch', 'mabeam-revision', 'mabeam-hops'].map((name) =>
    wholeNumber(headers.get(name)),
  );
  if (from === undefined || to === undefined) return undefined;
  if (epoch === 'malformed' || revision === 'malformed' || hops === 'malformed') return undefined;
  const conversation = headers.get('mabeam-conversation');
  if (conversation !== undefined && !isConversation(conversation)) return undefined;
  return {
    from,
    to,
    epoch,
    revision,
    hops: hops ?? 0,
    conversation,
    traceparent: headers.get('traceparent'),
  };
}

/** Throws `hop-limit` when what came over this many edges may not go over another. */
export function assertHops(hops: number, from: string, to: string): void {
  if (hops < hopLimit) return;
  throw agentError(
    'hop-limit',
    `${from} may not send this on to ${to}: it has come over ${hops} edges already; the agents send it in a circle`,
    { details: { from, to, hops, limit: hopLimit } },
  );
}

function wholeNumber(text: string | undefined): number | undefined | 'malformed' {
  if (text === undefined) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 0 && text !== '' ? value : 'malformed';
}
