/**
 * A desk: one process that grants the resources of a space, from a book that is kept in JetStream (book.ts).
 *
 * Invariants
 *  D1  Whatever is answered was written before, by compare-and-set on the book's last revision. A desk whose write is refused has
 *      been followed by another: it ends and answers nothing more.
 *  D2  A grant is struck only when each of its holders gave it back, or can no longer believe that it holds: it has heard a
 *      notice and its grace is over, or it has not renewed for the grant's time to live.
 *  D3  Waiting requests are served by priority, then in the order they came; one that has to wait keeps its part from those behind it.
 *  D4  Nobody's request makes the book so large that it cannot be written: it is refused (`overloaded`), and the desk goes on.
 *  D5  Every wait ends: a request at its own deadline, a notice with the grace, the desk with its lease or its signal.
 */
import {
  busErrors,
  errorsOf,
  jsonBytes,
  MabeamError,
  parseJson,
  parseToken,
  putKey,
  readKey,
  type Bus,
  type ServedRequest,
  type Service,
} from '@mabeam/bus';
import { coordinationError } from '../errors.ts';
import { recordsBucket } from '../session/records.ts';
import { roundFilter, roundSubject } from '../session/round.ts';
import {
  decide,
  freeIn,
  giveBack,
  openBook,
  takeAway,
  type Book,
  type BookedGrant,
  type DeskAsk,
} from './book.ts';
import { GrantClocks } from './clocks.ts';
import {
  askSchema,
  bookSchema,
  grantProtocol,
  readDeskBody,
  releaseSchema,
  renewSchema,
  resourceProtocol,
  unreadable,
  type AskAnswer,
  type Notice,
  type RenewAnswer,
} from './desk-messages.ts';
import type { Bundle } from './dominant.ts';

/** A desk's name, and what it has. */
export interface DeskOptions {
  /** An id of its own among the parties of the space. */
  readonly desk: string;
  /** Whole amounts by resource. Grants beyond a capacity that has shrunk stand until they end. */
  readonly capacity: Bundle;
  /** How long a holder has after a notice. Default 5 000. */
  readonly graceMs?: number;
}

interface Waiter {
  readonly ask: DeskAsk;
  readonly untilMs: number;
  readonly answered: PromiseWithResolvers<AskAnswer>;
}

/** A change of the book, and what to do once it is written. */
type Change = (book: Book, nowMs: number) => { readonly book: Book; readonly written?: () => void };

interface Pending {
  readonly change: Change;
  readonly fail: (error: unknown) => void;
}

/** The key of a desk's book. Throws `invalid-id`. */
export function bookKey(desk: string): string {
  return `book.${parseToken('desk', desk)}`;
}

/** The book as it is kept; undefined when the desk was never opened. Throws `malformed-message` when what is kept is no book. */
export async function readBook(
  bus: Bus,
  space: string,
  desk: string,
): Promise<{ readonly book: Book; readonly revision: number } | undefined> {
  const entry = await readKey(bus, recordsBucket(space), bookKey(desk));
  return entry?.operation === 'put'
    ? { book: readDeskBody(bookSchema, parseJson(entry.data), 'book'), revision: entry.revision }
    : undefined;
}

/** Opens a desk on its book, and by that ends whatever desk kept it before. Throws `conflict` when another opens it just now. */
export async function openDesk(bus: Bus, space: string, options: DeskOptions): Promise<ResourceDesk> {
  const kept = await readBook(bus, space, options.desk);
  const before = kept?.book ?? openBook(options.capacity);
  const book = { ...before, term: before.term + 1, capacity: options.capacity };
  const revision = await putKey(bus, recordsBucket(space), bookKey(options.desk), book, {
    expectLastSequence: kept?.revision ?? 0,
  });
  const desk = new ResourceDesk(bus, space, options, { book, revision });
  await bus.flush();
  return desk;
}

