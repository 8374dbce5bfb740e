/**
 * Coordinating a space: the directives of all its variables, without contradictions. Pure.
 *
 * J1 Variables come in the order of their priority, the larger first, then of their ids.
 * J2 Of directives that contradict each other – start and stop of one agent, one parameter with two values – the one of the larger
 *    priority holds, among equals that of the variable that comes first. The others are told, with who overrode them.
 * J3 The same directive for two variables is one. A selection that would stop whom another one selects does not: an agent runs when any
 *    selects it.
 */
import type { MabeamError } from '@mabeam/bus';
import { sameJson, type VariableState } from '@mabeam/variables';
import { compareIds, selectedIn } from '../instances/desired.ts';
import { coordinate } from '../strategies/coordinate.ts';
import type { CoordinationContext, CoordinationDirective } from '../strategies/coordination.ts';

/** A directive that does not hold, and the one in its place (J2). */
export interface DirectiveConflict {
  readonly kept: CoordinationDirective;
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
  let kept: readonly CoordinationDirective[] = [];
  for (const variable of inOrder) {
    const coordination = coordinate(variable, variable.value, context);
    if (coordination.kind === 'failed') {
      failures.push({ variable: variable.id, error: coordination.error });
      continue;
    }
    for (const next of coordination.directives) {
      if (next.action === 'stop' && isSelectedElsewhere(next, variables)) continue;
      const rival = kept.find((each) => contradicts(each, next));
      if (rival === undefined) {
        if (!kept.some((each) => isSame(each, next))) kept = [...kept, next];
        continue;
      }
      const [winner, loser] = next.priority > rival.priority ? [next, rival] : [rival, next];
      conflicts.push({ kept: winner, dropped: loser });
      kept = kept.map((each) => (each === rival ? winner : each));
    }
  }
  const directives = kept.toSorted((a, b) => b.priority - a.priority || compareIds(a.agent, b.agent));
  return { directives, conflicts, failures };
}

function isSame(one: CoordinationDirective, other: CoordinationDirective): boolean {
  return (
    one.agent === other.agent && one.action === other.action && sameJson(one.parameters, other.parameters)
  );
}

const opposites: readonly (readonly [string, string])[] = [
  ['start', 'stop'],
  ['scale-up', 'scale-down'],
  ['stop', 'migrate'],
];

/** J2. */
function contradicts(one: CoordinationDirective, other: CoordinationDirective): boolean {
  if (one.agent !== other.agent) return false;
  if (one.action !== other.action)
    return opposites.some((pair) => pair.includes(one.action) && pair.includes(other.action));
  return Object.entries(one.parameters).some(
    ([name, value]) => Object.hasOwn(other.parameters, name) && !sameJson(value, other.parameters[name]),
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
