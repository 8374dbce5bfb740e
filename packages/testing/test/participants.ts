/** Participants of a run under faults, from their parent's side: starting them, asking them, ending them. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a participant is told at its start. */
export interface Order {
  readonly name: string;
  readonly url: string;
  readonly space: string;
  readonly seed: string;
  /** How many counters there are. */
  readonly counters: number;
  /** The longest pause between two writes of one kind, ms. */
  readonly paceMs: number;
  /** How long a task or an event is tried to be stored before that is reported as an error, ms. */
  readonly patienceMs: number;
}

/** What was promised, by id or as a number, and what was reported as an error with an unknown end. */
interface Account<T> {
  readonly acknowledged: T;
  readonly reported: T;
}

/** A participant's own books. Certain refusals are in none of the accounts, only among the codes. */
export interface Tally {
  readonly counters: Readonly<Record<string, Account<number>>>;
  readonly changeSets: Account<number>;
  readonly tasks: Account<string[]>;
  readonly events: Account<string[]>;
  /** How often each error code came. */
  readonly codes: Readonly<Record<string, number>>;
  /** Errors without a code: there should be none. */
  readonly untyped: readonly string[];
}

/** What a participant sees now. */
export interface Look {
  readonly entries: readonly { readonly key: string; readonly revision: number; readonly text: string }[];
  readonly applied: number;
  /** Sequences of the events it has read, in the order it read them. */
  readonly seen: readonly number[];
  /** How often it saw half a change set. */
  readonly tornViews: number;
}

export interface ToParticipant {
  readonly kind: 'halt' | 'look' | 'end';
}

export type ToParent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'halted'; readonly tally: Tally }
  | { readonly kind: 'looked'; readonly look: Look };

const answerWithinMs = 45_000;

/** Starts a participant and resolves when it takes part. */
export async function startParticipant(order: Order): Promise<Participant> {
  const path = fileURLToPath(new URL('fixtures/participant.ts', import.meta.url));
  const child = fork(path, [JSON.stringify(order)], { execArgv: ['--conditions=@mabeam/source'] });
  const participant = new Participant(order.name, child);
  await participant.await('ready');
  return participant;
}

export class Participant implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    this.#exited = once(child, 'exit');
  }

  /** Stops its writing, and resolves with its books. */
  async halt(): Promise<Tally> {
    const answer = this.await('halted');
    this.#tell({ kind: 'halt' });
    return (await answer).tally;
  }

  async look(): Promise<Look> {
    const answer = this.await('looked');
    this.#tell({ kind: 'look' });
    return (await answer).look;
  }

  /** Ends it in good order; resolves with its exit code, null when it had to be killed. */
  async end(): Promise<number | null> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), answerWithinMs);
    this.#tell({ kind: 'end' });
    await this.#exited;
    clearTimeout(timer);
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** The next message of this kind; rejects when the process ends before, or does not answer. */
  async await<K extends ToParent['kind']>(kind: K): Promise<Extract<ToParent, { kind: K }>> {
    const signal = AbortSignal.timeout(answerWithinMs);
    const exited = this.#exited.then(([code]) => {
      throw new Error(`${this.name} ended with ${String(code)} instead of telling "${kind}"`);
    });
    for (;;) {
      const [message] = await Promise.race([once(this.#child, 'message', { signal }), exited]);
      // Participants tell nothing else; the kind is checked.
      if ((message as ToParent).kind === kind) return message as Extract<ToParent, { kind: K }>;
    }
  }

  #tell(message: ToParticipant): void {
    if (this.#child.connected) this.#child.send(message);
  }
}
