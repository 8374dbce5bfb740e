/**
 * A trace as a tree: assembled from spans in any order, from any number of processes, and written as text.
 *
 * T1 Every span given appears exactly once: below its parent, among the roots, or among the orphans.
 * T2 An orphan names a parent that is absent, or whose ancestors form a ring; its own children stay below it.
 * T3 Spans delivered twice count once (by span id).
 */
import type { OtlpSpan } from './otlp-reader.ts';
import { attributes } from './semconv.ts';

/** A span and those below it. */
export interface TraceNode {
  readonly span: OtlpSpan;
  /** By start time. */
  readonly children: readonly TraceNode[];
}

/** The spans of one trace as trees; an orphan is a span whose parent has not been seen. */
export interface Trace {
  readonly traceId: string;
  readonly roots: readonly TraceNode[];
  readonly orphans: readonly TraceNode[];
  /** The instances (`service.instance.id`) that took part, sorted. */
  readonly processes: readonly string[];
  /** Spans on the longest way down from a root or orphan. */
  readonly depth: number;
  readonly spanCount: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

interface Draft {
  readonly span: OtlpSpan;
  readonly children: Draft[];
}

/** The trace with this id among the given spans; undefined when none of them belongs to it. */
export function assembleTrace(traceId: string, spans: Iterable<OtlpSpan>): Trace | undefined {
  const drafts = new Map<string, Draft>();
  for (const span of spans) {
    if (span.traceId === traceId && !drafts.has(span.spanId)) drafts.set(span.spanId, { span, children: [] });
  }
  if (drafts.size === 0) return undefined;
  const byStart = [...drafts.values()].sort((a, b) => compare(a.span.startNs, b.span.startNs));
  const { roots, orphans } = linkSpans(byStart, drafts);
  const all = byStart.map(({ span }) => span);
  return {
    traceId,
    roots,
    orphans,
    processes: processesOf(all),
    depth: depthOf([...roots, ...orphans]),
    spanCount: all.length,
    startNs: all.reduce((least, span) => (span.startNs < least ? span.startNs : least), all[0]!.startNs),
    endNs: all.reduce((most, span) => (span.endNs > most ? span.endNs : most), all[0]!.endNs),
  };
}

/** Hangs every span below its parent. Whatever then hangs below no root and no orphan is a ring: it is cut open. */
function linkSpans(
  byStart: readonly Draft[],
  drafts: ReadonlyMap<string, Draft>,
): { readonly roots: Draft[]; readonly orphans: Draft[] } {
  const roots: Draft[] = [];
  const orphans: Draft[] = [];
  for (const draft of byStart) {
    const { parentSpanId } = draft.span;
    if (parentSpanId === undefined) roots.push(draft);
    else (drafts.get(parentSpanId)?.children ?? orphans).push(draft);
  }
  const placed = new Set<Draft>();
  for (const top of [...roots, ...orphans]) markBelow(top, placed);
  for (const draft of byStart) {
    if (placed.has(draft)) continue;
    const siblings = drafts.get(draft.span.parentSpanId ?? '')?.children ?? [];
    siblings.splice(siblings.indexOf(draft), 1);
    orphans.push(draft);
    markBelow(draft, placed);
  }
  return { roots, orphans };
}

function markBelow(top: Draft, placed: Set<Draft>): void {
  const waiting = [top];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    placed.add(next);
    waiting.push(...next.children);
  }
}

function processesOf(spans: readonly OtlpSpan[]): string[] {
  return [...new Set(spans.map(instanceOf))].sort();
}

function instanceOf({ resource }: OtlpSpan): string {
  return text(resource[attributes.serviceInstanceId]) ?? text(resource[attributes.serviceName]) ?? 'unknown';
}

function depthOf(tops: readonly TraceNode[]): number {
  let depth = 0;
  for (let level = tops; level.length > 0; level = level.flatMap(({ children }) => children)) depth += 1;
  return depth;
}

/**
 * The trace as indented text, a line for each span: offset and duration in ms, name, kind, process, and `ERROR` with its
 * message. Orphans come last, under a line that names what is missing.
 */
export function renderTrace(trace: Trace): string {
  const totalMs = milliseconds(trace.endNs - trace.startNs);
  const lines = [
    `trace ${trace.traceId}: ${trace.spanCount} spans, ${trace.processes.length} processes, depth ${trace.depth}, ` +
      `${totalMs} ms, ${trace.orphans.length} orphans`,
  ];
  for (const root of trace.roots) renderNode(root, trace.startNs, lines);
  for (const orphan of trace.orphans) {
    lines.push(`orphan: its parent ${orphan.span.parentSpanId} was not seen`);
    renderNode(orphan, trace.startNs, lines);
  }
  return lines.join('\n');
}

function renderNode(top: TraceNode, startNs: bigint, lines: string[]): void {
  const waiting: { readonly node: TraceNode; readonly level: number }[] = [{ node: top, level: 1 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, level } = next;
    lines.push(`${'  '.repeat(level)}${describeSpan(node.span, startNs)}`);
    for (const child of node.children.toReversed()) waiting.push({ node: child, level: level + 1 });
  }
}

function describeSpan(span: OtlpSpan, startNs: bigint): string {
  const offset = milliseconds(span.startNs - startNs);
  const duration = milliseconds(span.endNs - span.startNs);
  const who =
    text(span.resource[attributes.agent]) ?? text(span.resource[attributes.serviceName]) ?? 'unknown';
  const failure = span.status.code === 'error' ? ` ERROR ${span.status.message}`.trimEnd() : '';
  return `+${offset} ms ${span.name} [${span.kind}] ${who} (${duration} ms)${failure}`;
}

function milliseconds(ns: bigint): string {
  return (Number(ns) / 1e6).toFixed(2);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
