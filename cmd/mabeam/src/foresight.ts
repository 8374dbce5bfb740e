/** What a command would cause: the orchestrator's own decisions, asked about writes that nobody makes. */
import type { BatchWrite } from '@mabeam/bus';
import { foresee, spaceRecordOf, type Foresight, type SpaceMirror } from '@mabeam/orchestrator';

/** What these writes would cause in the space as it is now. */
export function foreseeWrites(mirror: SpaceMirror, writes: readonly BatchWrite[]): Foresight {
  const { leases, nodes, observed, state } = mirror;
  const { agents, scales, view } = state;
  const pool = spaceRecordOf(state)?.pool;
  const space = { view, agents: [...agents.values()], leases, nodes, observed, scales, pool };
  return foresee(space, writes, Date.now());
}
