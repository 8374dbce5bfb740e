/**
 * The variable store: a space's variables in this process, read from its copy of the bucket and written by compare-and-set.
 *
 * S1  `view` is the bucket as of `view.revision`; a change set shows as a whole (the replica's P1 and P2, the fold's F1).
 * S2  Views only move forward; whoever is told of a change finds it in `view`.
 * S3  Writes keep W1 to W3 of write.ts.
 */
import {
  Replica,
  parseId,
  readKeyHistory,
  spaceNames,
  subjects,
  type Bus,
  type ReplicaChange,
} from '@mabeam/bus';
import { stateOf, type WishedValue } from './change-set.ts';
import { changeBetween, type SpaceChange } from './difference.ts';
import { foldChanges } from './fold.ts';
import { historyOf, valueAt, type HistoryRecord } from './history.ts';
import { valueKey } from './keys.ts';
import type { VariableDefinition } from './variable.ts';
import { emptyView, type GraphState, type SpaceView, type VariableState } from './view.ts';
import { assertOpen, requireRevision, watchChanges, type ViewSource } from './watch.ts';
import type { WaitOptions, WatchOptions } from './watch.ts';
import { applyChanges, createVariable, updateVariable } from './write.ts';
import type { ApplyOptions, UpdateOptions, WriteDesk, WriteOptions, WriteOutcome } from './write.ts';

/** Options of {@link openVariables}. */
export interface OpenVariablesOptions {
  /** The time written into entries; the system's when absent. */
  readonly clock?: () => Date;
  /** How long a write waits for its own revision to arrive here. Default 5 000. */
  readonly applyTimeoutMs?: number;
}

/** Opens a space's variables; resolves when they are here. Throws `stream-missing` (no such space), `invalid-id`. */
export async function openVariables(
  bus: Bus,
  space: string,
  options: OpenVariablesOptions = {},
): Promise<VariableStore> {
  const store = new VariableStore(bus, space, options);
  try {
    await store.start();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** A space's variables in this process. Open with {@link openVariables}. */
export class VariableStore implements AsyncDisposable {
  readonly space: string;
  /** This process's copy of the bucket, for the other capabilities that keep something there. */
  readonly replica: Replica;
  readonly #desk: WriteDesk;
  readonly #listeners = new Set<() => void>();
  readonly #closing = new AbortController();
  /** What arrives before the store is open; folded in one go. */
  #early: ReplicaChange[] | undefined = [];
  #view: SpaceView = emptyView();

  constructor(bus: Bus, space: string, options: OpenVariablesOptions) {
    this.space = parseId('space', space);
    const { bucket } = spaceNames(space);
    const { at, signal } = subjects(space);
    this.replica = new Replica(bus, { bucket, prefix: at('variable'), digest: signal('digest', bucket) });
    const { clock = () => new Date(), applyTimeoutMs = 5_000 } = options;
    const closing = this.#closing.signal;
    const source: ViewSource = {
      view: () => this.#view,
      onView: (listener) => this.#onView(listener),
      closing,
    };
    this.#desk = { bus, replica: this.replica, source, clock, applyTimeoutMs };
  }

  /** Fills the view; `openVariables` does this. */
  async start(): Promise<void> {
    this.replica.onChange((change) => this.#accept(change));
    await this.replica.start();
    this.#view = foldChanges(this.#view, this.#early ?? []);
    this.#early = undefined;
  }

  /** The space as it is known here now; a view itself never changes. */
  get view(): SpaceView {
    return this.#view;
  }

  /** Revision of the bucket that the view equals. */
  get applied(): number {
    return this.#view.revision;
  }

  /** The graph in force; undefined: everybody may talk to everybody. */
  get graph(): GraphState | undefined {
    return this.#view.graph;
  }

  /** A variable's state; throws `unknown-variable`. */
  get(id: string): VariableState {
    return stateOf(this.#view, id);
  }

  /** All variables, by id. */
  list(): VariableState[] {
    return [...this.#view.variables.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** All definitions, by id. */
  get definitions(): VariableDefinition[] {
    return this.list().map(({ definition }) => definition);
  }

  /**
   * Creates a global variable: its definition and its first value in one change set. An identical one is there already:
   * `noop`. Throws `variable-exists` when another one is, invalid-author, and what parseVariableDefinition throws.
   */
  create(definition: VariableDefinition, options: WriteOptions): Promise<WriteOutcome> {
    return createVariable(this.#desk, definition, options);
  }

  /**
   * Writes a value: validated, then compare-and-set. Throws unknown-variable, out-of-domain, constraint-violation,
   * stale-revision (with `ifRevision`), variable-contended (three lost races), invalid-author.
   */
  update(id: string, value: unknown, options: UpdateOptions): Promise<WriteOutcome> {
    return updateVariable(this.#desk, id, value, options);
  }

  /**
   * Writes several values as one change set: all or nothing, and for every reader at once. It is committed only onto the
   * state of the space it was validated on (R9). Throws as `update` does, and duplicate-change.
   */
  apply(wishes: readonly WishedValue[], options: ApplyOptions): Promise<WriteOutcome> {
    return applyChanges(this.#desk, wishes, options);
  }

  /** The kept revisions of a variable, newest first, at most `limit` (64). Throws `unknown-variable`. */
  async history(id: string, options: { readonly limit?: number } = {}): Promise<HistoryRecord[]> {
    const { definition } = this.get(id);
    assertOpen(this.#desk.source);
    const kept = await readKeyHistory(this.#desk.bus, this.replica.bucket, valueKey(id));
    return historyOf(definition, kept).slice(0, options.limit ?? 64);
  }

  /**
   * Writes the value of an earlier revision (0: the initial one) as a new one, validated again. Throws unknown-variable,
   * unknown-revision, out-of-domain, stale-revision.
   */
  async rollBack(id: string, revision: number, options: UpdateOptions): Promise<WriteOutcome> {
    const records = revision === 0 ? [] : await this.history(id);
    const value = valueAt(this.get(id), records, revision);
    const cause = options.cause ?? `rolled back to revision ${revision}`;
    return this.update(id, value, { ...options, cause });
  }

  /** Calls the listener after every change, in order, until disposed. What it throws is thrown again as uncaught. */
  onChange(listener: (change: SpaceChange) => void): Disposable {
    let seen = this.#view;
    return this.#onView(() => {
      const change = changeBetween(seen, this.#view);
      seen = this.#view;
      if (change !== undefined) listener(change);
    });
  }

  /**
   * What changes from the start of the loop on, for ever, until the signal aborts or the store closes. A slow reader gets several
   * changes as one: from the state it last saw to the present one.
   */
  watch(options: WatchOptions = {}): AsyncIterable<SpaceChange> {
    return watchChanges(this.#desk.source, options);
  }

  /** Resolves when the view has reached a revision. Throws not-applied at the deadline (5 000 ms), cancelled, store-closed. */
  async waitForRevision(revision: number, options: WaitOptions = {}): Promise<void> {
    await requireRevision(this.#desk.source, revision, options);
  }

  /** Ends the watching; a second time is nothing. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#listeners.clear();
    await this.replica.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(change: ReplicaChange): void {
    if (this.#early !== undefined) {
      this.#early.push(change);
      return;
    }
    this.#view = foldChanges(this.#view, [change]);
    for (const listener of this.#listeners) callApart(listener);
  }

  #onView(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

/** A listener's failure must not keep the news from the others, nor be lost. */
function callApart(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
