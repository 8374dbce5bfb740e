import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import type { OtlpSpan } from './otlp-reader.ts';
import { assembleTrace, renderTrace, type TraceNode } from './trace.ts';

function span(spanId: string, parentSpanId?: string, more: Partial<OtlpSpan> = {}): OtlpSpan {
  return {
    resource: { 'service.name': 'judge', 'service.instance.id': 'demo/judge.0/1' },
    scope: '',
    traceId: 't1',
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name: `work ${spanId}`,
    kind: 'internal',
    startNs: 1_000_000n,
    endNs: 3_000_000n,
    attributes: {},
    status: { code: 'unset', message: '' },
    events: [],
    links: [],
    flags: 1,
    ...more,
  };
}

function idsBelow(nodes: readonly TraceNode[]): string[] {
  return nodes.flatMap((node) => [node.span.spanId, ...idsBelow(node.children)]);
}

test('spans in any order become one tree, children by start time', () => {
  const spans = [
    span('c', 'a', { startNs: 9_000_000n, endNs: 12_000_000n }),
    span('b', 'a', { startNs: 2_000_000n }),
    span('d', 'b'),
    span('a'),
  ];
  const trace = assembleTrace('t1', spans);
  expect(idsBelow(trace?.roots ?? [])).toEqual(['a', 'b', 'd', 'c']);
  expect(trace).toMatchObject({
    depth: 3,
    spanCount: 4,
    orphans: [],
    startNs: 1_000_000n,
    endNs: 12_000_000n,
  });
});

test('a span whose parent is absent is an orphan and keeps its children', () => {
  const trace = assembleTrace('t1', [span('a'), span('x', 'gone'), span('y', 'x')]);
  expect(trace?.orphans.map((node) => node.span.spanId)).toEqual(['x']);
  expect(idsBelow(trace?.orphans ?? [])).toEqual(['x', 'y']);
});

test('a span delivered twice counts once', () => {
  expect(assembleTrace('t1', [span('a'), span('b', 'a'), span('b', 'a')])?.spanCount).toBe(2);
});

test('spans of another trace are no part of it, and a trace without spans is undefined', () => {
  expect(assembleTrace('t1', [span('a'), span('b', 'a', { traceId: 't2' })])?.spanCount).toBe(1);
  expect(assembleTrace('t3', [span('a')])).toBeUndefined();
});

test('the processes that took part are listed once each', () => {
  const other = { resource: { 'service.name': 'words' } };
  const trace = assembleTrace('t1', [span('a'), span('b', 'a', other), span('c', 'a')]);
  expect(trace?.processes).toEqual(['demo/judge.0/1', 'words']);
});

test('a ring of parents is cut open and reported as an orphan', () => {
  const trace = assembleTrace('t1', [span('a', 'c'), span('b', 'a'), span('c', 'b')]);
  expect(trace?.roots).toEqual([]);
  expect(idsBelow(trace?.orphans ?? []).toSorted()).toEqual(['a', 'b', 'c']);
});

const someSpans = fc.array(
  fc.record({ id: fc.integer({ min: 0, max: 12 }), parent: fc.option(fc.integer({ min: 0, max: 12 })) }),
  { minLength: 1, maxLength: 20 },
);

test.prop([someSpans])('every span appears exactly once, whatever the parents say', (given) => {
  const spans = given.map(({ id, parent }) => span(`s${id}`, parent === null ? undefined : `s${parent}`));
  const trace = assembleTrace('t1', spans);
  const seen = idsBelow([...(trace?.roots ?? []), ...(trace?.orphans ?? [])]);
  expect(seen.toSorted()).toEqual([...new Set(spans.map(({ spanId }) => spanId))].toSorted());
});

test('the text shows nesting, failures and what is missing', () => {
  const failed = { status: { code: 'error', message: 'no quorum' } } as const;
  const trace = assembleTrace('t1', [span('a'), span('b', 'a', failed), span('x', 'gone')]);
  expect(trace === undefined ? '' : renderTrace(trace)).toBe(
    [
      'trace t1: 3 spans, 1 processes, depth 2, 2.00 ms, 1 orphans',
      '  +0.00 ms work a [internal] judge (2.00 ms)',
      '    +0.00 ms work b [internal] judge (2.00 ms) ERROR no quorum',
      'orphan: its parent gone was not seen',
      '  +0.00 ms work x [internal] judge (2.00 ms)',
    ].join('\n'),
  );
});
