/**
 * A member of a committee at work: performs what the pure replica wants, until it has decided or its time is over. Messages that are
 * lost are made good by its repetitions.
 */
import type { PbftMessage } from './message.ts';
import type { PbftCertificate } from './proof.ts';
import type { Replica, ReplicaInput, ReplicaState } from './replica.ts';

/** A running member; disposing stops it. */
export class RunningReplica implements Disposable {
  readonly #replica: Replica;
  readonly #send: (to: string, message: PbftMessage) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #decision = Promise.withResolvers<PbftCertificate | undefined>();
  #state: ReplicaState;
  #isOver = false;

  constructor(replica: Replica, send: (to: string, message: PbftMessage) => void) {
    this.#replica = replica;
    this.#send = send;
    this.#state = replica.initial;
  }

  /** Resolves with the decision; with undefined when it is stopped without one. */
  get decision(): Promise<PbftCertificate | undefined> {
    return this.#decision.promise;
  }

  /** Takes in what happens. A stopped member that has decided still tells who asks. */
  take(input: ReplicaInput): void {
    if (this.#isOver && this.#state.decided === undefined) return;
    const { state, sends, timers } = this.#replica.step(this.#state, input);
    this.#state = state;
    for (const { timer, afterMs } of timers) this.#setTimer(timer, afterMs);
    for (const { to, message } of sends) this.#send(to, message);
    if (state.decided !== undefined) this.#decision.resolve(state.decided);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#decision.resolve(this.#state.decided);
  }

  #setTimer(timer: string, afterMs: number | undefined): void {
    clearTimeout(this.#timers.get(timer));
    this.#timers.delete(timer);
    if (afterMs === undefined || this.#isOver) return;
    this.#timers.set(
      timer,
      setTimeout(() => this.take({ kind: 'timer', timer }), afterMs),
    );
  }
}
