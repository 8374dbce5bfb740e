/**
 * One POST of an OTLP request, and what its answer means for the messages it was made of. The decision is pure; nothing is
 * retried here.
 */
import type { ForwardTarget } from './forward-settings.ts';
import { readPartialSuccess } from './otlp-reader.ts';
import { protobufContentType } from './payload.ts';

/** What became of a POST. */
export type PostOutcome =
  /** Taken; the receiver may have refused some items of it for good. */
  | { readonly kind: 'accepted'; readonly rejected: number; readonly reason: string }
  /** Worth another try, not before `afterMs` when the receiver named a time. */
  | { readonly kind: 'unavailable'; readonly reason: string; readonly afterMs?: number }
  /** Will never be taken. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface PostOptions {
  readonly target: ForwardTarget;
  readonly contentType: string;
  readonly timeoutMs: number;
}

const retryable = new Set([429, 502, 503, 504]);
const MAX_RETRY_AFTER_MS = 30_000;

/** Posts a request. Never throws: what goes wrong on the way is `unavailable`. */
export async function postOtlp(body: Uint8Array, options: PostOptions): Promise<PostOutcome> {
  const { target, contentType, timeoutMs } = options;
  try {
    const response = await fetch(target.url, {
      method: 'POST',
      // Following would turn the POST into a GET, which some receivers even answer with 200.
      redirect: 'manual',
      headers: { ...target.headers, 'content-type': contentType },
      // A copy, because fetch wants an ArrayBuffer of its own.
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer = new Uint8Array(await response.arrayBuffer());
    return outcomeOf(response, answer);
  } catch (error) {
    return { kind: 'unavailable', reason: `${target.url}: ${reasonOf(error)}` };
  }
}

/** What an answer means: 2xx accepted; 429, 502, 503 and 504 unavailable; everything else refused. */
export function outcomeOf(
  response: Pick<Response, 'status' | 'ok' | 'headers'>,
  answer: Uint8Array,
  nowMs: number = Date.now(),
): PostOutcome {
  if (response.ok) {
    const isProtobuf = response.headers.get('content-type')?.startsWith(protobufContentType) === true;
    const { rejected, message } = isProtobuf ? partialSuccessOf(answer) : { rejected: 0, message: '' };
    return { kind: 'accepted', rejected, reason: message };
  }
  const reason = `HTTP ${response.status}`;
  if (!retryable.has(response.status)) return { kind: 'refused', reason };
  const afterMs = retryAfterMs(response.headers.get('retry-after'), nowMs);
  return { kind: 'unavailable', reason, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** A `Retry-After` of seconds or a date, as ms from now, at most 30 000; undefined when it says nothing readable. */
export function retryAfterMs(text: string | null, nowMs: number): number | undefined {
  if (text === null || text.trim() === '') return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms)) : undefined;
}

/** A receiver that answers 2xx with something unreadable has taken the request. */
function partialSuccessOf(answer: Uint8Array): { readonly rejected: number; readonly message: string } {
  try {
    return readPartialSuccess(answer);
  } catch {
    return { rejected: 0, message: '' };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message;
}
