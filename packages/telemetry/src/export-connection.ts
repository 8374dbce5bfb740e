/**
 * ExportConnection: a process's own way to the server for its telemetry, opened at the first export and given back after
 * `idleMs` without one. So start-up pays nothing for it, and a program that has run to its end is not kept alive by it.
 */
import { connectBus, type Bus } from '@mabeam/bus';

/** What exporters need of a bus. */
export type ExportBus = Pick<Bus, 'store' | 'maxPayload'>;

/** Lends a connected bus for the time of `act`; throws what connecting or `act` throws. */
export type UseBus = <T>(act: (bus: ExportBus) => Promise<T>) => Promise<T>;

export interface ExportConnectionOptions {
  readonly url: string | undefined;
  readonly name: string;
  readonly connectTimeoutMs: number;
  /** Default 2 000. */
  readonly idleMs?: number;
}

export class ExportConnection implements AsyncDisposable {
  readonly #options: ExportConnectionOptions;
  #opening: { readonly bus: Promise<Bus>; readonly abort: AbortController } | undefined;
  #bus: Bus | undefined;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: ExportConnectionOptions) {
    this.#options = options;
  }

  /** Is a connection open or being opened? */
  get isOpen(): boolean {
    return this.#bus !== undefined || this.#opening !== undefined;
  }

  readonly use: UseBus = async (act) => {
    clearTimeout(this.#idle);
    this.#users += 1;
    try {
      return await act(this.#bus ?? (await this.#open()));
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#closeWhenIdle();
    }
  };

  /** Closes; a connection still being opened is given up, not waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    this.#opening?.abort.abort();
    this.#opening = undefined;
    const bus = this.#bus;
    this.#bus = undefined;
    await bus?.close();
  }

  #open(): Promise<Bus> {
    if (this.#opening !== undefined) return this.#opening.bus;
    const { url, name, connectTimeoutMs } = this.#options;
    const abort = new AbortController();
    const { signal } = abort;
    const opened = connectBus({ name, connectTimeoutMs, signal, ...(url === undefined ? {} : { url }) });
    const bus = opened.then(
      (connected) => this.#keep(connected, signal),
      (error: unknown) => {
        if (!signal.aborted) this.#opening = undefined;
        throw error;
      },
    );
    this.#opening = { bus, abort };
    return bus;
  }

  async #keep(connected: Bus, signal: AbortSignal): Promise<Bus> {
    if (signal.aborted) {
      await connected.close();
      signal.throwIfAborted();
    }
    this.#opening = undefined;
    this.#bus = connected;
    return connected;
  }

  #closeWhenIdle(): void {
    this.#idle = setTimeout(() => void this[Symbol.asyncDispose](), this.#options.idleMs ?? 2_000).unref();
  }
}
