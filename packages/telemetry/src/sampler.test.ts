import {
  ROOT_CONTEXT,
  SamplingDecision,
  SpanKind,
  trace,
  TraceFlags,
  type Context,
} from '@opentelemetry/api';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { createSampler, createTokenBucket } from './sampler.ts';

function decide(
  sampler: ReturnType<typeof createSampler>,
  parent: Context,
  name = 'ask',
  attributes = {},
): boolean {
  const { decision } = sampler.shouldSample(parent, '1'.repeat(32), name, SpanKind.CLIENT, attributes, []);
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

function parentWith(traceFlags: TraceFlags): Context {
  return trace.setSpanContext(ROOT_CONTEXT, { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags });
}

test('roots beyond the rate are not kept until time has passed', () => {
  let now = 0;
  const sampler = createSampler({ rootsPerSecond: 2, clock: () => now });
  expect([1, 2, 3].map(() => decide(sampler, ROOT_CONTEXT))).toEqual([true, true, false]);
  now = 500;
  expect([1, 2].map(() => decide(sampler, ROOT_CONTEXT))).toEqual([true, false]);
});

test('a child does what its parent did, and takes no token', () => {
  const sampler = createSampler({ rootsPerSecond: 1, clock: () => 0 });
  expect(decide(sampler, parentWith(TraceFlags.SAMPLED))).toBe(true);
  expect(decide(sampler, parentWith(TraceFlags.NONE))).toBe(false);
  expect(decide(sampler, parentWith(TraceFlags.NONE), 'adaptation apply')).toBe(false);
  expect(decide(sampler, ROOT_CONTEXT)).toBe(true);
});

test('conversations, failures, directives and adaptations are kept when the rate is used up', () => {
  const sampler = createSampler({ rootsPerSecond: 0, clock: () => 0 });
  expect(decide(sampler, ROOT_CONTEXT)).toBe(false);
  expect(decide(sampler, ROOT_CONTEXT, 'judge mail', { 'mabeam.always_sample': true })).toBe(true);
  for (const name of ['conversation mail', 'failure', 'directive start', 'adaptation quality-low']) {
    expect(decide(sampler, ROOT_CONTEXT, name)).toBe(true);
  }
  expect(decide(sampler, ROOT_CONTEXT, 'failures-report')).toBe(false);
});

test.prop([
  fc.integer({ min: 1, max: 50 }),
  fc.array(fc.integer({ min: -20, max: 300 }), { minLength: 1, maxLength: 200 }),
])('never more than the burst and the rate times the time that passed', (perSecond, steps) => {
  let now = 0;
  let passed = 0;
  let kept = 0;
  const take = createTokenBucket({ perSecond, clock: () => now });
  for (const step of steps) {
    now += step;
    passed += Math.max(0, step);
    if (take()) kept += 1;
  }
  expect(kept).toBeLessThanOrEqual(perSecond + (passed / 1_000) * perSecond + 1e-6);
});
