/** What can be said of a round, whatever protocol is spoken in it. */
export interface RoundOptions {
  /** What it is about, as lists of rounds show it. Default `proposal`. */
  readonly subject?: string | undefined;
  /** The whole round, at most a day. Default 30 000, among liars 180 000. */
  readonly timeoutMs?: number | undefined;
  /** One question to a party. Default 5 000, in gossip 1 000. */
  readonly requestTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The asking agent, when an agent asks. */
  readonly from?: string | undefined;
  /**
   * Its id: a token. Default: a new one. A round ends once: who asks the same again, in whatever process, gets the end that the first
   * asker has kept.
   */
  readonly round?: string | undefined;
}
