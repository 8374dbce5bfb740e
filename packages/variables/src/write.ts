/** Writing values: from wishes to revisions of the bucket, by compare-and-set on the view they were validated on (desk.ts: W1–W3). */
import type { MabeamError } from '@mabeam/bus';
import { planChanges, withoutEqual } from './change-set.ts';
import type { ChangePlan, WishedValue } from './change-set.ts';
import { commit, declarationFence, fence, nothingWritten, reach, retrying } from './desk.ts';
import type { WriteDesk, WriteOptions, WriteOutcome } from './desk.ts';
import { variableError } from './errors.ts';
import { splitVariableId } from './keys.ts';
import { keyRevisions } from './view.ts';

/** Options of {@link VariableStore.update} and rollBack. */
export interface UpdateOptions extends WriteOptions {
  /** Revision the value must have; any when absent. */
  readonly ifRevision?: number | undefined;
  /** Write nothing when the value is the same already. Without it an equal value is a new revision: somebody affirmed it. */
  readonly ifChanged?: boolean | undefined;
}

/** Options of {@link VariableStore.apply} and plan. */
export interface ApplyOptions extends WriteOptions {
  /**
   * Revision of the space the values were decided on: committed only if nothing whatever was written since, else
   * `stale-revision`. Absent: the store's own view, and a lost race is planned again.
   */
  readonly basedOn?: number | undefined;
  /** Leave out what is the same already, and write nothing when all is. */
  readonly ifChanged?: boolean | undefined;
}

/**
 * Writes one value, expecting the revision its key has in the view it was validated on. A local variable expects its agent's
 * definition to be that view's too: with a new one the keys of its variables do not move, as those of global ones do (declare.ts: D1).
 */
export async function updateVariable(
  desk: WriteDesk,
  id: string,
  value: unknown,
  options: UpdateOptions,
): Promise<WriteOutcome> {
  const { ifRevision } = options;
  if (ifRevision !== undefined) await reach(desk, ifRevision);
  return retrying(desk, `update ${id}`, async () => {
    const plan = planOn(desk, [{ id, value, ifRevision }], options);
    if (plan.writes.length === 0) return nothingWritten(desk);
    const isLocal = splitVariableId(id).agent !== undefined;
    const writes =
      isLocal && !plan.isBound ? [declarationFence(desk, id, options), ...plan.writes] : plan.writes;
    return { kind: 'written', revision: await commit(desk, writes), changes: plan.changes };
  });
}

/** Writes a change set, expecting the whole space to be as it was in the view it was validated on. */
export async function applyChanges(
  desk: WriteDesk,
  wishes: readonly WishedValue[],
  options: ApplyOptions,
): Promise<WriteOutcome> {
  if (options.basedOn !== undefined) await reach(desk, options.basedOn);
  return retrying(desk, 'apply', async () => {
    const plan = planOn(desk, wishes, options);
    if (plan.writes.length === 0) return nothingWritten(desk);
    const view = desk.source.view();
    // The fence carries the expectation of the whole space, so that each key keeps its own.
    const own = plan.writes.map(({ key, body }, i) => {
      const id = plan.changes[i]?.id;
      return { key, body, ...(id === undefined ? {} : { expect: keyRevisions(view, id).value }) };
    });
    const revision = await commit(desk, [fence(desk, plan.basedOn, options), ...own]);
    return { kind: 'written', revision, changes: plan.changes };
  });
}

/** What would be written now; nothing is. */
export function planOn(desk: WriteDesk, wishes: readonly WishedValue[], options: ApplyOptions): ChangePlan {
  const { basedOn, by, cause = 'updated' } = options;
  const view = desk.source.view();
  if (basedOn !== undefined && basedOn !== view.revision) throw staleBase(basedOn, view.revision);
  const plan = planChanges(view, wishes, { by, cause, at: desk.clock() });
  return options.ifChanged === true ? withoutEqual(plan) : plan;
}

function staleBase(expected: number, current: number): MabeamError {
  const message = `the space is at revision ${current}, not ${expected}; look at what changed and decide anew`;
  return variableError('stale-revision', message, { details: { expected, current } });
}
