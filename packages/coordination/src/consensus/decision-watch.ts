/**
 * How a voter learns what was decided: from the announcement, or, when that was lost, from what is kept of the round.
 *
 * Invariants
 *  W1  It tells only what verifies and is of this space, each round once.
 *  W2  Of a round that it expects it tells the decision even when no announcement comes, as long as the event is kept: it looks it
 *      up a few times after the round's time. Nothing is looked up for a round that was announced.
 */
import { openEvents, type Bus, type Subscription } from '@mabeam/bus';
import * as z from 'zod';
import { announcementSubject } from '../session/round.ts';
import { verifyCertificate, type Certificate } from './certificate.ts';
import type { CountingRule } from './paper.ts';
import { consensusProtocol } from './vote.ts';

const bodySchema = z.object({ round: z.string(), outcome: z.object({ kind: z.string() }).loose() });

/** When it looks, after the time of the question is over. */
const looksAfterMs = [250, 2_000, 10_000];
const rememberedRounds = 4_096;

/** The watch; disposing ends it. */
export class DecisionWatch implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #space: string;
  readonly #decided: (certificate: Certificate) => void;
  readonly #rules: readonly CountingRule[];
  readonly #listening: Subscription;
  readonly #ended = new Set<string>();
  readonly #looks = new Map<string, NodeJS.Timeout>();
  #isOver = false;

  constructor(
    bus: Bus,
    space: string,
    decided: (certificate: Certificate) => void,
    rules: readonly CountingRule[] = [],
  ) {
    this.#bus = bus;
    this.#space = space;
    this.#decided = decided;
    this.#rules = rules;
    this.#listening = bus.subscribe(announcementSubject(space, consensusProtocol), (message) => {
      this.#hear(message.body());
    });
  }

  /** This round's end is wanted; its question was open for so long from now. */
  expect(round: string, withinMs: number): void {
    if (!this.#ended.has(round) && !this.#looks.has(round)) this.#lookIn(round, withinMs, looksAfterMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#looks.values()) clearTimeout(timer);
    this.#looks.clear();
    await this.#listening[Symbol.asyncDispose]();
  }

  #lookIn(round: string, withinMs: number, [afterMs, ...later]: readonly number[]): void {
    this.#looks.delete(round);
    if (afterMs === undefined || this.#isOver) return;
    const timer = setTimeout(() => {
      void this.#look(round).then(() => {
        if (!this.#ended.has(round)) this.#lookIn(round, 0, later);
      });
    }, withinMs + afterMs);
    timer.unref();
    this.#looks.set(round, timer);
  }

  /** What is kept of the round. A look that fails is as one that finds nothing: the next one follows. */
  async #look(round: string): Promise<void> {
    try {
      for await (const event of openEvents(this.#bus, this.#space).read({
        filter: `event.round.${round}.ended`,
      })) {
        this.#hear(event.json());
      }
    } catch {
      // Without a connection there is nothing to be learnt now.
    }
  }

  #hear(body: unknown): void {
    const ended = bodySchema.safeParse(body).data;
    if (ended === undefined || this.#ended.has(ended.round) || this.#isOver) return;
    // A failure is no end: who asks again may still come to one.
    if (ended.outcome.kind === 'failed') return;
    const verified = verifyCertificate(ended.outcome['certificate'], { rules: this.#rules });
    const isDecision = verified.kind === 'valid' && verified.certificate.paper.space === this.#space;
    if (isDecision && verified.certificate.paper.round !== ended.round) return;
    if (!isDecision && 'certificate' in ended.outcome) return;
    this.#close(ended.round);
    if (isDecision) this.#decided(verified.certificate);
  }

  #close(round: string): void {
    this.#ended.add(round);
    const [oldest] = this.#ended;
    if (this.#ended.size > rememberedRounds && oldest !== undefined) this.#ended.delete(oldest);
    clearTimeout(this.#looks.get(round));
    this.#looks.delete(round);
  }
}