/** An open desk; closing leaves the grants as they are. Open it with {@link openDesk}. */
export class ResourceDesk implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #space: string;
  readonly #options: DeskOptions;
  readonly #service: Service;
  readonly #clocks = new GrantClocks();
  readonly #ended = Promise.withResolvers<unknown>();
  readonly #closing = new AbortController();
  #book: Book;
  #revision: number;
  #waiters: readonly Waiter[] = [];
  #pending: Pending[] = [];
  #isWriting = false;
  #timer: NodeJS.Timeout | undefined;

  /** @internal Use `openDesk`. */
  constructor(
    bus: Bus,
    space: string,
    options: DeskOptions,
    kept: { readonly book: Book; readonly revision: number },
  ) {
    this.#bus = bus;
    this.#space = space;
    this.#options = options;
    this.#book = kept.book;
    this.#revision = kept.revision;
    this.#clocks.follow(this.#book, performance.now());
    this.#service = bus.serve(roundFilter(space, options.desk, resourceProtocol), (request) =>
      this.#answer(request),
    );
    this.#notify(this.#book.grants.filter(({ leaving }) => leaving !== undefined));
    this.#wake();
  }

  /** The book as last written. */
  get book(): Book {
    return this.#book;
  }

  /** Resolves with the reason when the desk has ended: it was closed (undefined), or its book is another's. */
  get ended(): Promise<unknown> {
    return this.#ended.promise;
  }

  /** Takes no more questions; what waits is refused. Closing twice is nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(undefined);
    await this.#service.close(0);
  }

  async #answer({ body, subject }: ServedRequest): Promise<unknown> {
    const phase = subject.slice(subject.lastIndexOf('.') + 1);
    if (phase === 'request') return await this.#request(body);
    if (phase === 'renew') return await this.#renew(body);
    if (phase === 'release') return await this.#release(body);
    if (phase === 'show') return { book: this.#book, revision: this.#revision };
    throw unreadable(phase, 'a desk knows request, renew, release and show');
  }

  async #request(body: unknown): Promise<AskAnswer> {
    const { waitMs, ...ask } = readDeskBody(askSchema, body, 'request');
    const stranger = Object.keys(ask.amounts).find(
      (resource) => !Object.hasOwn(this.#book.capacity, resource),
    );
    if (stranger !== undefined) {
      const cure = `it has ${Object.keys(this.#book.capacity).join(', ')}`;
      throw coordinationError('unknown-resource', `${this.#options.desk} has no ${stranger}; ${cure}`);
    }
    const answered = Promise.withResolvers<AskAnswer>();
    this.#enqueue((book, nowMs) => {
      this.#waiters = [...this.#waiters, { ask, untilMs: nowMs + waitMs, answered }];
      return { book };
    }, answered.reject);
    return await answered.promise;
  }

  #renew(body: unknown): Promise<RenewAnswer> {
    const { grant: id, party, used } = readDeskBody(renewSchema, body, 'renew');
    return this.#change<RenewAnswer>((book, nowMs) => {
      const grant = book.grants.find((one) => one.id === id);
      if (grant === undefined || !mayHold(grant, party))
        return { book: beatOf(book), value: { kind: 'gone' } };
      if (grant.leaving !== undefined) return { book, value: { kind: 'leaving', ...grant.leaving } };
      if (used) this.#clocks.use(id, nowMs);
      const holders = grant.holders.includes(party) ? grant.holders : [...grant.holders, party];
      const grants = book.grants.map((one) => (one === grant ? { ...grant, holders } : one));
      const renewed = { ...beatOf(book), grants };
      return {
        book: renewed,
        value: { kind: 'renewed' },
        written: () => this.#clocks.renew(grant, party, nowMs),
      };
    });
  }

  #release(body: unknown): Promise<{ readonly kind: 'released' }> {
    const { grant, party } = readDeskBody(releaseSchema, body, 'release');
    return this.#change((book) => ({ book: giveBack(book, grant, party), value: { kind: 'released' } }));
  }

  /** Makes a change and resolves with its value once it is written. */
  #change<T>(
    change: (book: Book, nowMs: number) => { book: Book; value: T; written?: () => void },
  ): Promise<T> {
    const done = Promise.withResolvers<T>();
    this.#enqueue((book, nowMs) => {
      const made = change(book, nowMs);
      const written = (): void => {
        made.written?.();
        done.resolve(made.value);
      };
      return { book: made.book, written };
    }, done.reject);
    return done.promise;
  }

  #enqueue(change: Change, fail: (error: unknown) => void): void {
    if (this.#closing.signal.aborted) return fail(deskClosed(this.#options.desk));
    this.#pending.push({ change, fail });
    if (!this.#isWriting) void this.#write();
  }

  /** Makes all that is pending one change of the book, writes it, and says so; again until nothing is pending. */
  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#pending.length > 0 && !this.#closing.signal.aborted) {
      const batch = this.#pending;
      this.#pending = [];
      const nowMs = performance.now();
      const written: (() => void)[] = [];
      let book = this.#strike(this.#book, nowMs);
      for (const { change } of batch) {
        const made = change(book, nowMs);
        book = made.book;
        if (made.written !== undefined) written.push(made.written);
      }
      const asked = this.#waiters;
      book = this.#serveWaiters(book, nowMs, written);
      try {
        await this.#keep(book, nowMs);
      } catch (error) {
        const closed = deskClosed(this.#options.desk, error);
        for (const { fail } of batch) fail(closed);
        for (const { answered } of asked) answered.reject(closed);
        return this.#end(error);
      }
      for (const tell of written) tell();
    }
    this.#isWriting = false;
    this.#wake();
  }

  /** D1. */
  async #keep(book: Book, nowMs: number): Promise<void> {
    if (book === this.#book) return;
    const wereLeaving = new Set(
      this.#book.grants.filter(({ leaving }) => leaving !== undefined).map(({ id }) => id),
    );
    this.#revision = await putKey(this.#bus, recordsBucket(this.#space), bookKey(this.#options.desk), book, {
      expectLastSequence: this.#revision,
    });
    this.#book = book;
    this.#clocks.follow(book, Math.max(nowMs, performance.now()));
    this.#notify(book.grants.filter(({ id, leaving }) => leaving !== undefined && !wereLeaving.has(id)));
  }

  /** D2: what is due by the clocks. */
  #strike(book: Book, nowMs: number): Book {
    const { idle, lapsed } = this.#clocks.due(book, nowMs);
    const left = lapsed.reduce((rest, { grant, party }) => giveBack(rest, grant, party), book);
    return idle.length === 0 ? left : takeAway(left, idle, 'idle');
  }

  /** D3. */
  #serveWaiters(given: Book, nowMs: number, written: (() => void)[]): Book {
    let book = given;
    const reserved: Record<string, number> = {};
    const waiting: Waiter[] = [];
    for (const waiter of this.#waiters.toSorted((a, b) => b.ask.priority - a.ask.priority)) {
      const { answered, ask, untilMs } = waiter;
      const decision = decide(book, ask, reserved);
      const isLate = nowMs >= untilMs;
      if (decision.kind === 'granted' && decision.book !== book && !hasRoom(decision.book)) {
        book = beatOf(book);
        written.push(() => answered.reject(bookFull(this.#options.desk)));
      } else if (decision.kind === 'granted') {
        book = decision.book;
        written.push(() => answered.resolve({ kind: 'granted', grant: plain(decision.grant) }));
      } else if (decision.kind === 'refused' || isLate) {
        const reason = decision.kind === 'refused' ? 'over-capacity' : 'exhausted';
        const free = freeIn(book);
        book = beatOf(book);
        written.push(() => answered.resolve({ kind: 'denied', reason, free }));
      } else {
        if (decision.kind === 'preempting') book = decision.book;
        for (const [resource, amount] of Object.entries(ask.amounts))
          reserved[resource] = (reserved[resource] ?? 0) + amount;
        waiting.push(waiter);
      }
    }
    this.#waiters = waiting;
    return book;
  }

  /** Tells the holders of what is taken away; who has heard it holds for the grace and no longer. */
  #notify(leaving: readonly BookedGrant[]): void {
    for (const grant of leaving) for (const party of grant.holders) void this.#notifyOne(grant, party);
  }

  async #notifyOne({ id, leaving }: BookedGrant, party: string): Promise<void> {
    if (leaving === undefined) return;
    const { graceMs = 5_000 } = this.#options;
    const notice: Notice = { grant: id, graceMs, ...leaving };
    const options = { timeoutMs: graceMs + 1_000, signal: this.#closing.signal };
    try {
      await this.#bus.request(roundSubject(this.#space, party, grantProtocol, id), notice, options);
      this.#clocks.shorten(id, party, performance.now() + graceMs);
      this.#wake();
    } catch (error) {
      // Who does not hear it finds out when it renews, or lapses.
      if (!(error instanceof MabeamError)) throw error;
    }
  }

  /** Sets the timer for what is due next: a clock, or the end of a wait. */
  #wake(): void {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    const waits = this.#waiters.map(({ untilMs }) => untilMs);
    const nextMs = Math.min(this.#clocks.nextDueMs(this.#book), ...waits);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    const tick = (): void =>
      this.#enqueue(
        (book) => ({ book }),
        () => undefined,
      );
    this.#timer = setTimeout(tick, Math.max(1, Math.min(nextMs - performance.now() + 1, longestTimerMs)));
  }

  #end(reason: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    clearTimeout(this.#timer);
    const closed = deskClosed(this.#options.desk);
    for (const { fail } of this.#pending) fail(closed);
    for (const { answered } of this.#waiters) answered.reject(closed);
    this.#ended.resolve(reason);
    void this.#service.close(0);
  }
}

const longestTimerMs = 2 ** 31 - 1;
/** Of a book, as it is kept: a message of 1 MiB, and room for what renewals add. */
const mostBookBytes = 786_432;
const busError = errorsOf(busErrors);

function hasRoom(book: Book): boolean {
  return jsonBytes(book).length <= mostBookBytes;
}

/** The same book, to be written again: only who can write may say so. */
function beatOf(book: Book): Book {
  return { ...book, beat: book.beat + 1 };
}

/** Holders, and whoever the grant is shared with, who may come back to it. */
function mayHold({ conditions, holders }: BookedGrant, party: string): boolean {
  return (
    holders.includes(party) || conditions.some((one) => one.kind === 'share-with' && one.party === party)
  );
}

/** The grant as an answer has it. */
function plain(grant: BookedGrant): Extract<AskAnswer, { kind: 'granted' }>['grant'] {
  return {
    ...grant,
    holders: [...grant.holders],
    amounts: { ...grant.amounts },
    conditions: [...grant.conditions],
    leaving: grant.leaving,
  };
}

function bookFull(desk: string): Error {
  const message = `the book of the desk ${desk} has no room for another grant as large as this; wait until some are given back`;
  return busError('overloaded', message, { details: { desk } });
}

function deskClosed(desk: string, cause?: unknown): Error {
  return coordinationError(
    'desk-closed',
    `the desk ${desk} has ended here; another keeps its book, ask again`,
    {
      details: { desk },
      cause,
    },
  );
}
