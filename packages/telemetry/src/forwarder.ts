/**
 * The forwarder: takes telemetry from its stream and posts it to an OTLP receiver.
 *
 * F1 A message is acknowledged only after the receiver has taken it: delivery is at least once, and what is doubled after
 *    a crash is at most the POST that was on its way.
 * F2 A receiver that is away costs nothing but time: redelivery is unlimited, waits grow to 5 s, its Retry-After counts.
 * F3 A message is given up only when the receiver refuses it by itself; then it is counted and logged. One bad message
 *    does not take down those it was merged with.
 * F4 Nothing is decoded: concatenated protobuf requests are one merged request.
 * F5 Forwarding makes no spans, or it would forward itself for ever.
 */
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { consumeBatches, MabeamError, telemetryStream, type Bus, type Delivery } from '@mabeam/bus';
import type { ForwardSettings, ForwardTarget } from './forward-settings.ts';
import type { Logger } from './logging.ts';
import { postOtlp, type PostOutcome } from './otlp-post.ts';
import { protobufContentType, unpackTelemetry, type TelemetryKind } from './payload.ts';

/** Where to forward to, until when, and how failures are told and waited out. */
export interface ForwarderOptions extends ForwardSettings {
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Prefix of the durable consumers; forwarders with the same one share the work. Default `observer`. */
  readonly durable?: string;
  /** First wait after a failed POST; it doubles up to 5 000. Default 250. */
  readonly backoffMs?: number;
}

/** What a forwarder has done so far. */
export interface ForwarderStats {
  /** POSTs the receiver has taken. */
  posts: number;
  /** Messages acknowledged after being taken. */
  messages: number;
  /** POSTs that failed for now. */
  retries: number;
  /** Messages given up. */
  dropped: number;
  /** Items that the receiver refused inside POSTs it has taken. */
  rejected: number;
}

const MAX_BACKOFF_MS = 5_000;
const MAX_POST_BYTES = 4 * 1024 * 1024;
const MAX_POST_MESSAGES = 64;
/** Longer than a batch's slowest way: POST timeouts and Retry-After are both bounded by 30 s. */
const ACK_WAIT_MS = 90_000;

/**
 * Forwards to all targets until the signal aborts, and resolves with what was done. The POST then on its way is finished;
 * what was not posted is delivered again to the next forwarder. Throws what stops one of the targets (a closed bus).
 */
