/**
 * The variable store: a space's variables in this process, read from its copy of the bucket and written by compare-and-set.
 *
 * S1  `view` is the bucket as of `view.revision`; a change set shows as a whole (the replica's P1 and P2, the fold's F1).
 * S2  Views only move forward; whoever is told of a change finds it in `view`.
 * S5  What has arrived is in the next `view` that anybody looks at: it is folded then, or at once while somebody listens. So a
 *     process whose agents are not called spends nothing on a revision but taking it.
 * S3  Writes keep W1 to W3 of desk.ts.
 * S4  A store that can no longer be true is closed and says so; it does not show an old view in silence.
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
import { stateOf, type ChangePlan, type WishedValue } from './change-set.ts';
import { createVariable, redefineVariable, removeVariable } from './declare.ts';
import { oneAtATime, type WriteDesk, type WriteOptions, type WriteOutcome } from './desk.ts';
import { changeBetween, type SpaceChange } from './difference.ts';
import { foldChanges } from './fold.ts';
import { freezeSpace, unfreezeSpace, type FreezeOptions } from './freezing.ts';
import { historyOf, joinHistory, valueAt, type HistoryRecord } from './history.ts';
import { nothingRecorded, readHistory } from './history-stream.ts';
import { valueKey } from './keys.ts';
import { predicatesOf, type ConstraintHandler } from './predicate.ts';
import type { VariableDefinition } from './variable.ts';
import { emptyView, removedAt, type GraphState, type SpaceView, type VariableState } from './view.ts';
import { assertOpen, requireRevision, watchChanges, type ViewSource } from './watch.ts';
import type { WaitOptions, WatchOptions } from './watch.ts';
import { applyChanges, planOn, updateVariable, type ApplyOptions, type UpdateOptions } from './write.ts';

/** Options of {@link openVariables}. */
export interface OpenVariablesOptions {
  /** The time written into entries; the system's when absent. */
  readonly clock?: () => Date;
  /** How long a write waits for its own revision to arrive here. Default 5 000. */
  readonly applyTimeoutMs?: number;
  /** The predicates this process judges by, for the definitions that name them (`defineConstraint`). */
  readonly constraints?: readonly ConstraintHandler[];
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
  readonly #listeners = new Set<(step: Step) => void>();
  readonly #closing = new AbortController();
  /** What has arrived and is not in the view yet (S5). */
  #arrived: ReplicaChange[] = [];
  #isOpen = false;
  #view: SpaceView;

