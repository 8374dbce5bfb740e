/**
 * The responder's end of a streamed answer, docs/protocol.md section "Streamed answers".
 *
 * Parts are numbered from 0 and sent in order; the end says how many there were. The responder is never more than the
 * asker's window ahead of what the asker has acknowledged, so neither side keeps more than that, and a slow reader slows
 * the handler's iteration down. From the first part on the asker has to show life (an acknowledgement, even of nothing
 * new) within twice its idle deadline; one that has left says so by a cancel. Either way the signal aborts and the
 * iteration is ended by `return`.
 */
import type { Msg } from '@nats-io/transport-node';
import type { Deadlines } from './deadlines.ts';
import { errorBodyOf, MabeamError } from './error.ts';
import { busError } from './errors.ts';
import { parseJson } from './codec.ts';
import type { Line } from './multiplexer.ts';
import type { OpenQuestion } from './open-question.ts';
import { defaultTimeoutMs } from './request.ts';
import type { Wire } from './wire.ts';

/** The largest window that is granted, whatever is asked for. */
const windowLimit = 65_536;

/** Is what a handler returned an answer in parts? */
export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** Sends what the handler yields and the end of it; resolves when that is done or the asker has gone. Never rejects. */
export async function streamAnswer(
  wire: Wire,
  open: OpenQuestion,
  parts: AsyncIterable<unknown>,
  deadlines: Deadlines,
): Promise<void> {
  const iterator = parts[Symbol.asyncIterator]();
  const outlet = new Outlet(wire, open, deadlines);
  try {
    if (open.window === undefined) throw streamedAnswer(open.subject);
    await outlet.send(iterator);
  } catch (error) {
    if (outlet.count > 0) open.end(outlet.count, errorBodyOf(error));
    else open.fail(errorBodyOf(error));
  } finally {
    outlet.close();
    leave(iterator);
  }
}

/** Sends parts as far as the asker's window allows. */
class Outlet {
  readonly #open: OpenQuestion;
  readonly #deadlines: Deadlines;
  readonly #line: Line;
  readonly #limitMs: number;
  readonly #window: number;
  #onAbort: (() => void) | undefined;
  #received = 0;
  #sent = 0;
  #onRoom: (() => void) | undefined;

  constructor(wire: Wire, open: OpenQuestion, deadlines: Deadlines) {
    this.#open = open;
    this.#deadlines = deadlines;
    this.#limitMs = 2 * (open.remainingMs ?? defaultTimeoutMs);
    this.#window = Math.min(Math.max(1, open.window ?? 1), windowLimit);
    open.signal.addEventListener('abort', () => this.#onAbort?.(), { once: true });
    this.#line = wire.calls.open(
      {
        onMessage: (message) => this.#acknowledged(message),
        onFailure: (error) => open.abort(asMabeamError(error)),
        onLate: () => undefined,
      },
      Number.POSITIVE_INFINITY,
    );
  }

  /** Parts sent so far. */
  get count(): number {
    return this.#sent;
  }

  async send(iterator: AsyncIterator<unknown>): Promise<void> {
    for (;;) {
      if (this.#sent >= this.#received + this.#window) {
        const room = new Promise<'room'>((resolve) => {
          this.#onRoom = () => resolve('room');
        });
        if ((await this.#unlessAborted(room)) === 'aborted') return;
      }
      const next = await this.#unlessAborted(iterator.next());
      if (next === 'aborted' || this.#open.isAnswered) return;
      if (next.done === true) {
        this.#open.end(this.#sent);
        return;
      }
      this.#open.part(next.value, this.#sent, this.#line.inbox);
      if (this.#sent === 0) this.#open.renew(this.#deadlines, this.#limitMs);
      this.#sent += 1;
    }
  }

  close(): void {
    this.#line.close();
  }

  /** No race with one promise for all parts: that one would keep what each of them has left behind until the end. */
  #unlessAborted<T>(step: Promise<T>): Promise<T | 'aborted'> {
    return new Promise((resolve, reject) => {
      this.#onAbort = () => resolve('aborted');
      if (this.#open.signal.aborted) resolve('aborted');
      step.then(resolve, reject);
    });
  }

  /** Whatever the asker says shows that it lives; `{received}` says how many parts it has taken. */
  #acknowledged(message: Msg): void {
    if (this.#open.isAnswered) return;
    this.#open.renew(this.#deadlines, this.#limitMs);
    this.#received = Math.max(this.#received, Math.min(receivedIn(message.data), this.#sent));
    if (this.#sent < this.#received + this.#window) this.#onRoom?.();
  }
}

function receivedIn(data: Uint8Array): number {
  try {
    const body = parseJson(data);
    const isCount = typeof body === 'object' && body !== null && 'received' in body;
    return isCount && Number.isSafeInteger(body.received) ? Number(body.received) : 0;
  } catch (error) {
    if (error instanceof MabeamError) return 0;
    throw error;
  }
}

/** Ends the iteration; what its clean-up throws concerns nobody any more. It may wait for the signal it was given. */
function leave(iterator: AsyncIterator<unknown>): void {
  const left = iterator.return?.();
  if (left !== undefined) void Promise.resolve(left).catch(() => undefined);
}

function streamedAnswer(subject: string): MabeamError {
  const message = `${subject} answers with a stream; ask with requestStream, or the header Mabeam-Stream`;
  return busError('streamed-answer', message, { details: { subject } });
}

function asMabeamError(error: Error): MabeamError {
  return error instanceof MabeamError ? error : busError('disconnected', error.message, { cause: error });
}
