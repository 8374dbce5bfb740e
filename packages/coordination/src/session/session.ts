/**
 * A session: the conversation of one asker with a fixed electorate, in phases, until a deadline.
 *
 * Invariants
 *  N1  The electorate is fixed when the session opens; nobody else is ever asked.
 *  N2  A phase ends when all have answered, or after `requestTimeoutMs`, and never after the session's deadline.
 *  N3  An answer that comes after its phase is counted and ignored: `late`.
 *  N4  When the session closes, who is still asked is told that nobody waits any more.
 */
import { busErrors, errorsOf, MabeamError, type Bus } from '@mabeam/bus';
import * as z from 'zod';
import { roundSubject } from './round.ts';

/** How a participant did, by its last question: it answered, it stood aside, or why nothing came of it. */
export type ParticipantOutcome = 'replied' | 'abstained' | 'timeout' | 'unavailable' | 'invalid' | 'late';

/** A member of the electorate, and how it did. */
export interface Participant {
  readonly party: string;
  readonly outcome: ParticipantOutcome;
  /** The phase in which it was asked last; absent when it was asked nothing. */
  readonly phase?: string;
  /** The code of the error it answered with. */
  readonly code?: string;
  /** Answers that came when nobody waited for them any more. */
  readonly late: number;
}

export const participantSchema: z.ZodType<Participant> = z.object({
  party: z.string(),
  outcome: z.enum(['replied', 'abstained', 'timeout', 'unavailable', 'invalid', 'late']),
  phase: z.string().exactOptional(),
  code: z.string().exactOptional(),
  late: z.number(),
});

/** How a session is held. */
export interface SessionOptions {
  readonly round: string;
  readonly protocol: string;
  readonly electorate: readonly string[];
  /** The whole session. Default 30 000; no session is longer than a day. */
  readonly timeoutMs?: number | undefined;
  /** One question. Default 5 000. */
  readonly requestTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The asking agent, when an agent asks. */
  readonly from?: string | undefined;
  /** Who is asked in plain JSON, for want of our library. */
  readonly plain?: ReadonlySet<string> | undefined;
}

/** What an answer turned out to be. */
export type ReadAnswer<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'abstained' }
  | { readonly kind: 'invalid' };

/** One question of a phase. */
export interface PhaseQuestion {
  readonly party: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Those of the parties that take plain JSON. */
export function plainOf(
  parties: readonly { readonly party: string; readonly wire?: 'envelope' | 'json' | undefined }[],
): ReadonlySet<string> {
  return new Set(parties.filter(({ wire }) => wire === 'json').map(({ party }) => party));
}

const defaultSessionMs = 30_000;
const defaultRequestMs = 5_000;
/** What a question may say of its time, and well below what a timer can count. */
const longestMs = 86_400_000;

/** One session; closing it ends every open question. */
export class Session implements Disposable {
  readonly round: string;
  readonly #bus: Bus;
  readonly #space: string;
  readonly #options: SessionOptions;
  readonly #startedAt = performance.now();
  readonly #members: Map<string, Participant>;
  readonly #closing = new AbortController();
  /** Aborts when the session closes, or when its asker wants no more. */
  readonly #ended: AbortSignal;

  constructor(bus: Bus, space: string, options: SessionOptions) {
    this.round = options.round;
    this.#bus = bus;
    this.#space = space;
    this.#options = options;
    const { signal } = options;
    this.#ended =
      signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
    this.#members = new Map(
      options.electorate.map((party) => [party, { party, outcome: 'replied', late: 0 }]),
    );
  }

