/**
 * One direction of a proxied connection: bytes go in, and come out at the other socket after the latency, unless the lane is
 * frozen.
 *
 * B1  Bytes come out in the order they went in, whatever the latency was changed to meanwhile, and none is lost or doubled:
 *     TCP has no gaps. A frozen lane keeps what it holds.
 * B2  The end of the stream travels like bytes do.
 */
import type { Socket } from 'node:net';

/** What a lane obeys; read anew for each piece. */
export interface LaneConditions {
  readonly latencyMs: number;
  readonly frozen: boolean;
}

interface Piece {
  /** Undefined is the end of the stream. */
  readonly bytes: Buffer | undefined;
  readonly dueAt: number;
}

/** Carries bytes from one socket to another until one of them closes. */
export class ByteLane {
  readonly #to: Socket;
  readonly #conditions: LaneConditions;
  readonly #pieces: Piece[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, conditions: LaneConditions) {
    this.#to = to;
    this.#conditions = conditions;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('end', () => this.#take(undefined));
    from.on('close', () => clearTimeout(this.#timer));
  }

  /** How many bytes are on their way. */
  get heldBytes(): number {
    return this.#pieces.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  }

  /** Delivers what is due; to be called when the conditions have changed. */
  move(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#conditions.frozen) return;
    for (let piece = this.#pieces[0]; piece; piece = this.#pieces[0]) {
      const waitMs = piece.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.move(), waitMs);
        return;
      }
      this.#pieces.shift();
      this.#deliver(piece);
    }
  }

  #take(bytes: Buffer | undefined): void {
    this.#pieces.push({ bytes, dueAt: performance.now() + this.#conditions.latencyMs });
    if (this.#timer === undefined) this.move();
  }

  #deliver({ bytes }: Piece): void {
    if (!this.#to.writable) return;
    if (bytes === undefined) this.#to.end();
    else this.#to.write(bytes);
  }
}
