/** A member of a gossip at work: performs what the pure one wants, until it is disposed of. What is lost is made good by the next rounds. */
import { NamedTimers } from '../../session/named-timers.ts';
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

/** A running member; pausing and disposing stop its rounds, and it still answers. */
export class RunningGossiper implements Disposable {
  readonly #gossiper: Gossiper;
  readonly #surroundings: GossiperSurroundings;
  #timers = this.#newTimers();
  #state: GossiperState;
  #isPaused = false;

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
    for (const { timer, afterMs } of timers) this.#timers.set(timer, afterMs);
    for (const { to, message } of sends) send(to, message);
    if (state.held !== before.held) changed?.(state, before);
  }

  /** It greets nobody until it goes on. */
  pause(): void {
    this.#isPaused = true;
    this.#timers[Symbol.dispose]();
  }

  /** Goes on with its rounds where it paused, unless it has sealed; else nothing. */
  resume(): void {
    if (!this.#isPaused || this.#state.sealed !== undefined) return;
    this.#isPaused = false;
    this.#timers = this.#newTimers();
    this.take({ kind: 'start' });
  }

  [Symbol.dispose](): void {
    this.pause();
  }

  #newTimers(): NamedTimers {
    return new NamedTimers((timer) => this.take({ kind: 'timer', timer }));
  }
}
