/** A member of a gossip at work: performs what the pure one wants, until it is disposed of. What is lost is made good by the next rounds. */
import type { Gossiper, GossiperInput, GossiperState } from './gossiper.ts';
import type { GossipMessage } from './message.ts';

/** What a running member needs. */
export interface GossiperSurroundings {
  readonly send: (to: string, message: GossipMessage) => void;
  /** Told after each step that changed what is held. */
  readonly changed?: ((state: GossiperState, before: GossiperState) => void) | undefined;
  /** The wall clock. Default `Date.now`. */
  readonly clock?: (() => number) | undefined;
}

/** A running member; disposing stops its rounds, and it still answers. */
export class RunningGossiper implements Disposable {
  readonly #gossiper: Gossiper;
  readonly #surroundings: GossiperSurroundings;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #state: GossiperState;
  #isOver = false;

  constructor(gossiper: Gossiper, surroundings: GossiperSurroundings) {
    this.#gossiper = gossiper;
    this.#surroundings = surroundings;
    this.#state = gossiper.initial;
  }

  get state(): GossiperState {
    return this.#state;
  }

  /** Takes in what happens. */
  take(input: GossiperInput): void {
    const { send, changed, clock = Date.now } = this.#surroundings;
    const before = this.#state;
    const { state, sends, timers } = this.#gossiper.step(before, input, clock());
    this.#state = state;
    for (const { timer, afterMs } of timers) this.#setTimer(timer, afterMs);
    for (const { to, message } of sends) send(to, message);
    if (state.held !== before.held) changed?.(state, before);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
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
