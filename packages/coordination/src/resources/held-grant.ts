/**
 * The holder's end: asks a desk, and holds what it grants for as long as it is renewed.
 *
 * Invariants
 *  H1  A holder believes at most for the grant's time to live since it sent the last renewal that was answered, by its own
 *      monotonic clock; then `lost` aborts, whether the desk can be reached or not.
 *  H2  From a notice on it believes at most for the grace the notice gives.
 *  H3  It believes nothing before its first renewal is answered.
 */
import { MabeamError, pause, type Bus, type Service } from '@mabeam/bus';
import { randomUUID } from 'node:crypto';
import { coordinationError } from '../errors.ts';
import { roundSubject } from '../session/round.ts';
import { idleLimitMs, type BookedGrant, type LeavingReason } from './book.ts';
import {
  askAnswerSchema,
  askSchema,
  grantProtocol,
  noticeSchema,
  readDeskBody,
  renewAnswerSchema,
  resourceProtocol,
  type AskAnswer,
} from './desk-messages.ts';
import type { Bundle } from './dominant.ts';
import type { GrantCondition } from './request.ts';

/** What a party asks of a desk. */
export interface ResourceAsk {
  readonly party: string;
  /** Whole, above 0, by resource; granted together. */
  readonly amounts: Bundle;
  /** Larger is served first. Default 0. */
  readonly priority?: number;
  /** The grant is renewed within this; 100 to 3 600 000. Default 30 000. */
  readonly ttlMs?: number;
  readonly conditions?: readonly GrantCondition[];
  /** Content with less of each. */
  readonly isPartial?: boolean;
  /** How long to wait for what is not free; nobody is preempted for who does not wait. Default 0. */
  readonly waitMs?: number;
  /** The request's id: who asks again under it gets the grant it has. */
  readonly request?: string;
  readonly signal?: AbortSignal;
}

/** What became of it. */
export type AskResult =
  | { readonly kind: 'granted'; readonly grant: HeldGrant }
  | {
      readonly kind: 'denied';
      readonly reason: 'over-capacity' | 'exhausted';
      /** What was free, by resource. */
      readonly free: Bundle;
    };

/** Time for one exchange with the desk. */
const exchangeMs = 2_000;
const retryMs = 50;
/** What is said while a desk changes hands. */
const passing: ReadonlySet<string> = new Set(['desk-closed', 'closed', 'no-responders']);

/**
 * Asks a desk for resources. Desks that change hands meanwhile are asked again, within `waitMs` and a little. Throws
 * `invalid-amount`, `unknown-resource`, `no-responders` when there is no desk, `grant-lost` when it was gone before it could be held.
 */
export async function requestResources(
  bus: Bus,
  space: string,
  desk: string,
  ask: ResourceAsk,
): Promise<AskResult> {
  const { request = randomUUID(), signal, ...rest } = ask;
  const read = askSchema.safeParse({ ...rest, request });
  if (!read.success) {
    const why = read.error.issues.map(({ message, path }) => `${path.join('.')}: ${message}`).join('; ');
    throw coordinationError('invalid-amount', `${ask.party} cannot ask ${desk} so: ${why}`, {
      details: { desk },
    });
  }
  const answer = await askDesk(
    bus,
    roundSubject(space, desk, resourceProtocol, 'request'),
    read.data,
    signal,
  );
  if (answer.kind === 'denied') return answer;
  return { kind: 'granted', grant: await holdGrant(bus, space, desk, ask.party, answer.grant) };
}

/** Holds a grant that another shares with this party. Throws `grant-lost` when it is gone, or not shared. */
export async function joinGrant(
  bus: Bus,
  space: string,
  desk: string,
  { grant, party }: { readonly grant: BookedGrant; readonly party: string },
): Promise<HeldGrant> {
  return await holdGrant(bus, space, desk, party, grant);
}

async function askDesk(
  bus: Bus,
  subject: string,
  ask: { readonly waitMs: number },
  signal: AbortSignal | undefined,
): Promise<AskAnswer> {
  const giveUpAt = performance.now() + ask.waitMs + exchangeMs;
  for (;;) {
    const timeoutMs = Math.max(1, giveUpAt - performance.now());
    const waitMs = Math.max(0, Math.min(ask.waitMs, timeoutMs - exchangeMs));
    try {
      const options = { timeoutMs, ...(signal === undefined ? {} : { signal }) };
      return readDeskBody(
        askAnswerSchema,
        await bus.request(subject, { ...ask, waitMs }, options),
        'request',
      );
    } catch (error) {
      const isPassing = error instanceof MabeamError && passing.has(error.code);
      if (!isPassing || performance.now() + retryMs >= giveUpAt) throw error;
      await pause(retryMs, signal ?? AbortSignal.timeout(retryMs));
      signal?.throwIfAborted();
    }
  }
}

async function holdGrant(
  bus: Bus,
  space: string,
  desk: string,
  party: string,
  grant: BookedGrant,
): Promise<HeldGrant> {
  const held = new HeldGrant(bus, space, { desk, party, grant });
  await held.begin();
  return held;
}

interface Holding {
  readonly desk: string;
  readonly party: string;
  readonly grant: BookedGrant;
}

/** A grant that is held; disposing gives it back. */
export class HeldGrant implements AsyncDisposable {
  readonly grant: BookedGrant;
  readonly party: string;
  readonly #bus: Bus;
  readonly #space: string;
  readonly #desk: string;
  readonly #service: Service;
  readonly #lost = new AbortController();
  readonly #noticed = new AbortController();
  readonly #over = new AbortController();
  #untilMs = 0;
  #isUsed = false;
  #timer: NodeJS.Timeout | undefined;

