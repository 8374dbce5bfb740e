import { AsyncLocalStorage } from 'node:async_hooks';
import { context, ROOT_CONTEXT, trace, type Context, type ContextManager } from '@opentelemetry/api';
import { fc, it } from '@fast-check/vitest';
import { afterEach, describe, expect } from 'vitest';
import {
  askerHop,
  contextFrom,
  formatTraceparent,
  inSpan,
  isUnrecorded,
  recordedTrace,
  responderContext,
  UnrecordedFrame,
} from './tracing.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('trace context', () => {
  it('a traceparent is read and written without a change', () => {
    const span = trace.getSpanContext(contextFrom(traceparent));
    expect(span).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', isRemote: true });
    expect(span === undefined ? '' : formatTraceparent(span)).toBe(traceparent);
  });

  it('the decision not to sample is kept', () => {
    const unsampled = traceparent.replace(/01$/, '00');
    const span = trace.getSpanContext(contextFrom(unsampled));
    expect(span === undefined ? '' : formatTraceparent(span)).toBe(unsampled);
  });

  it.prop([fc.string()])('a malformed traceparent starts a new trace and never throws', (text) => {
    expect(contextFrom(text)).toBe(ROOT_CONTEXT);
  });

  it('ids of zeros are no trace', () => {
    expect(contextFrom(`00-${'0'.repeat(32)}-b7ad6b7169203331-01`)).toBe(ROOT_CONTEXT);
    expect(contextFrom(`00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`)).toBe(ROOT_CONTEXT);
  });
});

describe('the hops of a request', () => {
  afterEach(() => {
    trace.disable();
    context.disable();
  });

  /** Keeps the active context over asynchronous work, as an SDK does. */
  const keepContexts = (): void => {
    const active = new AsyncLocalStorage<Context>();
    const manager: ContextManager = {
      active: () => active.getStore() ?? ROOT_CONTEXT,
      with: (given, work, thisArg, ...args) => active.run(given, () => work.call(thisArg, ...args)),
      bind: (_given, target) => target,
      enable: () => manager,
      disable: () => manager,
    };
    context.setGlobalContextManager(manager);
  };

  const spanOptions = { kind: 'client', name: 'request x', attributes: {} } as const;
  const traceId = '0af7651916cd43dd8448eb211c80319c';

  /** An SDK that refuses every root, counting how often it is asked. */
  const refuseAll = (): { asked: number } => {
    const seen = { asked: 0 };
    const unused = (): never => {
      throw new Error('the bus does not use it');
    };
    const startSpan = () => {
      seen.asked += 1;
      return trace.wrapSpanContext({ traceId, spanId: 'b7ad6b7169203331', traceFlags: 0 });
    };
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan: unused }) });
    return seen;
  };

  it('without an SDK nothing is made and nothing is told', () => {
    expect(askerHop()).toEqual({ kind: 'pass', traceparent: undefined });
    expect(responderContext(traceparent)).toBeUndefined();
  });

  it('after a refused root the next requests do not ask again, and tell the next hop so', async () => {
    const sampler = refuseAll();
    expect(askerHop()).toEqual({ kind: 'span' });
    await inSpan(spanOptions, () => Promise.resolve());
    expect(askerHop()).toEqual({ kind: 'pass', traceparent: false });
    expect(sampler.asked).toBe(1);
  });

  it('what unrecorded work asks is not recorded either, also after telemetry was started anew', async () => {
    const frame = new UnrecordedFrame();
    const asked = (): Promise<unknown> =>
      frame.run(responderContext(false) ?? ROOT_CONTEXT, async () => {
        await Promise.resolve();
        return [askerHop(), isUnrecorded(context.active())];
      });
    for (const _ of ['at first', 'anew']) {
      refuseAll();
      keepContexts();
      const unrecorded = [{ kind: 'pass', traceparent: false }, true];
      expect([await asked(), await asked()]).toEqual([unrecorded, unrecorded]);
      expect(context.active()).toBe(ROOT_CONTEXT);
      trace.disable();
      context.disable();
    }
  });

  it('what is not recorded, but has an id, keeps it in the frame of its own', () => {
    refuseAll();
    keepContexts();
    const given = responderContext(traceparent.replace(/01$/, '00')) ?? ROOT_CONTEXT;
    const hop = new UnrecordedFrame().run(given, askerHop);
    expect(hop).toEqual({ kind: 'pass', traceparent: traceparent.replace(/01$/, '00') });
  });

  it('only a recorded trace has a name for its conversation', () => {
    expect(recordedTrace(traceparent)).toBe(traceId);
    for (const other of [traceparent.replace(/01$/, '00'), 'nonsense', false, undefined] as const)
      expect(recordedTrace(other)).toBeUndefined();
  });

  it('what the root decided against stays unrecorded at the responder, with or without an id', () => {
    refuseAll();
    for (const told of [false, traceparent.replace(/01$/, '00')] as const) {
      const given = responderContext(told);
      expect(given !== undefined && isUnrecorded(given)).toBe(true);
    }
    const sampled = responderContext(traceparent);
    expect(sampled !== undefined && isUnrecorded(sampled)).toBe(false);
  });
});
