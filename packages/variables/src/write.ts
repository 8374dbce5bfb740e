/**
 * Writing: from wishes to revisions of the bucket, by compare-and-set on the view they were validated on.
 *
 * W1  Of two writers on one view one wins; the loser is planned again on the newer view, at most three times, or is told.
 * W2  Nothing is half-written: one key by one expectation, several by one atomic batch.
 * W3  When a write resolves, this process's view has it, unless the server takes longer than `applyTimeoutMs` to send it.
 */
import { MabeamError, commitBatch, putKey, type BatchWrite, type Bus, type Replica } from '@mabeam/bus';
import { assertAuthor, entryFor, planChanges, withoutEqual } from './change-set.ts';
import type { ChangePlan, PlannedChange, WishedValue } from './change-set.ts';
import { parseVariableDefinition } from './definition.ts';
import { variableError } from './errors.ts';
import { sameJson } from './json.ts';
import { definitionKey, fenceKey, valueKey } from './keys.ts';
import type { VariableDefinition } from './variable.ts';
import { keyRevisions, type VariableState } from './view.ts';
import { assertOpen, awaitView, type ViewSource } from './watch.ts';

/** What a writer needs: where to write, the view it writes on, the time. */
export interface WriteDesk {
  readonly bus: Bus;
  readonly replica: Replica;
  readonly source: ViewSource;
  readonly clock: () => Date;
  readonly applyTimeoutMs: number;
}

/** Who writes, and why. */
export interface WriteOptions {
  /** Who: an agent, a person, a process; 1 to 128 characters. */
  readonly by: string;
  /** Why; the kind of write when absent. */
  readonly cause?: string | undefined;
}

/** Options of {@link VariableStore.update} and rollBack. */
export interface UpdateOptions extends WriteOptions {
  /** Revision the value must have; any when absent. */
  readonly ifRevision?: number | undefined;
  /** Write nothing when the value is the same already. Without it an equal value is a new revision: somebody affirmed it. */
  readonly ifChanged?: boolean | undefined;
}

/** Options of {@link VariableStore.apply}. */
export interface ApplyOptions extends WriteOptions {
  /**
   * Revision of the space the values were decided on: committed only if nothing whatever was written since, else
   * `stale-revision`. Absent: the store's own view, and a lost race is planned again.
   */
  readonly basedOn?: number | undefined;
  /** Leave out what is the same already, and write nothing when all is. */
  readonly ifChanged?: boolean | undefined;
}

/** What a write came to. `noop`: nothing was written, for all of it was so already. */
export interface WriteOutcome {
  readonly kind: 'written' | 'noop';
  /** Revision of the change set; of the present view when nothing was written. */
  readonly revision: number;
  readonly changes: readonly PlannedChange[];
}

const maxAttempts = 3;

/** Creates a variable: definition and first value in one change set; `noop` when an identical one is there. */
export async function createVariable(
  desk: WriteDesk,
  definition: VariableDefinition,
  options: WriteOptions,
): Promise<WriteOutcome> {
  const sound = parseVariableDefinition(definition);
  const { by, cause = 'created' } = options;
  assertAuthor(by);
  return retrying(desk, `create ${sound.id}`, async () => {
    const view = desk.source.view();
    const present = view.variables.get(sound.id);
    if (present !== undefined) return alreadyThere(desk, present, sound);
    const revisions = keyRevisions(view, sound.id);
    const body = entryFor(sound.initial, 0, { by, cause, at: desk.clock() });
    const revision = await commit(desk, [
      { key: definitionKey(sound.id), body: sound, expect: revisions.definition },
      { key: valueKey(sound.id), body, expect: revisions.value },
    ]);
    const change = { id: sound.id, from: null, to: sound.initial, isDifferent: true };
    return { kind: 'written', revision, changes: [change] };
  });
}

/** Writes one value, expecting the revision its key has in the view it was validated on. */
export async function updateVariable(
  desk: WriteDesk,
  id: string,
  value: unknown,
  options: UpdateOptions,
): Promise<WriteOutcome> {
  const { ifRevision } = options;
  await reach(desk, ifRevision);
  return retrying(desk, `update ${id}`, async () => {
    const plan = planOn(desk, [{ id, value, ifRevision }], options);
    if (plan.writes.length === 0) return nothingWritten(desk);
    return { kind: 'written', revision: await commit(desk, plan.writes), changes: plan.changes };
  });
}

