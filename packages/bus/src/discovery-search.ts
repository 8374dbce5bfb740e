/**
 * Finding who is there: one `$SRV.PING`, and everybody's answer. Nobody knows how many will answer, so it is over when the
 * answers have ceased (`DiscoverOptions`).
 */
import type { Msg } from '@nats-io/transport-node';
import type { Bus } from './bus.ts';
import { checkedName } from './discovery.ts';
import { MabeamError } from './error.ts';
import { busMessage } from './message.ts';
import { cancelled, isNoResponders } from './multiplexer.ts';
import { wireOf, type Wire } from './wire.ts';

/** What a service says of itself in a PING. */
export interface DiscoveredService {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Whom to wait for. */
export interface DiscoverOptions {
  /** The longest it may take, and the longest wait for the first answer. */
  readonly timeoutMs: number;
  /** Only services of this name. */
  readonly name?: string;
  /** It is over as soon as so many have answered. */
  readonly expect?: number;
  /**
   * It is over when nobody has answered for this long after an answer, or for as long as the first answer took, where that is
   * longer. Default 25. With `timeoutMs` here, those who are late because they are busy are waited for.
   */
  readonly idleMs?: number;
  readonly signal?: AbortSignal;
}

const defaultIdleMs = 25;

/**
 * Asks who is there and resolves with everybody who answered, by name and id; with nobody, when nobody listens or answers within
 * `timeoutMs`. Throws `disconnected`, `cancelled`, `invalid-id`.
 */
export async function discover(bus: Bus, options: DiscoverOptions): Promise<DiscoveredService[]> {
  const wire = wireOf(bus);
  const subject =
    options.name === undefined ? '$SRV.PING' : `$SRV.PING.${checkedName('service', options.name)}`;
  wire.assertConnected(subject);
  const found = await gatherAnswers(wire, subject, options);
  return found.toSorted((a, b) => (`${a.name}.${a.id}` < `${b.name}.${b.id}` ? -1 : 1));
}

function gatherAnswers(wire: Wire, subject: string, options: DiscoverOptions): Promise<DiscoveredService[]> {
  const { timeoutMs, expect = Number.POSITIVE_INFINITY, idleMs = defaultIdleMs, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(cancelled(subject, signal));
    const startedAt = performance.now();
    const found: DiscoveredService[] = [];
    let gapMs = idleMs;
    const settle = (): void => {
      line.close();
      signal?.removeEventListener('abort', onAbort);
    };
    const end = (): void => {
      settle();
      resolve(found);
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
    };
    const onAbort = (): void => fail(cancelled(subject, signal));
    const onMessage = (message: Msg): void => {
      const service = pingIn(message);
      if (isNoResponders(message)) return end();
      if (service === undefined) return;
      found.push(service);
      if (found.length >= expect) return end();
      const passedMs = performance.now() - startedAt;
      if (found.length === 1) gapMs = Math.max(gapMs, passedMs);
      line.renew(Math.min(gapMs, timeoutMs - passedMs));
    };
    const line = wire.calls.open({ onMessage, onFailure: fail, onLate: end }, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    wire.publish(subject, new Uint8Array(0), { reply: line.inbox });
  });
}

/** What a stranger answers that is no PING is left out. */
function pingIn(message: Msg): DiscoveredService | undefined {
  try {
    const body = message.data.length === 0 ? undefined : busMessage(message).json();
    if (typeof body !== 'object' || body === null) return undefined;
    const given: Readonly<Record<string, unknown>> = { ...body };
    const { type, name, id, version } = given;
    const isText = [type, name, id, version].every((value) => typeof value === 'string');
    if (!isText || type !== 'io.nats.micro.v1.ping_response') return undefined;
    return {
      type,
      name: String(name),
      id: String(id),
      version: String(version),
      metadata: textsIn(given['metadata']),
    };
  } catch (error) {
    if (error instanceof MabeamError) return undefined;
    throw error;
  }
}

function textsIn(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string'));
}
