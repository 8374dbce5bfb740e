/**
 * A party of a protocol as a pure function: what it is, what came in, and what it becomes and wants. Whoever writes a protocol in
 * this form can run it in the simulator thousands of times a second, and behind a real bus with a short loop.
 */

/** What comes in: the beginning, a message of a peer, or a timer that the party had set. */
export type PartyInput<M> =
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly from: string; readonly message: M }
  | { readonly kind: 'timer'; readonly timer: string };

/** A message for a peer. One may write to oneself. */
export interface Sending<M> {
  readonly to: string;
  readonly message: M;
}

/** A timer. Setting it again replaces it; without `afterMs` it is put off for good. */
export interface TimerSetting {
  readonly timer: string;
  readonly afterMs?: number | undefined;
}

/** What a party becomes, and wants. */
export interface PartyStep<S, M> {
  readonly state: S;
  readonly sends: readonly Sending<M>[];
  readonly timers: readonly TimerSetting[];
}

/** A party. */
export interface SimulatedParty<S, M> {
  readonly initial: S;
  /** What the party becomes by an input, and wants; it changes nothing that it was handed. `nowMs` is simulated time. */
  readonly step: (state: S, input: PartyInput<M>, nowMs: number) => PartyStep<S, M>;
}
