/**
 * Coordinating a space: the directives of all its variables, without contradictions. Pure.
 *
 * J1 Variables come in the order of their priority, the larger first, then of their ids.
 * J2 Where variables want what cannot all be, the more important one has it (settle-claims.ts). The directives of the others are left
 *    out, and told with what overrode them; a second look leaves out the same.
 * J3 The same directive for two variables is one. A selection that would stop whom another one selects does not: an agent runs when any
 *    selects it.
 */
import type { MabeamError } from '@mabeam/bus';
import { sameJson, splitVariableId, type VariableState } from '@mabeam/variables';
import { compareIds, selectedIn } from '../instances/desired.ts';
import { coordinate } from '../strategies/coordinate.ts';
import type { CoordinationContext, CoordinationDirective } from '../strategies/coordination.ts';
import { isOfLife, settleAllocations, settleLives, type Overridden } from './settle-claims.ts';

/** A directive that does not hold, and what is in its place (J2). */
export interface DirectiveConflict extends Pick<Overridden, 'kind' | 'target' | 'reason'> {
  /** The variable that has what they both wanted. */
  readonly kept: { readonly variable: string };
  readonly dropped: CoordinationDirective;
}

/** What a space comes to. */
export interface CoordinationPlan {
  /** In the order of their priority, then of the agents. */
  readonly directives: readonly CoordinationDirective[];
  readonly conflicts: readonly DirectiveConflict[];
  /** Variables that could not be coordinated, and why. */
  readonly failures: readonly { readonly variable: string; readonly error: MabeamError }[];
}

/** The directives by which all values come to hold (J1–J3); none when they do. */
export function planCoordination(
  variables: readonly VariableState[],
  context: CoordinationContext,
): CoordinationPlan {
  const inOrder = variables.toSorted(
    (a, b) => (b.definition.priority ?? 0) - (a.definition.priority ?? 0) || compareIds(a.id, b.id),
  );
  const failures: { readonly variable: string; readonly error: MabeamError }[] = [];
  const conflicts: DirectiveConflict[] = [];
  const wanted: CoordinationDirective[] = [];
  // A variable of one agent alone is in nobody's way, and its id is no party's.
  const shared = inOrder.filter(({ id }) => splitVariableId(id).agent === undefined);
  const out = settleAllocations(shared, context);
  for (const variable of inOrder) {
    const coordination = coordinate(variable, variable.value, context);
    if (coordination.kind === 'failed') {
      failures.push({ variable: variable.id, error: coordination.error });
      continue;
    }
    for (const next of coordination.directives) {
      if (next.action === 'stop' && isSelectedElsewhere(next, variables)) continue;
      const lost = next.action === 'reconfigure' ? lossOf(next, out) : undefined;
      if (lost !== undefined) conflicts.push(conflictOf(next, lost));
      else if (!wanted.some((each) => isSame(each, next))) wanted.push(next);
    }
  }
  const priorities = new Map(inOrder.map(({ definition, id }) => [id, definition.priority ?? 0]));
  const living = settleLives(
    wanted.filter(({ variable }) => splitVariableId(variable).agent === undefined),
    (variable) => priorities.get(variable) ?? 0,
    context.timestamp,
  );
  const kept = wanted.filter((directive) => {
    const lost = isOfLife(directive) ? lossOf(directive, living) : undefined;
    if (lost !== undefined) conflicts.push(conflictOf(directive, lost));
    return lost === undefined;
  });
  const directives = kept.toSorted((a, b) => b.priority - a.priority || compareIds(a.agent, b.agent));
  return { directives, conflicts, failures };
}

function lossOf(
  { agent, variable }: CoordinationDirective,
  out: readonly Overridden[],
): Overridden | undefined {
  return out.find((each) => each.variable === variable && (each.agent ?? agent) === agent);
}

function conflictOf(
  dropped: CoordinationDirective,
  { by, kind, reason, target }: Overridden,
): DirectiveConflict {
  return { kind, target, kept: { variable: by }, dropped, reason };
}

function isSame(one: CoordinationDirective, other: CoordinationDirective): boolean {
  return (
    one.agent === other.agent && one.action === other.action && sameJson(one.parameters, other.parameters)
  );
}

/** J3. */
function isSelectedElsewhere(
  { agent, variable }: CoordinationDirective,
  variables: readonly VariableState[],
): boolean {
  return variables.some(
    ({ definition, id, value }) =>
      id !== variable && definition.kind === 'agent-selection' && selectedIn(value).includes(agent),
  );
}
