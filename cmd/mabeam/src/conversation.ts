/**
 * A conversation begun at the terminal: the root of a trace that is always kept, so that `mabeam trace` can show what came of
 * it. The OpenTelemetry SDK is loaded only here and only when it is needed: it would double the start of the other commands.
 */
import { inSpan } from '@mabeam/bus';
import type { Place } from './session.ts';

/** What came of it, and its trace; without one when telemetry is switched off (`OTEL_SDK_DISABLED`). */
export interface Conversation<T> {
  readonly result: T;
  readonly traceId: string | undefined;
}

/** Does the work inside a root span called `name`; what the work throws passes through, after the span was sent. */
export async function converse<T>(
  { bus, space }: Place,
  name: string,
  work: () => Promise<T>,
): Promise<Conversation<T>> {
  const { attributes, startTelemetry } = await import('@mabeam/telemetry');
  await using _telemetry = startTelemetry({ service: 'mabeam', process: String(process.pid), space, bus });
  const described = { [attributes.space]: space, [attributes.alwaysSample]: true };
  return await inSpan(
    { kind: 'client', name: `conversation ${name}`, attributes: described },
    async (span) => {
      const result = await work();
      const traceId = span?.isRecording() === true ? span.spanContext().traceId : undefined;
      return { result, traceId };
    },
  );
}
