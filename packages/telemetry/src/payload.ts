/**
 * How telemetry travels on the bus: an OTLP request as body, gzip level 1, and headers that say so; and back again.
 * Everybody may publish it, so what comes back is bounded: a body that unpacks beyond `largestRequest` is refused.
 */
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import type { BusMessage } from '@mabeam/bus';
import { telemetryError } from './errors.ts';

/** The kinds of telemetry, as the last token of the subject says them. */
export type TelemetryKind = 'traces' | 'metrics' | 'logs';

/** Largest request, in bytes before compression: nobody sends a larger one, nobody unpacks one. */
export const largestRequest: number = 16 * 1024 * 1024;

const compress = promisify(gzip);

export const protobufContentType = 'application/x-protobuf';

const packedHeaders = { 'Content-Type': protobufContentType, 'Content-Encoding': 'gzip' } as const;

/** An OTLP protobuf request as the body and headers of a message. */
export async function packTelemetry(
  request: Uint8Array,
): Promise<{ readonly bytes: Uint8Array; readonly headers: Readonly<Record<string, string>> }> {
  return { bytes: await compress(request, { level: 1 }), headers: packedHeaders };
}

/** The request inside a message. Throws `malformed-otlp` when it cannot be unpacked. */
export function unpackTelemetry(message: Pick<BusMessage, 'data' | 'headers' | 'subject'>): Uint8Array {
  if (message.headers.get('content-encoding') !== 'gzip') return message.data;
  try {
    return gunzipSync(message.data, { maxOutputLength: largestRequest });
  } catch (cause) {
    throw telemetryError(
      'malformed-otlp',
      `${message.subject}: the body is not gzip of at most ${largestRequest} bytes`,
      {
        cause,
      },
    );
  }
}
