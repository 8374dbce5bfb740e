/**
 * How a voter learns what was decided: from the announcement, or, when that was lost, from what is kept of the round.
 *
 * Invariants
 *  W1  It tells only what verifies and is of this space, each paper once; and in a round that it expects, no other paper than the one
 *      that is expected. Anybody may announce anything, even what is well certified by voters of its own.
 *  W2  Of a round that it expects it tells the decision even when no announcement comes, or a wrong one, as long as the event is kept: it
 *      looks it up a few times after the round's time. Nothing is looked up for a round whose decision was announced.
 */
import { openEvents, type Bus, type Subscription } from '@mabeam/bus';
import * as z from 'zod';
import { forgetOldest } from '../session/forget-oldest.ts';
import { announcementSubject } from '../session/round.ts';
import { verifyCertificate, type Certificate } from './certificate.ts';
import { paperDigest, type CountingRule } from './paper.ts';
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
  /** Of each round that was expected, the digest of its paper. */
  readonly #papers = new Map<string, string>();
  /** Papers whose decision was told, by their digests. */
  readonly #told = new Map<string, true>();
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

  /** The end of this round is wanted, on the paper of this digest; its question was open for so long from now. */
  expect(round: string, paper: string, withinMs: number): void {
    this.#papers.set(round, paper);
    forgetOldest(this.#papers, rememberedRounds);
    if (!this.#told.has(paper) && !this.#looks.has(round)) this.#lookIn(round, withinMs, looksAfterMs);
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
      void this.#look(round).then((isOver) => {
        if (!isOver) this.#lookIn(round, 0, later);
      });
    }, withinMs + afterMs);
    timer.unref();
    this.#looks.set(round, timer);
  }

  /** What is kept of the round: is there no more to be learnt? A look that fails is as one that finds nothing: the next one follows. */
  async #look(round: string): Promise<boolean> {
    let isOver = false;
    try {
      for await (const event of openEvents(this.#bus, this.#space).read({
        filter: `event.round.${round}.ended`,
      })) {
        const kind = this.#hear(event.json());
        isOver = kind === 'decided' || kind === 'undecided';
      }
    } catch {
      // Without a connection there is nothing to be learnt now.
    }
    return isOver || this.#told.has(this.#papers.get(round) ?? '');
  }

  /** Tells a decision. `undecided`: it says that there is none; a failure is no end, who asks again may still come to one. */
  #hear(body: unknown): 'decided' | 'undecided' | undefined {
    const ended = bodySchema.safeParse(body).data;
    if (ended === undefined || this.#isOver || ended.outcome.kind === 'failed') return undefined;
    const { outcome, round } = ended;
    if (!('certificate' in outcome)) return 'undecided';
    const verified = verifyCertificate(outcome['certificate'], { rules: this.#rules });
    if (verified.kind === 'invalid') return undefined;
    const { certificate } = verified;
    const { paper } = certificate;
    const digest = paperDigest(paper);
    const isOther = (this.#papers.get(round) ?? digest) !== digest;
    if (paper.space !== this.#space || paper.round !== round || isOther) return undefined;
    this.#tell(round, digest, certificate);
    return 'decided';
  }

  #tell(round: string, digest: string, certificate: Certificate): void {
    if (this.#told.has(digest)) return;
    this.#told.set(digest, true);
    forgetOldest(this.#told, rememberedRounds);
    clearTimeout(this.#looks.get(round));
    this.#looks.delete(round);
    this.#decided(certificate);
  }
}
