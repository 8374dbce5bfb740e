/**
 * Repair (rulings R2): whatever a client without our library puts into the bucket, no agent applies what its definition
 * forbids; the leader then writes the last valid value again, so that the bucket says what is in force.
 */
import { freezeKey, planChanges } from '@mabeam/variables';
import type { Term } from './term.ts';

/** Who the leader's own writes are by. */
export const orchestratorAuthor = 'orchestrator';

/** Commits the value in force over every value that was refused. True when there was something to repair. */
export async function repairValues(term: Term): Promise<boolean> {
  const { leadership, log, mirror } = term;
  const { view } = mirror.state;
  const broken = [...view.rejected.values()].flatMap(({ id, ...rejection }) => {
    const state = id === undefined ? undefined : view.variables.get(id);
    return state === undefined ? [] : [{ state, rejection }];
  });
  if (broken.length === 0) return false;
  const plan = planChanges(
    view,
    broken.map(({ state }) => ({ id: state.id, value: state.value })),
    { by: orchestratorAuthor, cause: 'repair', at: new Date() },
  );
  const freezeRevision = mirror.revisionOf(freezeKey);
  const outcome = await leadership.commit(plan.writes, { freezeRevision });
  if (outcome.kind !== 'committed') return true;
  for (const { state, rejection } of broken) {
    const about = { variable: state.id, refused: rejection.revision, code: rejection.code };
    log.warn(
      about,
      `repaired ${state.id}: revision ${rejection.revision} is not valid (${rejection.message})`,
    );
  }
  await mirror.reach(outcome.revision);
  return true;
}
