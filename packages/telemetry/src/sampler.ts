/**
 * Sampling: decided once, at the root of a trace; every other span does what its parent did, so a trace is whole or absent.
 *
 * Roots of transport spans are rate-limited by a token bucket. Roots of conversations, failures, directives and
 * adaptations are always kept: they carry the attribute `mabeam.always_sample` at their start, or a name that says so.
 */
import {
  isSpanContextValid,
  SamplingDecision,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Sampler,
  type SpanKind,
} from '@opentelemetry/api';
import { attributes } from './semconv.ts';

const alwaysKeptNames = /^(?:conversation|failure|directive|adaptation|round)\b/;

/** Takes one token; false when none is left. */
export type TokenBucket = () => boolean;

/**
 * A bucket that fills at `perSecond` up to `burst` (default one second's worth, at least 1) and starts full. `clock` counts
 * milliseconds and need not be the time of day; one that steps back gives nothing and takes nothing.
 */
export function createTokenBucket(options: {
  readonly perSecond: number;
  readonly burst?: number;
  readonly clock: () => number;
}): TokenBucket {
  const burst = options.burst ?? Math.max(1, options.perSecond);
  let tokens = options.perSecond > 0 ? burst : 0;
  let filledAt = options.clock();
  return () => {
    const now = options.clock();
    tokens = Math.min(burst, tokens + (Math.max(0, now - filledAt) / 1_000) * options.perSecond);
    filledAt = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

/** Must this root be kept whatever the limit says? */
function isAlwaysKept(name: string, given: Attributes): boolean {
  return given[attributes.alwaysSample] === true || alwaysKeptNames.test(name);
}

/** A sampler that keeps at most `rootsPerSecond` ordinary roots, all always-kept roots, and obeys the parent otherwise. */
export function createSampler(options: {
  readonly rootsPerSecond: number;
  readonly clock?: () => number;
}): Sampler {
  const { rootsPerSecond, clock = () => performance.now() } = options;
  const takeToken = createTokenBucket({ perSecond: rootsPerSecond, clock });
  const isKept = (parent: Context, name: string, given: Attributes): boolean => {
    const upstream = trace.getSpanContext(parent);
    if (upstream !== undefined && isSpanContextValid(upstream)) {
      return (upstream.traceFlags & TraceFlags.SAMPLED) !== 0;
    }
    return isAlwaysKept(name, given) || takeToken();
  };
  return {
    shouldSample: (parent: Context, _traceId: string, name: string, _kind: SpanKind, given: Attributes) => ({
      decision: isKept(parent, name, given)
        ? SamplingDecision.RECORD_AND_SAMPLED
        : SamplingDecision.NOT_RECORD,
    }),
    toString: () => `MabeamSampler{rootsPerSecond=${rootsPerSecond}}`,
  };
}
