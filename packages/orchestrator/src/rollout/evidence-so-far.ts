/** What the evaluation of a rollout has found so far, for whoever wants to see it: the leader's own judgement, without its commit. */
import type { Bus } from '@mabeam/bus';
import type { SpaceMirror } from '../state/space-mirror.ts';
import type { StoredAdaptation } from '../state/space-state.ts';
import type { Evidence } from './evidence.ts';
import { isEvaluating } from './plan-rollout.ts';
import { judgeNow } from './run-rollouts.ts';
import { openScoreLog } from './score-log.ts';

/** The evidence of a decided rollout, or that of one under way as it is now; undefined: nothing is judged here. Throws what the bus throws. */
export async function evidenceSoFar(
  bus: Bus,
  { mirror, space }: { readonly mirror: SpaceMirror; readonly space: string },
  stored: StoredAdaptation,
): Promise<Evidence | undefined> {
  const { record } = stored;
  if (!isEvaluating(record)) return record.rollout?.decision?.evidence;
  const scores = openScoreLog(bus, space, record.rollout);
  return (await judgeNow({ mirror }, stored, { record, scores })).verdict.evidence;
}