export async function runForwarder(bus: Bus, options: ForwarderOptions): Promise<ForwarderStats> {
  const stats: ForwarderStats = { posts: 0, messages: 0, retries: 0, dropped: 0, rejected: 0 };
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const run = async (target: ForwardTarget): Promise<void> => {
    try {
      await new KindForwarder(bus, target, { ...options, signal }, stats).run();
    } catch (error) {
      failed.abort();
      throw error;
    }
  };
  const ends = await context.with(suppressTracing(context.active()), () =>
    Promise.allSettled(options.targets.map((target) => run(target))),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  if (bus.connected) await bus.flush();
  return stats;
}

/** A message with its unpacked body. */
interface Parcel {
  readonly delivery: Delivery;
  readonly body: Uint8Array;
  readonly contentType: string;
}

class KindForwarder {
  readonly #bus: Bus;
  readonly #target: ForwardTarget;
  readonly #options: ForwarderOptions;
  readonly #stats: ForwarderStats;
  #failures = 0;

  constructor(bus: Bus, target: ForwardTarget, options: ForwarderOptions, stats: ForwarderStats) {
    this.#bus = bus;
    this.#target = target;
    this.#options = options;
    this.#stats = stats;
  }

  async run(): Promise<void> {
    const { signal, durable = 'observer' } = this.#options;
    const batches = consumeBatches(this.#bus, {
      stream: telemetryStream,
      durable: `${durable}-${this.#target.kind}`,
      signal,
      filter: filterOf(this.#target.kind),
      maxMessages: MAX_POST_MESSAGES,
      ackWaitMs: ACK_WAIT_MS,
      lingerMs: 50,
    });
    try {
      for await (const batch of batches) await this.#forward(batch);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #forward(batch: readonly Delivery[]): Promise<void> {
    for (const group of mergeableGroups(this.#unpackAll(batch))) await this.#postGroup(group);
  }

  #unpackAll(batch: readonly Delivery[]): Parcel[] {
    return batch.flatMap((delivery) => {
      try {
        const contentType = delivery.headers.get('content-type') ?? protobufContentType;
        return [{ delivery, body: unpackTelemetry(delivery), contentType }];
      } catch (error) {
        if (!(error instanceof MabeamError)) throw error;
        this.#drop(delivery, error.message);
        return [];
      }
    });
  }

  /** Posts a group merged; if it is refused, each of its messages by itself (F3). */
  async #postGroup(group: readonly Parcel[]): Promise<void> {
    if (this.#options.signal.aborted) return giveBack(group, 0);
    const outcome = await this.#post(group);
    if (outcome.kind === 'accepted') return this.#acknowledge(group, outcome);
    if (outcome.kind === 'unavailable') return this.#waitOut(group, outcome);
    const [only] = group;
    if (only !== undefined && group.length === 1) return this.#drop(only.delivery, outcome.reason);
    for (const [at, parcel] of group.entries()) {
      for (const { delivery } of group.slice(at)) delivery.working();
      await this.#postGroup([parcel]);
    }
  }

  #post(group: readonly Parcel[]): Promise<PostOutcome> {
    const contentType = group[0]?.contentType ?? protobufContentType;
    const { timeoutMs } = this.#options;
    const body = Buffer.concat(group.map((parcel) => parcel.body));
    return postOtlp(body, { target: this.#target, contentType, timeoutMs });
  }

  #acknowledge(group: readonly Parcel[], outcome: PostOutcome & { readonly kind: 'accepted' }): void {
    for (const { delivery } of group) delivery.ack();
    this.#stats.posts += 1;
    this.#stats.messages += group.length;
    if (this.#failures > 0) this.#options.log.info({ kind: this.#target.kind }, 'the OTLP receiver is back');
    this.#failures = 0;
    if (outcome.rejected === 0) return;
    this.#stats.rejected += outcome.rejected;
    const { rejected, reason } = outcome;
    this.#options.log.warn(
      { kind: this.#target.kind, rejected, reason },
      'the OTLP receiver refused some items',
    );
  }

  /** Gives the group back to the server for later, and keeps still until then (F2). */
  async #waitOut(
    group: readonly Parcel[],
    outcome: PostOutcome & { readonly kind: 'unavailable' },
  ): Promise<void> {
    const delayMs = outcome.afterMs ?? backoffAfter(this.#failures, this.#options.backoffMs ?? 250);
    this.#failures += 1;
    this.#stats.retries += 1;
    if (this.#failures === 1) {
      const fields = { kind: this.#target.kind, reason: outcome.reason, delayMs };
      this.#options.log.warn(fields, 'the OTLP receiver is unavailable; trying until it is back');
    }
    giveBack(group, delayMs);
    await waitFor(delayMs, this.#options.signal);
  }

  #drop(delivery: Delivery, reason: string): void {
    delivery.term(reason);
    this.#stats.dropped += 1;
    const { subject, sequence } = delivery;
    this.#options.log.warn(
      { subject, sequence, reason, dropped: this.#stats.dropped },
      'telemetry message dropped',
    );
  }
}

/** The wait after so many failures in a row: doubling from `firstMs`, at most 5 000. */
export function backoffAfter(failures: number, firstMs: number): number {
  return Math.min(MAX_BACKOFF_MS, firstMs * 2 ** Math.min(failures, 20));
}

function filterOf(kind: TelemetryKind): string {
  return `mabeam.*.telemetry.${kind}`;
}

/** Neighbours that may travel as one request: protobuf, up to a size. JSON requests cannot be concatenated. */
function mergeableGroups(parcels: readonly Parcel[]): Parcel[][] {
  const groups: Parcel[][] = [];
  let bytes = 0;
  for (const parcel of parcels) {
    const last = groups.at(-1);
    const isMergeable =
      parcel.contentType === protobufContentType && last?.[0]?.contentType === protobufContentType;
    if (last !== undefined && isMergeable && bytes + parcel.body.length <= MAX_POST_BYTES) {
      last.push(parcel);
      bytes += parcel.body.length;
    } else {
      groups.push([parcel]);
      bytes = parcel.body.length;
    }
  }
  return groups;
}

function giveBack(group: readonly Parcel[], delayMs: number): void {
  for (const { delivery } of group) delivery.nak(delayMs);
}

function waitFor(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
