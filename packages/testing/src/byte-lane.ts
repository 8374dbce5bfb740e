/**
 * One direction of a proxied connection: bytes go in, and come out at the other socket after the latency, unless the lane is
 * frozen.
 *
 * B1  Bytes come out in the order they went in, whatever the latency was changed to meanwhile, and none is lost or doubled:
 *     TCP has no gaps. A frozen lane keeps what it holds. Only a screen, which knows where messages end, makes exceptions.
 * B2  The end of the stream travels like bytes do.
 */
import type { Socket } from 'node:net';

/** What a lane obeys; read anew for each piece. */
export interface LaneConditions {
  readonly latencyMs: number;
  readonly frozen: boolean;
}

/** What a screen lets through: whole messages, or whatever may be separated from what comes before and after. */
export interface ScreenedPiece {
  readonly bytes: Buffer;
  /** On top of the lane's latency. */
  readonly delayMs?: number;
  /** What comes later may overtake it. */
  readonly isStray?: boolean;
  /** It leaves when this has settled, and nothing of the lane before it. */
  readonly until?: Promise<unknown> | undefined;
}

/** Looks at the bytes of one direction of one connection and says what goes on. */
export type Screen = (bytes: Buffer) => readonly ScreenedPiece[];

interface Piece {
  /** Undefined is the end of the stream. */
  readonly bytes: Buffer | undefined;
  readonly dueAt: number;
  isHeld: boolean;
}

/** Carries bytes from one socket to another until one of them closes. */
export class ByteLane {
  readonly #to: Socket;
  readonly #conditions: LaneConditions;
  readonly #pieces: Piece[] = [];
  readonly #strays = new Set<Piece>();
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, conditions: LaneConditions, screen: Screen = (bytes) => [{ bytes }]) {
    this.#to = to;
    this.#conditions = conditions;
    from.on('data', (bytes: Buffer) => {
      for (const piece of screen(bytes)) this.#take(piece);
    });
    from.on('end', () => this.#take({ bytes: undefined }));
    // Who has ended in good order is still delivered; of a broken connection nothing is.
    from.on('close', (hadError) => {
      if (hadError) clearTimeout(this.#timer);
    });
  }

  /** How many bytes are on their way. */
  get heldBytes(): number {
    return [...this.#pieces, ...this.#strays].reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  }

  /** Delivers what is due; to be called when the conditions have changed. */
  move(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#conditions.frozen) return;
    for (const stray of this.#strays) if (stray.dueAt <= performance.now()) this.#deliver(stray);
    for (let piece = this.#pieces[0]; piece; piece = this.#pieces[0]) {
      if (piece.isHeld || piece.dueAt > performance.now()) break;
      this.#pieces.shift();
      this.#deliver(piece);
    }
    this.#wakeAtNext();
  }

  #wakeAtNext(): void {
    const [head] = this.#pieces;
    const next = [...this.#strays, ...(head === undefined || head.isHeld ? [] : [head])];
    if (next.length === 0) return;
    const dueAt = Math.min(...next.map((piece) => piece.dueAt));
    this.#timer = setTimeout(() => this.move(), Math.max(0, dueAt - performance.now()));
  }

  #take(taken: Omit<ScreenedPiece, 'bytes'> & { readonly bytes: Buffer | undefined }): void {
    const { bytes, delayMs = 0, isStray = false, until } = taken;
    const dueAt = performance.now() + this.#conditions.latencyMs + delayMs;
    const piece: Piece = { bytes, dueAt, isHeld: until !== undefined };
    if (isStray) this.#strays.add(piece);
    else this.#pieces.push(piece);
    const release = (): void => {
      piece.isHeld = false;
      this.move();
    };
    until?.then(release, release);
    this.move();
  }

  #deliver(piece: Piece): void {
    this.#strays.delete(piece);
    // Nothing can follow the end.
    if (piece.bytes === undefined) for (const stray of this.#strays) this.#deliver(stray);
    if (!this.#to.writable) return;
    if (piece.bytes === undefined) this.#to.end();
    else this.#to.write(piece.bytes);
  }
}
