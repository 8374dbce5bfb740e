/** What a command would cause: the orchestrator's own decisions, asked about writes that nobody makes. */
import type { BatchWrite } from '@mabeam/bus';
import { foresee, type Foresight, type SpaceMirror } from '@mabeam/orchestrator';

/** What these writes would cause in the space as it is now. */
export function foreseeWrites(mirror: SpaceMirror, writes: readonly BatchWrite[]): Foresight {
  const { leases, nodes, observed, state } = mirror;
  const space = { view: state.view, agents: [...state.agents.values()], leases, nodes, observed };
  return foresee(space, writes, Date.now());
}
