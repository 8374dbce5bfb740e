/**
 * A TCP proxy that misbehaves on command: latency, silence, resets, refusals. It stands between a client and a real server,
 * so the faults are those of a network and not of a mock.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { ByteLane, type Screen } from './byte-lane.ts';

/** Opens a proxy on a free port of the loopback for a server given by URL ("nats://127.0.0.1:4222", "tcp://…"). */
export async function openFaultProxy(url: string): Promise<FaultProxy> {
  const server = await listen();
  return new FaultProxy(server, targetOf(url));
}

/** A server that a proxy may take over: it listens on a free port of the loopback. */
export async function listen(): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Where a proxy connects to. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly protocol: string;
}

/** The target in a URL. */
export function targetOf(url: string): Target {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), protocol };
}

interface Link {
  readonly near: Socket;
  readonly far: Socket;
  readonly lanes: readonly ByteLane[];
}

/** A running proxy. Disposing of it cuts every connection and stops listening. */
export class FaultProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: Target;
  readonly #links = new Set<Link>();
  readonly #conditions = { latencyMs: 0, frozen: false };
  readonly #newScreen: (() => Screen) | undefined;
  #refusing = false;
  #closing: Promise<void> | undefined;

  /** @internal Use `openFaultProxy`; a screen of its own looks at each direction of each connection. */
  constructor(server: Server, target: Target, newScreen?: () => Screen) {
    this.#server = server;
    this.#target = target;
    this.#newScreen = newScreen;
    server.on('connection', (near) => this.#accept(near));
  }

  /** The port clients connect to. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The URL clients connect to, of the same kind as the target's. */
  get url(): string {
    return `${this.#target.protocol}//127.0.0.1:${this.port}`;
  }

  /** How many connections pass through now. */
  get connections(): number {
    return this.#links.size;
  }

  /** How many bytes are on their way: delayed, or kept by a freeze. */
  get heldBytes(): number {
    const lanes = [...this.#links].flatMap((link) => link.lanes);
    return lanes.reduce((sum, lane) => sum + lane.heldBytes, 0);
  }

  /** Delays every byte from now on, in each direction, by this much. */
  setLatency(latencyMs: number): void {
    this.#conditions.latencyMs = latencyMs;
  }

  /** A black hole: connections stay open, also new ones, but no byte arrives until `thaw`. */
  freeze(): void {
    this.#conditions.frozen = true;
  }

  /** Ends the silence; what was sent meanwhile arrives now. */
  thaw(): void {
    this.#conditions.frozen = false;
    for (const { lanes } of this.#links) for (const lane of lanes) lane.move();
  }

  /** Resets every connection (RST), as when a machine on the way restarts. New ones are accepted. */
  cut(): void {
    for (const link of this.#links) {
      link.near.resetAndDestroy();
      link.far.resetAndDestroy();
    }
    this.#links.clear();
  }

  /** Resets new connections at once, until `accept`. Those that exist stay. */
  refuse(): void {
    this.#refusing = true;
  }

  /** Lets new connections through again. */
  accept(): void {
    this.#refusing = false;
  }

  /** Twice is nothing. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #accept(near: Socket): void {
    // A reset is what this proxy is for: it ends the link, below, and is nobody's error.
    near.on('error', () => undefined);
    if (this.#refusing) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({
      host: this.#target.host,
      port: this.#target.port,
      allowHalfOpen: true,
      noDelay: true,
    });
    far.on('error', () => undefined);
    const lanes = [
      new ByteLane(near, far, this.#conditions, this.#newScreen?.()),
      new ByteLane(far, near, this.#conditions, this.#newScreen?.()),
    ];
    const link = { near, far, lanes };
    this.#links.add(link);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.once('close', (hadError) => {
        this.#links.delete(link);
        // An orderly end has travelled through the lane; only a broken connection breaks the other half at once.
        if (hadError) other.resetAndDestroy();
      });
    }
  }
}
