/** Asking until it is decided: a session that ends as soon as the answers so far leave nothing open. */
import { MabeamError, type Bus } from '@mabeam/bus';
import { Session, type Participant, type ReadAnswer, type SessionOptions } from '../session/session.ts';

/** What is asked, and when it is decided. */
export interface AskUntilDecided<T> extends SessionOptions {
  readonly phase: string;
  /** The body of the question to every member. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly read: (body: unknown, party: string) => ReadAnswer<T>;
  /** Aborts when it is decided; what is still out then is not waited for. */
  readonly decided: AbortSignal;
}

/** Asks the whole electorate at once, and resolves with the session. Throws `cancelled` when the caller's own signal aborted. */
export async function askUntilDecided<T>(
  bus: Bus,
  space: string,
  { phase, body, read, decided, ...options }: AskUntilDecided<T>,
): Promise<Session> {
  const { electorate, signal } = options;
  const session = new Session(bus, space, {
    ...options,
    signal: eitherOf(signal, decided),
  });
  try {
    await session.ask(
      phase,
      electorate.map((party) => ({ party, body })),
      read,
    );
  } catch (error) {
    const isOurs = decided.aborted && signal?.aborted !== true;
    if (!(isOurs && error instanceof MabeamError && error.code === 'cancelled')) {
      session[Symbol.dispose]();
      throw error;
    }
  }
  return session;
}

/** How a participant did: what was counted of it, which the session may not have noted yet when the decision ended it; an answer that was still out then is late. */
export function seenAs(
  participant: Participant,
  answered: { readonly has: (party: string) => boolean },
  isDecided: boolean,
): Participant {
  if (answered.has(participant.party)) return { ...participant, outcome: 'replied' };
  const isLate = isDecided && participant.outcome === 'timeout';
  return isLate ? { ...participant, outcome: 'late' } : participant;
}

/** Aborts with the first of the two. */
export function eitherOf(signal: AbortSignal | undefined, other: AbortSignal): AbortSignal {
  return signal === undefined ? other : AbortSignal.any([signal, other]);
}
