/** The end of something that several ask for, each for a time of its own: it comes when the last of them has none left. */
export class LatestEnd implements Disposable {
  readonly #end: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMs = -Infinity;

  constructor(end: () => void) {
    this.#end = end;
  }

  /** Not before so long from now; a time that ends earlier than one that was asked for before changes nothing. */
  extend(withinMs: number): void {
    const atMs = performance.now() + withinMs;
    if (atMs <= this.#atMs) return;
    this.#atMs = atMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#end, withinMs);
    this.#timer.unref();
  }

  /** It does not come any more. */
  [Symbol.dispose](): void {
    this.#atMs = Infinity;
    clearTimeout(this.#timer);
  }
}
