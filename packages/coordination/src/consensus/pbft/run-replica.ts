/**
 * A member of a committee at work: performs what the pure replica wants, until it has decided or its time is over. Messages that are
 * lost are made good by its repetitions.
 */
import { NamedTimers } from '../../session/named-timers.ts';
import type { PbftMessage } from './message.ts';
import type { PbftCertificate } from './proof.ts';
import type { Replica, ReplicaInput, ReplicaState } from './replica.ts';

/** A running member; disposing stops it for good. */
export class RunningReplica implements Disposable {
  readonly #replica: Replica;
  readonly #send: (to: string, message: PbftMessage) => void;
  #timers = this.#newTimers();
  readonly #decision = Promise.withResolvers<PbftCertificate | undefined>();
  #state: ReplicaState;
  #isPaused = false;

  constructor(replica: Replica, send: (to: string, message: PbftMessage) => void) {
    this.#replica = replica;
    this.#send = send;
    this.#state = replica.initial;
  }

  /** Resolves with the decision; with undefined when it is stopped without one. */
  get decision(): Promise<PbftCertificate | undefined> {
    return this.#decision.promise;
  }

  /** Takes in what happens. One that pauses takes in nothing, but when it has decided it still tells who asks. */
  take(input: ReplicaInput): void {
    if (this.#isPaused && this.#state.decided === undefined) return;
    const { state, sends, timers } = this.#replica.step(this.#state, input);
    this.#state = state;
    for (const { timer, afterMs } of timers) this.#timers.set(timer, afterMs);
    for (const { to, message } of sends) this.#send(to, message);
    if (state.decided !== undefined) this.#decision.resolve(state.decided);
  }

  /** Its time is over: it says and hears nothing, and forgets nothing, until it goes on. */
  pause(): void {
    this.#isPaused = true;
    this.#timers[Symbol.dispose]();
  }

  /** Goes on where it paused; else nothing. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#timers = this.#newTimers();
    this.take({ kind: 'start' });
  }

  [Symbol.dispose](): void {
    this.pause();
    this.#decision.resolve(this.#state.decided);
  }

  #newTimers(): NamedTimers {
    return new NamedTimers((timer) => this.take({ kind: 'timer', timer }));
  }
}