/** Writes a change set, expecting the whole space to be as it was in the view it was validated on. */
export async function applyChanges(
  desk: WriteDesk,
  wishes: readonly WishedValue[],
  options: ApplyOptions,
): Promise<WriteOutcome> {
  const { basedOn } = options;
  await reach(desk, basedOn);
  return retrying(desk, 'apply', async () => {
    const applied = desk.source.view().revision;
    if (basedOn !== undefined && basedOn !== applied) throw staleBase(basedOn, applied);
    const plan = planOn(desk, wishes, options);
    if (plan.writes.length === 0) return nothingWritten(desk);
    const revision = await commit(desk, [fence(desk, plan.basedOn, options.by), ...plan.writes]);
    return { kind: 'written', revision, changes: plan.changes };
  });
}

/** One attempt at a time: what lost a race is planned again on the view that won. */
async function retrying(
  desk: WriteDesk,
  what: string,
  attempt: () => Promise<WriteOutcome>,
): Promise<WriteOutcome> {
  let lost: unknown;
  for (let n = 0; n < maxAttempts; n++) {
    assertOpen(desk.source);
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof MabeamError) || error.code !== 'conflict') throw error;
      lost = error;
      await catchUp(desk);
    }
  }
  const message = `${what}: others wrote first ${maxAttempts} times in a row; try again`;
  throw variableError('variable-contended', message, { cause: lost });
}

function planOn(desk: WriteDesk, wishes: readonly WishedValue[], options: ApplyOptions): ChangePlan {
  const { by, cause = 'updated' } = options;
  const plan = planChanges(desk.source.view(), wishes, { by, cause, at: desk.clock() });
  return options.ifChanged === true ? withoutEqual(plan) : plan;
}

/** A single write may be retried over a lost connection (the bus's message id); a batch is looked up again by the bus. */
async function commit(desk: WriteDesk, writes: readonly BatchWrite[]): Promise<number> {
  const { bus, replica } = desk;
  const [only] = writes;
  const revision =
    writes.length === 1 && only?.expect !== undefined
      ? await putKey(bus, replica.bucket, only.key, only.body, { expectLastSequence: only.expect })
      : (await commitBatch(bus, replica.bucket, writes)).revision;
  await reach(desk, revision);
  return revision;
}

/** The record by which a change set expects the whole space to be at a revision (R9). */
function fence(desk: WriteDesk, revision: number, by: string): BatchWrite {
  const body = { v: 1, by, at: desk.clock().toISOString(), basedOn: revision };
  return { key: fenceKey, body, expect: revision, expectKey: '>' };
}

/** Gives the view time to reach a revision (W3); who needs certainty uses waitForRevision. */
async function reach(desk: WriteDesk, revision = 0): Promise<void> {
  await awaitView(desk.source, (view) => view.revision >= revision, { timeoutMs: desk.applyTimeoutMs });
}

/** Reads what the winner of a race wrote, for as long as a write may wait. */
async function catchUp(desk: WriteDesk): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, desk.applyTimeoutMs);
  try {
    await Promise.race([desk.replica.refresh(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function alreadyThere(desk: WriteDesk, present: VariableState, wished: VariableDefinition): WriteOutcome {
  if (sameJson(present.definition, wished)) return nothingWritten(desk);
  const { id, definitionRevision } = present;
  const message = `${id} exists with another definition (revision ${definitionRevision}); choose another id`;
  throw variableError('variable-exists', message, { details: { id, definitionRevision } });
}

function nothingWritten(desk: WriteDesk): WriteOutcome {
  return { kind: 'noop', revision: desk.source.view().revision, changes: [] };
}

function staleBase(expected: number, current: number): MabeamError {
  const message = `the space is at revision ${current}, not ${expected}; look at what changed and decide anew`;
  return variableError('stale-revision', message, { details: { expected, current } });
}
