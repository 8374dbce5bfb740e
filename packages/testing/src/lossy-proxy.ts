/**
 * A proxy that reads NATS: what `FaultProxy` does to connections, and on top of it the loss, doubling, delay and reordering of
 * single messages, chosen by subject and headers and decided by a seed.
 */
import type { Server } from 'node:net';
import { FaultProxy, listen, targetOf, type Target } from './fault-proxy.ts';
import { FrameFaults, type FrameCounts, type FrameFaultOptions } from './frame-faults.ts';

/** Opens a lossy proxy on a free port of the loopback for a nats-server given by URL (plain TCP, no TLS). */
export async function openLossyProxy(url: string, options: FrameFaultOptions): Promise<LossyProxy> {
  const server = await listen();
  return new LossyProxy(server, targetOf(url), new FrameFaults(options));
}

/** A running proxy. Disposing of it cuts every connection and stops listening. */
export class LossyProxy extends FaultProxy {
  readonly #faults: FrameFaults;

  /** @internal Use `openLossyProxy`. */
  constructor(server: Server, target: Target, faults: FrameFaults) {
    super(server, target, () => faults.newScreen());
    this.#faults = faults;
  }

  /** How many messages met which fate so far. */
  get counts(): FrameCounts {
    return this.#faults.counts;
  }

  /** From now on every message passes once and at once; connections may still be cut and frozen. */
  calm(): void {
    this.#faults.calm();
  }
}
