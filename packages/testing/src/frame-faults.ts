/**
 * What a bad network does to whole messages: loses, doubles, delays and reorders a seeded share of those it is told to.
 *
 * N1  A decision depends on the seed, the subject and the how-manieth message it is on this subject in this direction, on
 *     nothing else: the same seed decides the same again.
 * N2  A message is passed on whole or not at all; lines (`PING`, `INFO`, `SUB`, …) are never touched.
 */
import { createHash } from 'node:crypto';
import type { Screen, ScreenedPiece } from './byte-lane.ts';
import { FrameReader, type MessageFrame } from './nats-frame.ts';

/** The faults; each is asked for every message of both directions (`frame.verb` says which). None by default. */
export interface FrameFaultOptions {
  readonly seed: number | string;
  /** The share, 0 to 1, of messages like this one that are lost. */
  readonly drop?: (frame: MessageFrame) => number;
  /** The share that arrives twice. */
  readonly duplicate?: (frame: MessageFrame) => number;
  /** The share that later ones may overtake, by up to 50 ms. */
  readonly reorder?: (frame: MessageFrame) => number;
  /** The longest delay of a message, and of all behind it, ms; each is delayed by a seeded part of it. */
  readonly delayMs?: (frame: MessageFrame) => number;
  /** What this message, and all behind it, waits for; undefined: for nothing. Asked also when calm. */
  readonly hold?: (frame: MessageFrame) => Promise<unknown> | undefined;
}

/** How many messages met which fate. */
export interface FrameCounts {
  readonly passed: number;
  readonly dropped: number;
  readonly duplicated: number;
  readonly reordered: number;
}

const reorderMs = 50;

/** The faults of one proxy and what they have done so far. */
export class FrameFaults {
  readonly #options: FrameFaultOptions;
  readonly #indexes = new Map<string, number>();
  readonly #counts = { passed: 0, dropped: 0, duplicated: 0, reordered: 0 };
  #isCalm = false;

  constructor(options: FrameFaultOptions) {
    this.#options = options;
  }

  get counts(): FrameCounts {
    return { ...this.#counts };
  }

  /** No further faults: every message passes once and at once. */
  calm(): void {
    this.#isCalm = true;
  }

  /** A screen for one direction of one connection. */
  newScreen(): Screen {
    const reader = new FrameReader();
    return (bytes) =>
      reader
        .read(bytes)
        .flatMap((frame) => (frame.kind === 'line' ? [{ bytes: frame.bytes }] : this.#judge(frame)));
  }

  #judge(frame: MessageFrame): readonly ScreenedPiece[] {
    const { drop, duplicate, reorder, delayMs, hold } = this.#options;
    const { bytes } = frame;
    const until = hold?.(frame);
    if (this.#isCalm || until !== undefined) {
      this.#counts.passed++;
      return [{ bytes, until }];
    }
    const [toDrop, toDouble, toReorder, toDelay] = this.#draw(frame);
    if (toDrop < (drop?.(frame) ?? 0)) {
      this.#counts.dropped++;
      return [];
    }
    this.#counts.passed++;
    const isStray = toReorder < (reorder?.(frame) ?? 0);
    if (isStray) this.#counts.reordered++;
    const piece = { bytes, isStray, delayMs: toDelay * (isStray ? reorderMs : (delayMs?.(frame) ?? 0)) };
    if (toDouble >= (duplicate?.(frame) ?? 0)) return [piece];
    this.#counts.duplicated++;
    return [piece, piece];
  }

  /** Four numbers in [0, 1) for this message (N1). */
  #draw({ subject, verb }: MessageFrame): readonly [number, number, number, number] {
    const lane = `${verb.endsWith('PUB') ? 'to' : 'from'} ${subject}`;
    const index = this.#indexes.get(lane) ?? 0;
    this.#indexes.set(lane, index + 1);
    const digest = createHash('sha256').update(`${this.#options.seed} ${index} ${lane}`).digest();
    const part = (at: number): number => digest.readUInt32BE(at) / 2 ** 32;
    return [part(0), part(4), part(8), part(12)];
  }
}