  /** @internal Use `requestResources`. */
  constructor(bus: Bus, space: string, { desk, grant, party }: Holding) {
    this.#bus = bus;
    this.#space = space;
    this.#desk = desk;
    this.party = party;
    this.grant = grant;
    this.#service = bus.serve(roundSubject(space, party, grantProtocol, grant.id), ({ body }) =>
      this.#hear(body),
    );
  }

  /** What is granted. */
  get amounts(): Bundle {
    return this.grant.amounts;
  }

  /** Is it held at this instant? True to the clock, also when a timer is late. */
  get isHeld(): boolean {
    return !this.#over.signal.aborted && performance.now() < this.#untilMs;
  }

  /** Aborts when the grant is no longer held: stop using it. Its reason is a `grant-lost` error. Never aborts after a release. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Aborts when the grant is going to be taken away: finish. Its reason is `preempted` or `idle`. */
  get noticed(): AbortSignal {
    return this.#noticed.signal;
  }

  /** It is in use: what is released on idle stays until that long from the next renewal. */
  reportUse(): void {
    this.#isUsed = true;
  }

  /** H3: the first renewal. @internal */
  async begin(): Promise<void> {
    try {
      await this.#bus.flush();
      const giveUpAt = performance.now() + this.grant.ttlMs;
      while (!(await this.#renew()) && performance.now() < giveUpAt && !this.#lost.signal.aborted)
        await pause(retryMs, this.#over.signal);
      if (this.#untilMs === 0) this.#lose('it could not be renewed before it was over');
      this.#lost.signal.throwIfAborted();
    } catch (error) {
      await this.#stop();
      throw error;
    }
    void this.#keep();
  }

  /** Gives it back; resolves when the desk knows, or cannot be reached: then it lapses. Releasing twice is nothing. */
  async release(): Promise<void> {
    if (this.#over.signal.aborted) return;
    await this.#stop();
    const body = { grant: this.grant.id, party: this.party };
    try {
      await this.#bus.request(this.#subject('release'), body, { timeoutMs: exchangeMs });
    } catch (error) {
      if (!(error instanceof MabeamError)) throw error;
    }
  }

  /** As `release`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #keep(): Promise<void> {
    const idleMs = idleLimitMs(this.grant) ?? Number.POSITIVE_INFINITY;
    const everyMs = Math.min(this.grant.ttlMs, idleMs) / 4;
    while (!this.#over.signal.aborted) {
      await pause(everyMs, this.#over.signal);
      if (!this.#over.signal.aborted && !this.#noticed.signal.aborted) await this.#renew();
    }
  }

  /** H1. True when it was renewed; what goes wrong is tried again until the grant is over. */
  async #renew(): Promise<boolean> {
    const sentMs = performance.now();
    const used = this.#isUsed;
    this.#isUsed = false;
    const body = { grant: this.grant.id, party: this.party, used };
    try {
      const timeoutMs = Math.max(1, Math.min(exchangeMs, this.grant.ttlMs / 3));
      const answer = await this.#bus.request(this.#subject('renew'), body, { timeoutMs });
      const read = readDeskBody(renewAnswerSchema, answer, 'renew');
      if (read.kind === 'renewed') this.#believeUntil(Math.max(this.#untilMs, sentMs + this.grant.ttlMs));
      if (read.kind === 'leaving') this.#notice(read.why, this.#untilMs);
      if (read.kind === 'gone') this.#lose('the desk has it no longer');
      return read.kind === 'renewed';
    } catch (error) {
      if (!(error instanceof MabeamError)) throw error;
      this.#isUsed = this.#isUsed || used;
      return false;
    }
  }

  /** H2. */
  #hear(body: unknown): { readonly kind: 'noted' } {
    const { graceMs, why } = readDeskBody(noticeSchema, body, 'notice');
    this.#notice(why, performance.now() + graceMs);
    return { kind: 'noted' };
  }

  #notice(why: LeavingReason, untilMs: number): void {
    if (!this.#noticed.signal.aborted) this.#noticed.abort(why);
    this.#believeUntil(Math.min(this.#untilMs, untilMs));
  }

  #believeUntil(untilMs: number): void {
    const isNoticed = this.#noticed.signal.aborted;
    this.#untilMs = isNoticed ? Math.min(this.#untilMs, untilMs) : untilMs;
    clearTimeout(this.#timer);
    if (this.#over.signal.aborted) return;
    const leftMs = this.#untilMs - performance.now();
    if (leftMs <= 0) return this.#lose('its time is over');
    this.#timer = setTimeout(() => this.#lose('its time is over'), leftMs);
  }

  #lose(why: string): void {
    if (this.#over.signal.aborted) return;
    const reason = this.#noticed.signal.aborted ? String(this.#noticed.signal.reason) : why;
    const message = `${this.party} has lost the grant ${this.grant.id} of ${this.#desk}: ${reason}; stop using it`;
    this.#lost.abort(
      coordinationError('grant-lost', message, {
        details: { grant: this.grant.id, desk: this.#desk, reason },
      }),
    );
    void this.#stop();
  }

  async #stop(): Promise<void> {
    this.#over.abort();
    clearTimeout(this.#timer);
    await this.#service.close(0);
  }

  #subject(phase: string): string {
    return roundSubject(this.#space, this.#desk, resourceProtocol, phase);
  }
}
