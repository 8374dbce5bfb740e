import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { contextFrom, formatTraceparent } from './tracing.ts';

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
