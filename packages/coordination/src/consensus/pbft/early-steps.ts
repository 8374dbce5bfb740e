/**
 * What the members of committees say before this one is opened (join.ts, M3): kept, since it is lost otherwise, and not without limit,
 * since anybody may say anything about rounds that will never be.
 */
import { forgetOldest } from '../../session/forget-oldest.ts';
import type { PbftMessage } from './message.ts';

/** What a member has said to another. */
export interface Step {
  readonly from: string;
  readonly message: PbftMessage;
}

/** Rounds that are kept, the last ones that were heard of. */
const mostRounds = 256;
/** Of one round: more than a committee says before all have been opened. */
const mostSteps = 512;
/** Of all rounds together, as they came. */
const mostBytes = 8_388_608;

interface Waiting {
  readonly steps: Step[];
  bytes: number;
}

/** The steps that wait. What there is no room for pushes out the rounds that were heard of first. */
export class EarlySteps {
  readonly #rounds = new Map<string, Waiting>();
  #bytes = 0;

  /** Keeps a step that came in so many bytes. */
  keep(round: string, step: Step, bytes: number): void {
    const waiting = this.#rounds.get(round) ?? { steps: [], bytes: 0 };
    if (waiting.steps.length >= mostSteps || waiting.bytes + bytes > mostBytes) return;
    waiting.steps.push(step);
    waiting.bytes += bytes;
    this.#bytes += bytes;
    this.#rounds.set(round, waiting);
    for (;;) {
      const forgotten = forgetOldest(this.#rounds, this.#bytes > mostBytes ? 0 : mostRounds);
      if (forgotten === undefined) return;
      this.#bytes -= forgotten.bytes;
    }
  }

  /** What has come for a round, once. */
  take(round: string): readonly Step[] {
    const { steps, bytes } = this.#rounds.get(round) ?? { steps: [], bytes: 0 };
    this.#rounds.delete(round);
    this.#bytes -= bytes;
    return steps;
  }
}
