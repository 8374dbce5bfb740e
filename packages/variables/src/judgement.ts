/**
 * Judging a change of a whole space: what a change of definitions and values together would break that was whole before. Pure.
 *
 * J1  Every variable whose definition or value changes is judged by all of its rules: domain, constraints, predicates, bonds. A rule
 *     that this process cannot judge is a problem too (`handler-not-registered`).
 * J2  Of what stays as it is only that counts which was whole before: a change is not refused for what others have done.
 */
import { bondProblem, brokenBonds, type BrokenBond, type Prospect } from './bond.ts';
import { sameJson } from './json.ts';
import { brokenPredicate, unknownPredicate } from './predicate.ts';
import type { SpaceView, VariableState } from './view.ts';

/** What a change would break, each with the variable whose rule it is (J1, J2); empty when it may be made. */
export function brokenByChange(before: SpaceView, after: SpaceView): readonly BrokenBond[] {
  const changed = [...after.variables.values()].filter((state) =>
    differs(state, before.variables.get(state.id)),
  );
  const prospects = new Map<string, Prospect>(changed.map((state) => [state.id, state]));
  const own = changed.flatMap(({ id, definition, value }) => {
    const problem =
      unknownPredicate(definition, after.predicates) ?? brokenPredicate(definition, value, after.predicates);
    return problem === undefined ? [] : [{ id, ...problem }];
  });
  const bond = bondProblem(after, prospects);
  const former = brokenBonds(before);
  const fresh = brokenBonds(after).filter(
    (broken) => !former.some((known) => known.id === broken.id && known.field === broken.field),
  );
  return distinct([...own, ...(bond === undefined ? [] : [bond]), ...fresh]);
}

function differs(state: VariableState, former: VariableState | undefined): boolean {
  return !sameJson(state.definition, former?.definition) || !sameJson(state.value, former?.value);
}

function distinct(problems: readonly BrokenBond[]): readonly BrokenBond[] {
  return problems.filter(
    (problem, index) =>
      problems.findIndex((other) => other.id === problem.id && other.field === problem.field) === index,
  );
}
