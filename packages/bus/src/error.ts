/**
 * MabeamError: what is thrown everywhere in MABEAM, and how a package declares its codes.
 *
 * A code is API: it never changes its meaning. The message is for people: it names what happened, where, and the cure.
 * Every package has one table of codes (`errors.ts`); docs/errors.md has a paragraph for each of them.
 */

/** What is fixed about a code: may the same call succeed later, and with which status does the command line exit. */
export interface ErrorKind {
  readonly retryable: boolean;
  /** Exit status of the command line: 1 failure (default), 2 usage, 3 conflict, 4 partial or timeout, 5 unavailable. */
  readonly exit?: 1 | 2 | 3 | 4 | 5;
  /** The HTTP-like number sent as `Nats-Service-Error-Code`; 500 when absent. */
  readonly status?: number;
}

/** A package's table of codes. */
export type ErrorTable = Readonly<Record<string, ErrorKind>>;

/** What accompanies an error, beside its code and message. */
export interface ErrorContext {
  readonly cause?: unknown;
  /** Identifiers and values involved: plain data, safe to send and to log. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The form in which an error crosses the wire: the body of an error answer, and the `error` of an envelope. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly status?: number;
  readonly exit?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An error with a stable `code`. */
export class MabeamError extends Error {
  override readonly name = 'MabeamError';
  readonly code: string;
  readonly retryable: boolean;
  readonly exit: number;
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, kind: ErrorKind, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.retryable = kind.retryable;
    this.exit = kind.exit ?? 1;
    this.status = kind.status ?? 500;
    this.details = context.details ?? {};
  }

  /** The error as plain data for the wire. */
  toJSON(): ErrorBody {
    const { code, message, retryable, status, exit, details } = this;
    return { code, message, retryable, status, exit, details };
  }
}

/** Makes the one function with which a package throws: `throw busError('no-responders', 'what, where, the cure')`. */
export function errorsOf<T extends ErrorTable>(
  table: T,
): (code: keyof T & string, message: string, context?: ErrorContext) => MabeamError {
  return (code, message, context) =>
    new MabeamError(code, table[code] ?? { retryable: false }, message, context);
}

/** Rebuilds an error that came over the wire; whatever is missing or malformed in it becomes `remote-failure`. */
export function errorFromBody(body: unknown): MabeamError {
  const given: Partial<Record<keyof ErrorBody, unknown>> =
    typeof body === 'object' && body !== null ? body : {};
  const details = typeof given.details === 'object' && given.details !== null ? { ...given.details } : {};
  const kind: ErrorKind = {
    retryable: given.retryable === true,
    exit: isExit(given.exit) ? given.exit : 1,
    status: typeof given.status === 'number' ? given.status : 500,
  };
  const code = typeof given.code === 'string' ? given.code : 'remote-failure';
  const message =
    typeof given.message === 'string' ? given.message : 'the responder failed without saying why';
  return new MabeamError(code, kind, message, { details });
}

/** The error for the wire of whatever was thrown: a stranger's exception shows its message, never its stack. */
export function errorBodyOf(thrown: unknown): ErrorBody {
  if (thrown instanceof MabeamError) return thrown.toJSON();
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'handler-failed', message, retryable: false, status: 500, exit: 1 };
}

function isExit(value: unknown): value is 1 | 2 | 3 | 4 | 5 {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 5;
}
