/**
 * What the benchmarks use of packages that only `npm run bench` installs: with it the types are checked after a plain
 * `npm ci`, too.
 */
declare module 'moleculer' {
  interface Context {
    readonly params: unknown;
  }
  export class ServiceBroker {
    constructor(options: { nodeID: string; transporter: string; logger: boolean });
    start(): Promise<void>;
    call(action: string, params: unknown): Promise<unknown>;
    createService(schema: { name: string; actions: Record<string, (context: Context) => unknown> }): unknown;
    waitForServices(names: string, timeoutMs: number): Promise<unknown>;
  }
  const moleculer: { readonly ServiceBroker: typeof ServiceBroker };
  export default moleculer;
}

declare module '@nats-io/kv' {
  import type { NatsConnection } from '@nats-io/transport-node';

  interface Entry {
    string(): string;
  }
  export interface Bucket {
    put(key: string, value: string): Promise<number>;
    watch(options: { key: string }): Promise<AsyncIterable<Entry>>;
  }
  export class Kvm {
    constructor(connection: NatsConnection);
    open(name: string): Promise<Bucket>;
  }
}
