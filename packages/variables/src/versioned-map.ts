/**
 * A map in versions: the next version shares everything with the one before, so that a revision of one variable does not
 * copy the others, and whoever kept an earlier version still has it as it was.
 *
 * The newest version of a line holds the entries; each earlier one holds what its keys had been where the next differs.
 * A line is cut when as many keys have changed as there are entries: then the entries are copied.
 *
 * Invariants
 *  M1  A version never changes, whatever was made of it, also not under a loop that goes through it.
 *  M2  The next version costs what differs, in the mean over a line. An earlier one that is still looked into much gets a copy of
 *      its own, once.
 *  M3  A version that is kept holds on to at most as many later changes as it has entries.
 */

/** New values of keys; undefined: the key is gone. */
type Changes<V> = ReadonlyMap<string, V | undefined>;

/** Where the entries are: here, or in the next version but for these. */
type Holding<V> =
  | { readonly kind: 'own'; readonly entries: Map<string, V> }
  | { readonly kind: 'shared'; readonly next: VersionedMap<V>; readonly former: Changes<V> };

/** So many changes a line may have, however small the map. */
const leastLine = 64;
/** Looking further than so many versions ahead, a version gets its own copy. */
const furthestLook = 8;

/** A version of the map; make the next with {@link VersionedMap.with}. */
export class VersionedMap<V> implements ReadonlyMap<string, V> {
  readonly size: number;
  #holding: Holding<V>;
  /** Keys changed since the entries were copied. */
  #changed: number;

  /** Takes the entries over: nobody may change them from here on. */
  constructor(entries: Map<string, V> = new Map(), changed = 0) {
    this.size = entries.size;
    this.#holding = { kind: 'own', entries };
    this.#changed = changed;
  }

  get(key: string): V | undefined {
    let holding = this.#holding;
    for (let looks = 0; holding.kind === 'shared'; looks++) {
      if (looks === furthestLook) return this.#own().get(key);
      if (holding.former.has(key)) return holding.former.get(key);
      holding = holding.next.#holding;
    }
    return holding.entries.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** The version after these changes; this very one when there are none. */
  with(changes: Changes<V>): VersionedMap<V> {
    if (changes.size === 0) return this;
    const entries = this.#own();
    const changed = this.#changed + changes.size;
    if (changed > Math.max(leastLine, this.size)) {
      const copy = new Map(entries);
      apply(copy, changes);
      return new VersionedMap(copy);
    }
    const former = new Map<string, V | undefined>();
    for (const key of changes.keys()) former.set(key, entries.get(key));
    apply(entries, changes);
    const next = new VersionedMap(entries, changed);
    this.#holding = { kind: 'shared', next, former };
    return next;
  }

  /** The keys that may differ from an earlier version; undefined when this one was not made of it without a copy. */
  keysSince(earlier: ReadonlyMap<string, V>): ReadonlySet<string> | undefined {
    const keys = new Set<string>();
    let at = earlier;
    while (at !== this) {
      const holding: Holding<V> | undefined = at instanceof VersionedMap ? at.#holding : undefined;
      if (holding?.kind !== 'shared') return undefined;
      for (const key of holding.former.keys()) keys.add(key);
      at = holding.next;
    }
    return keys;
  }

  forEach(call: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) call(value, key, this);
  }

  entries(): MapIterator<[string, V]> {
    return [...this.#own()].values();
  }

  keys(): MapIterator<string> {
    return [...this.#own().keys()].values();
  }

  values(): MapIterator<V> {
    return [...this.#own().values()].values();
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  /** It is a map to whatever compares maps by their entries. */
  get [Symbol.toStringTag](): string {
    return 'Map';
  }

  /** The entries of this very version, copied out of a later one where they are not here. */
  #own(): Map<string, V> {
    if (this.#holding.kind === 'own') return this.#holding.entries;
    const undone: Changes<V>[] = [];
    let holding: Holding<V> = this.#holding;
    while (holding.kind === 'shared') {
      undone.push(holding.former);
      holding = holding.next.#holding;
    }
    const entries = new Map(holding.entries);
    for (const former of undone.toReversed()) apply(entries, former);
    this.#holding = { kind: 'own', entries };
    this.#changed = 0;
    return entries;
  }
}

/** The next version of a map while it is being made. */
export class MapDraft<V> {
  readonly #from: VersionedMap<V>;
  readonly #changes = new Map<string, V | undefined>();

  constructor(from: ReadonlyMap<string, V>) {
    this.#from = from instanceof VersionedMap ? from : new VersionedMap(new Map(from));
  }

  get(key: string): V | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#from.get(key);
  }

  set(key: string, value: V): void {
    this.#changes.set(key, value);
  }

  delete(key: string): void {
    if (this.get(key) !== undefined) this.#changes.set(key, undefined);
  }

  /** The version it has come to; the one it began with when nothing was changed. */
  done(): VersionedMap<V> {
    return this.#from.with(this.#changes);
  }
}

function apply<V>(entries: Map<string, V>, changes: Changes<V>): void {
  for (const [key, value] of changes) {
    if (value === undefined) entries.delete(key);
    else entries.set(key, value);
  }
}