  constructor(bus: Bus, space: string, options: OpenVariablesOptions) {
    this.space = parseId('space', space);
    const { bucket } = spaceNames(space);
    const { at, signal } = subjects(space);
    this.replica = new Replica(bus, { bucket, prefix: at('variable'), digest: signal('digest', bucket) });
    const { clock = () => new Date(), applyTimeoutMs = 5_000, constraints = [] } = options;
    this.#view = emptyView(predicatesOf(constraints));
    const closing = AbortSignal.any([this.#closing.signal, this.replica.failed]);
    const source: ViewSource = {
      view: () => this.view,
      onView: (listener) => this.#onView(listener),
      closing,
    };
    this.#desk = { bus, replica: this.replica, source, inTurn: oneAtATime(), clock, applyTimeoutMs };
  }

  /** Fills the view; `openVariables` does this. */
  async start(): Promise<void> {
    this.replica.onChange((change) => this.#accept(change));
    await this.replica.start();
    this.#isOpen = true;
    this.#fold();
  }

  /** The space as it is known here now; a view itself never changes. */
  get view(): SpaceView {
    return this.#isOpen ? this.#fold() : this.#view;
  }

  /**
   * Aborts when the view cannot be kept true any more, for the bucket is gone or was replaced; its reason is the error. The store is
   * closed then, and what waits ends with `store-closed`: open another.
   */
  get failed(): AbortSignal {
    return this.replica.failed;
  }

  /** Revision of the bucket that the view equals; to ask for it makes no view. */
  get applied(): number {
    return this.#isOpen ? (this.#arrived.at(-1)?.revision ?? this.#view.revision) : 0;
  }

  /** The graph in force; undefined: everybody may talk to everybody. */
  get graph(): GraphState | undefined {
    return this.view.graph;
  }

  /** A variable's state; throws `unknown-variable`. */
  get(id: string): VariableState {
    return stateOf(this.view, id);
  }

  /** All variables, by id. */
  list(): VariableState[] {
    return [...this.view.variables.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** All definitions, by id. */
  get definitions(): VariableDefinition[] {
    return this.list().map(({ definition }) => definition);
  }

  /**
   * Creates a global variable: its definition and its first value in one change set. An identical one is there already:
   * `noop`. Throws `variable-exists` when another one is, handler-not-registered, unknown-variable (bound to one that is not
   * there), constraint-violation, invalid-author, and what parseVariableDefinition throws.
   */
  create(definition: VariableDefinition, options: WriteOptions): Promise<WriteOutcome> {
    return createVariable(this.#desk, definition, options);
  }

  /**
   * Gives a global variable another definition and keeps its value, affirmed in the same change set. `noop` when it has this
   * definition. Throws unknown-variable, out-of-domain and constraint-violation (the present value does not fit), and as
   * `create` does.
   */
  redefine(definition: VariableDefinition, options: WriteOptions): Promise<WriteOutcome> {
    return redefineVariable(this.#desk, definition, options);
  }

  /**
   * Removes a global variable, definition and value in one change set. Its id is free again: what is created under it later
   * shares nothing with it. Throws unknown-variable, declared-by-agent, constraint-violation (another one is bound to it),
   * invalid-author, variable-contended.
   */
  remove(id: string, options: WriteOptions): Promise<WriteOutcome> {
    return removeVariable(this.#desk, id, options);
  }

  /**
   * Writes a value: validated, then compare-and-set. Throws unknown-variable, out-of-domain, constraint-violation,
   * handler-not-registered, stale-revision (with `ifRevision`), variable-contended (three lost races), invalid-author.
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

  /** What `apply` would write now, validated in the same way; writes nothing. `viewAfter` shows the space as it would be. */
  plan(wishes: readonly WishedValue[], options: ApplyOptions): ChangePlan {
    return planOn(this.#desk, wishes, options);
  }

  /** Stops all automation in the space until `unfreeze`; `noop` when it stands still already. Throws `invalid-author`. */
  freeze(options: FreezeOptions): Promise<WriteOutcome> {
    return freezeSpace(this.#desk, options);
  }

  /** Lets automation go on; `noop` when it does. Throws `invalid-author`. */
  unfreeze(options: WriteOptions): Promise<WriteOutcome> {
    return unfreezeSpace(this.#desk, options);
  }

  /**
   * The revisions of a variable since it was created, newest first, at most `limit` (64): those that the bucket keeps, older ones
   * from the history of the space, and where some may be missing. Throws `unknown-variable`.
   */
  async history(id: string, options: { readonly limit?: number } = {}): Promise<HistoryRecord[]> {
    const { definition } = this.get(id);
    assertOpen(this.#desk.source);
    const { limit = 64 } = options;
    const [bus, key] = [this.#desk.bus, valueKey(id)];
    const born = removedAt(this.view, id);
    const kept = await readKeyHistory(bus, this.replica.bucket, key);
    const isEnough = kept.filter(({ revision }) => revision > born).length >= limit;
    const recorded = isEnough ? nothingRecorded : await readHistory(bus, this.space, key);
    return historyOf(definition, joinHistory(key, kept, recorded, born)).slice(0, limit);
  }

  /**
   * Writes the value of an earlier revision (0: the initial one) as a new one, validated again. Throws unknown-variable,
   * unknown-revision, history-gap, out-of-domain, stale-revision.
   */
  async rollBack(id: string, revision: number, options: UpdateOptions): Promise<WriteOutcome> {
    const records = revision === 0 ? [] : await this.history(id, { limit: Number.POSITIVE_INFINITY });
    const value = valueAt(this.get(id), records, revision);
    const cause = options.cause ?? `rolled back to revision ${revision}`;
    return this.update(id, value, { ...options, cause });
  }

  /** Calls the listener after every change, in order, until disposed. What it throws is thrown again as uncaught. */
  onChange(listener: (change: SpaceChange) => void): Disposable {
    const since = this.applied;
    return this.#onView((step) => {
      // One that was added by a listener of this very step has seen it already.
      const change = step.revision > since ? step.change() : undefined;
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

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(change: ReplicaChange): void {
    this.#arrived.push(change);
    if (!this.#isOpen || (this.#listeners.size === 0 && this.#arrived.length < mostArrived)) return;
    const before = this.#view;
    const step = stepBetween(before, this.#fold());
    for (const listener of this.#listeners) callApart(() => listener(step));
  }

  #fold(): SpaceView {
    if (this.#arrived.length === 0) return this.#view;
    this.#view = foldChanges(this.#view, this.#arrived);
    this.#arrived = [];
    return this.#view;
  }

  #onView(listener: (step: Step) => void): Disposable {
    // What came before is no news to the listener.
    if (this.#isOpen) this.#fold();
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

/** So many revisions may wait for somebody to look. */
const mostArrived = 64;

/** The view has moved by one change; what that is, is found out once, when the first listener asks. */
interface Step {
  readonly revision: number;
  readonly change: () => SpaceChange | undefined;
}

function stepBetween(before: SpaceView, after: SpaceView): Step {
  let found: { readonly change: SpaceChange | undefined } | undefined;
  return {
    revision: after.revision,
    change: () => {
      found ??= { change: changeBetween(before, after) };
      return found.change;
    },
  };
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