  /** Time since it was opened. */
  get durationMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Time until its deadline; never below 0. */
  get remainingMs(): number {
    const timeoutMs = Math.min(this.#options.timeoutMs ?? defaultSessionMs, longestMs);
    return Math.max(0, timeoutMs - this.durationMs);
  }

  /** The electorate, and how each did so far. */
  get participants(): readonly Participant[] {
    return [...this.#members.values()];
  }

  /** Notes what became of a participant beside its answers: that what it said makes no sense, for one. */
  note(party: string, outcome: ParticipantOutcome): void {
    this.#set(party, { outcome });
  }

  /**
   * Puts the questions of one phase at once and resolves with the answers that came in time (N2). Throws `cancelled` when the
   * session's signal aborts. Without a connection everyone is `unavailable`.
   */
  async ask<T>(
    phase: string,
    questions: readonly PhaseQuestion[],
    read: (body: unknown, party: string) => ReadAnswer<T>,
  ): Promise<ReadonlyMap<string, T>> {
    const answers = new Map<string, T>();
    const withinMs = Math.floor(
      Math.min(this.#options.requestTimeoutMs ?? defaultRequestMs, this.remainingMs),
    );
    const known = questions.filter(({ party }) => this.#members.has(party));
    for (const { party } of known) this.#set(party, { outcome: 'timeout', phase });
    if (known.length === 0 || withinMs < 1) return answers;
    let isOver = false;
    const asked = known.map(async ({ party, body }) => {
      const outcome = await this.#put(party, phase, { ...body, withinMs }, (answer) => read(answer, party));
      if (isOver) return this.#countLate(party, phase, outcome);
      if (outcome.kind === 'value') answers.set(party, outcome.value);
      this.#set(party, participationIn(outcome));
    });
    await this.#window(Promise.all(asked), withinMs);
    isOver = true;
    return answers;
  }

  /** Ends all open questions; closing twice is nothing. */
  [Symbol.dispose](): void {
    this.#closing.abort();
  }

  async #put<T>(
    party: string,
    phase: string,
    body: Readonly<Record<string, unknown>>,
    read: (body: unknown) => ReadAnswer<T>,
  ): Promise<Outcome<T>> {
    const { protocol, from } = this.#options;
    try {
      const answer = await this.#bus.request(
        roundSubject(this.#space, party, protocol, phase),
        { round: this.round, ...body },
        {
          timeoutMs: Math.max(1, this.remainingMs),
          signal: this.#ended,
          conversation: this.round,
          form: this.#options.plain?.has(party) === true ? 'plain' : 'envelope',
          ...(from === undefined ? {} : { from }),
        },
      );
      return read(answer);
    } catch (error) {
      if (error instanceof MabeamError) return { kind: 'failed', code: error.code };
      throw error;
    }
  }

  /** Waits for the answers, at most so long. */
  async #window(answers: Promise<unknown>, withinMs: number): Promise<void> {
    const { signal } = this.#options;
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, withinMs);
    const stop = (): void => over.resolve();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await Promise.race([answers, over.promise]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
    if (signal?.aborted === true) throw cancelled(this.round);
  }

  /** An answer after its phase counts for nothing, and is told. */
  #countLate<T>(party: string, phase: string, outcome: Outcome<T>): void {
    if (outcome.kind === 'failed') return;
    const member = this.#members.get(party);
    if (member === undefined) return;
    const isAwaited = member.outcome === 'timeout' && member.phase === phase;
    this.#set(party, { late: member.late + 1, ...(isAwaited ? { outcome: 'late' } : {}) });
  }

  #set(party: string, change: Partial<Participant>): void {
    const member = this.#members.get(party);
    if (member !== undefined) this.#members.set(party, { ...member, ...change });
  }
}

type Outcome<T> = ReadAnswer<T> | { readonly kind: 'failed'; readonly code: string };

const silences: ReadonlySet<string> = new Set(['deadline-exceeded', 'cancelled']);
const absences: ReadonlySet<string> = new Set(['no-responders', 'disconnected', 'overloaded', 'closed']);

function participationIn<T>(outcome: Outcome<T>): Pick<Participant, 'outcome' | 'code'> {
  if (outcome.kind === 'value') return { outcome: 'replied' };
  if (outcome.kind !== 'failed') return { outcome: outcome.kind };
  const { code } = outcome;
  if (silences.has(code)) return { outcome: 'timeout', code };
  return { outcome: absences.has(code) ? 'unavailable' : 'invalid', code };
}

const busError = errorsOf(busErrors);

function cancelled(round: string): MabeamError {
  return busError('cancelled', `the round ${round} was cancelled by its asker`, { details: { round } });
}
