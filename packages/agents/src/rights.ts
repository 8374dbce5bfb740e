/**
 * Who may direct whom, by role (docs/glossary.md). Pure. The orchestrator may direct everybody, a coordinator those it has an
 * edge to; nobody else directs.
 */
import type { GraphState } from '@mabeam/variables';
import type { AgentSpec } from './agent-spec.ts';
import { isAdmitted } from './wiring.ts';

/** The sender that stands for the space's orchestrator; no agent can be called so. */
export const orchestratorName = 'orchestrator';

/** Why a sender may not direct an agent; undefined when it may. An agent the space does not define has no such role. */
export function directionProblem(sender: {
  readonly from: string;
  readonly to: string;
  readonly role: AgentSpec['role'] | undefined;
  readonly graph: GraphState | undefined;
}): string | undefined {
  const { from, to, role, graph } = sender;
  if (from === orchestratorName) return undefined;
  if (role !== 'coordinator') {
    return `${from} is ${role === undefined ? 'not defined in this space' : `of the role ${role}`}; only the orchestrator and coordinators direct agents`;
  }
  if (from !== to && isAdmitted(graph, from, to)) return undefined;
  return `${to} is no subordinate of ${from}: the graph has no edge between them`;
}
