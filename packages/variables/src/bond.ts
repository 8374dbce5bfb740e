/**
 * Bonds: rules between a value and the rest of its space – `compatible` with another variable's value, `roleCoverage` by the
 * agents' definitions. Pure.
 *
 * B1  Who writes judges them, against the view written on, and commits with the expectation that nothing at all has been written
 *     since (R9): no two writers can break together what each of them kept.
 * B2  Readers do not judge them. Which of two values that do not fit together ought to give way depends on the order in which they
 *     came, and a late reader does not have all of it; so all readers apply both, and `brokenBonds` tells of it.
 * B3  A bond to a variable that does not exist is kept.
 */
import type { Json } from './json.ts';
import { notRegistered, whyNot, type Predicates } from './predicate.ts';
import { listNames, type Problem } from './problem.ts';
import type { VariableDefinition } from './variable.ts';
import { roleOf, type SpaceView } from './view.ts';

/** A variable as a write would make it. */
export interface Prospect {
  readonly definition: VariableDefinition;
  readonly value: Json;
}

/** A bond that does not hold, and whose it is. */
export interface BrokenBond extends Problem {
  readonly id: string;
}

/** Does what is written of these variables depend on other keys of the space, or the other way round (B1)? */
export function areBound(
  view: SpaceView,
  ids: ReadonlySet<string>,
  declared: Iterable<VariableDefinition> = [],
): boolean {
  return [...bondedIn(view), ...declared].some(
    ({ id, constraints: { compatible = {}, roleCoverage } }) =>
      (ids.has(id) && (roleCoverage !== undefined || Object.keys(compatible).length > 0)) ||
      Object.keys(compatible).some((other) => ids.has(other)),
  );
}

/** The variables whose definitions name this one under `compatible`. */
export function boundTo(view: SpaceView, id: string): string[] {
  return bondedIn(view)
    .filter(({ constraints }) => Object.hasOwn(constraints.compatible ?? {}, id))
    .map((definition) => definition.id);
}

/** The first bond that these prospects would break, or that cannot be judged here; undefined when all are kept. */
export function bondProblem(
  view: SpaceView,
  prospects: ReadonlyMap<string, Prospect>,
): BrokenBond | undefined {
  if (prospects.size === 0) return undefined;
  const prospectOf = (id: string): Prospect | undefined => prospects.get(id) ?? view.variables.get(id);
  for (const id of new Set([...bondedIn(view).map((bonded) => bonded.id), ...prospects.keys()])) {
    const prospect = prospectOf(id);
    if (prospect === undefined) continue;
    const { definition, value } = prospect;
    const { roleCoverage = [], compatible = {} } = definition.constraints;
    const uncovered = prospects.has(id) ? roleProblem(view, roleCoverage, value) : undefined;
    if (uncovered !== undefined) return { id, ...uncovered };
    for (const [other, name] of Object.entries(compatible)) {
      const counterpart = prospectOf(other);
      if (counterpart === undefined || !(prospects.has(id) || prospects.has(other))) continue;
      const misfit = pairProblem(view.predicates, name, { other, values: [value, counterpart.value] });
      if (misfit !== undefined) return { id, ...misfit };
    }
  }
  return undefined;
}

/** The bonds that do not hold in a view, as far as this process can judge them (B2): somebody wrote past the rules. */
export function brokenBonds(view: SpaceView): BrokenBond[] {
  return [...view.variables.values()].flatMap(({ id, definition, value }) => {
    const { roleCoverage = [], compatible = {} } = definition.constraints;
    const problems = [roleProblem(view, roleCoverage, value)];
    for (const [other, name] of Object.entries(compatible)) {
      const counterpart = view.variables.get(other);
      if (counterpart !== undefined && view.predicates.has(name))
        problems.push(pairProblem(view.predicates, name, { other, values: [value, counterpart.value] }));
    }
    return problems.flatMap((problem) => (problem === undefined ? [] : [{ id, ...problem }]));
  });
}

/** Found once for each state of the declarations, so that a write of one variable does not go through all of them. */
const bonded = new WeakMap<SpaceView['cells']['declarations'], readonly VariableDefinition[]>();

/** The definitions that tie their variables to others, or to the agents' roles. */
function bondedIn(view: SpaceView): readonly VariableDefinition[] {
  const { declarations } = view.cells;
  let found = bonded.get(declarations);
  if (found === undefined) {
    const all = [...view.variables.values()].map(({ definition }) => definition);
    found = all.filter(
      ({ constraints: { compatible = {}, roleCoverage } }) =>
        roleCoverage !== undefined || Object.keys(compatible).length > 0,
    );
    bonded.set(declarations, found);
  }
  return found;
}

function roleProblem(view: SpaceView, roles: readonly string[], value: Json): Problem | undefined {
  if (roles.length === 0 || !Array.isArray(value)) return undefined;
  const present = new Set(value.map((agent) => roleOf(view, String(agent))));
  const missing = roles.filter((role) => !present.has(role));
  if (missing.length === 0) return undefined;
  const message = `nobody selected has the role ${listNames(missing)}; select one whose agent definition has it`;
  return { code: 'constraint-violation', field: 'constraints.roleCoverage', message };
}

function pairProblem(
  predicates: Predicates,
  name: string,
  { other, values: [value, counterpart] }: { readonly other: string; readonly values: readonly [Json, Json] },
): Problem | undefined {
  const field = `constraints.compatible.${other}`;
  const predicate = predicates.get(name);
  if (predicate === undefined) return notRegistered(name, field);
  const why = whyNot(predicate, value, counterpart);
  if (why === undefined) return undefined;
  return { code: 'constraint-violation', field, message: `${name} with ${other}: ${why}` };
}
