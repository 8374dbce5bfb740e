/**
 * The status of an instance, as a machine: which status may follow which. Pure; the member asks it before it moves.
 *
 *   inactive → starting → active → stopping → inactive      active → migrating → active
 *   every one → failed → starting
 */
import { agentError } from './errors.ts';

/** Every status an instance may have. */
export const agentStatuses = ['inactive', 'starting', 'active', 'stopping', 'migrating', 'failed'] as const;

/** A status of an instance. */
export type AgentStatus = (typeof agentStatuses)[number];

const successors: Readonly<Record<AgentStatus, readonly AgentStatus[]>> = {
  inactive: ['starting', 'failed'],
  starting: ['active', 'failed'],
  active: ['stopping', 'migrating', 'failed'],
  stopping: ['inactive', 'failed'],
  migrating: ['active', 'failed'],
  failed: ['starting'],
};

/** May an instance go from one status to the other? To stay is no transition. */
export function mayFollow(from: AgentStatus, to: AgentStatus): boolean {
  return successors[from].includes(to);
}

/** The status after the transition; throws `illegal-transition` when the machine has no such one. */
export function followStatus(from: AgentStatus, to: AgentStatus): AgentStatus {
  if (mayFollow(from, to)) return to;
  throw agentError(
    'illegal-transition',
    `an instance that is ${from} cannot become ${to}; it can become ${successors[from].join(' or ')}`,
    { details: { from, to } },
  );
}
