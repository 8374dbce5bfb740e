/**
 * Who decides about an agent that fails, and whom it takes along. Pure.
 *
 * P1 An agent's supervisor is the one it names, or the one a supervision edge of the space leads from. The supervisor's policy governs;
 *    without one of its own, or without a supervisor, the space's; without that, the default.
 * P2 A variable that says what the failure of its agents means (`onFailure`) goes before the policy's `recovery`; of several the one with
 *    the larger priority, a selection before others, then by id.
 * P3 Siblings are the agents of the same supervisor; those without one are siblings too.
 */
import { defaultSupervision, type AgentSpec, type SupervisionPolicy } from '@mabeam/agents';
import type { VariableState } from '@mabeam/variables';
import type { SpaceRecord } from '../definition/space-record.ts';
import { compareIds } from '../instances/desired.ts';

/** What is done about a failed agent. */
export type RecoveryWay = SupervisionPolicy['recovery'] | 'fail-fast';

/** How the failures of one agent are governed. */
export interface Governance {
  readonly supervisor: string | undefined;
  readonly policy: SupervisionPolicy;
  /** Is the policy written down, or the default? */
  readonly isWritten: boolean;
  readonly way: RecoveryWay;
  /** The variable that chose the way (P2). */
  readonly variable: string | undefined;
}

/** Supervisors by agent (P1). */
export function supervisorsOf(
  specs: readonly AgentSpec[],
  space: SpaceRecord | undefined,
): ReadonlyMap<string, string> {
  const edges = (space?.edges ?? []).filter(({ kind }) => kind === 'supervision');
  return new Map([
    ...edges.map(({ from, to }) => [to, from] as const),
    ...specs.flatMap(({ id, supervisor }) => (supervisor === undefined ? [] : [[id, supervisor] as const])),
  ]);
}

/** Who and what governs the failures of an agent (P1, P2). */
export function governanceOf(
  agent: string,
  {
    space,
    specs,
    supervisors,
    variables,
  }: {
    readonly specs: ReadonlyMap<string, AgentSpec>;
    readonly supervisors: ReadonlyMap<string, string>;
    readonly space: SpaceRecord | undefined;
    readonly variables: readonly VariableState[];
  },
): Governance {
  const supervisor = supervisors.get(agent);
  const written =
    (supervisor === undefined ? undefined : specs.get(supervisor)?.supervision) ?? space?.supervision;
  const policy = written ?? defaultSupervision();
  const chosen = choiceFor(agent, variables);
  const answer = chosen?.definition.onFailure;
  return {
    supervisor,
    policy,
    isWritten: written !== undefined,
    way: answer === undefined ? policy.recovery : answer === 'graceful-degradation' ? 'degrade' : answer,
    variable: chosen?.id,
  };
}

/** Whom the strategy starts again beside the failed agent, in the order of `order` (P3). */
export function siblingsToRenew(
  agent: string,
  strategy: SupervisionPolicy['strategy'],
  supervisors: ReadonlyMap<string, string>,
  order: readonly string[],
): readonly string[] {
  if (strategy === 'one-for-one') return [];
  // The start order is that of the space's definitions: the same for every leader.
  const place = order.indexOf(agent);
  return order.filter(
    (other, index) =>
      other !== agent &&
      supervisors.get(other) === supervisors.get(agent) &&
      (strategy === 'one-for-all' || index > place),
  );
}

function choiceFor(agent: string, variables: readonly VariableState[]): VariableState | undefined {
  const rank = ({ definition }: VariableState): number => (definition.kind === 'agent-selection' ? 0 : 1);
  return variables
    .filter(({ definition }) => definition.onFailure !== undefined && definition.agents.includes(agent))
    .toSorted(
      (a, b) =>
        (b.definition.priority ?? 0) - (a.definition.priority ?? 0) ||
        rank(a) - rank(b) ||
        compareIds(a.id, b.id),
    )[0];
}
