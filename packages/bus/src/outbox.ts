/**
 * The outbox: what need not leave at once leaves together. Left to itself the client writes to its socket once for each message
 * that is published in a step of its own, and such a write costs more than all the rest of a small message. Stores and
 * acknowledgements wait for the end of the turn of the event loop instead, and are published in one go: one write.
 *
 * Invariants
 *  O1  What is added is sent once, in the order in which it was added, at the end of this turn or when somebody asks for it.
 *  O2  Nothing of it stays behind: whatever is published at once, a flush and a close send it first. So nothing overtakes it.
 */
export class Outbox {
  #waiting: (() => void)[] = [];

  /** Has `send` called with all others at the end of this turn. It must not throw. */
  add(send: () => void): void {
    if (this.#waiting.push(send) === 1) setImmediate(() => this.send());
  }

  /** Sends what is in it now. */
  send(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const send of waiting) send();
  }
}
