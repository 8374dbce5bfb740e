/** The rule of roles that a change of definitions keeps: the last coordinator does not leave its role. Pure. */
import { roleProblem, type AgentSpec } from '@mabeam/agents';
import { orchestratorError } from '../errors.ts';

/**
 * Judges the roles that agents get against those they have; `before` are the bodies of their definitions by key. What is no definition is
 * nobody's role. Who is not defined any more has left the space, not its role. Throws `last-coordinator`.
 */
export function assertRoles(before: ReadonlyMap<string, unknown>, agents: readonly AgentSpec[]): void {
  for (const { id, role } of agents) {
    if (role === 'coordinator' || !isCoordinator(before.get(`definition.agent.${id}`))) continue;
    const others = agents.filter((each) => each.id !== id);
    const problem = roleProblem(id, role, [...others, { id, role: 'coordinator' }]);
    if (problem === undefined) continue;
    throw orchestratorError('last-coordinator', `${id} is to be ${role}, but ${problem}`, {
      details: { agent: id, role },
    });
  }
}

function isCoordinator(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'role' in body && body.role === 'coordinator';
}
