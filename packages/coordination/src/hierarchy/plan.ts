/**
 * Plans: what is to be done, by whom, under whom. Pure.
 *
 *   star      everybody reports to the coordinator
 *   tree      each party has up to `branching` parties below it, the coordinator at the root
 *   layered   the parties stand in layers of `branching`; those of a layer report to the first of the layer above
 */
import { parseId, parseToken } from '@mabeam/bus';
import { byText } from '../conflicts/conflict.ts';
import { coordinationError } from '../errors.ts';

/** One thing to be done. */
export interface PlanTask {
  readonly id: string;
  /** What a party must be able to do for it. */
  readonly requires?: readonly string[] | undefined;
  /** Tasks that come before it. */
  readonly dependsOn?: readonly string[] | undefined;
}

/** A party that tasks can be given to. */
export interface Subordinate {
  readonly party: string;
  /** What it can do. */
  readonly capabilities?: readonly string[] | undefined;
}

/** What is to be reached, and how the parties are arranged for it. */
export interface CoordinationPlan {
  readonly goal: string;
  readonly tasks: readonly PlanTask[];
  /** Default `star`. */
  readonly strategy?: 'tree' | 'star' | 'layered';
  /** Default 3. */
  readonly branching?: number;
}

/** Which party has which task. */
export interface Assignment {
  readonly task: string;
  readonly party: string;
}

/** Throws `invalid-plan` for what cannot be read as a plan, `cyclic-plan` when tasks wait for each other. */
export function assertPlan(plan: CoordinationPlan, subordinates: readonly Subordinate[]): void {
  const ids = new Set(plan.tasks.map(({ id }) => parseToken('task', id)));
  const parties = new Set(subordinates.map(({ party }) => parseId('party', party)));
  const fail = (why: string): never => {
    throw coordinationError('invalid-plan', `the plan for "${plan.goal}": ${why}`);
  };
  if (ids.size !== plan.tasks.length) fail('two tasks have the same id');
  if (parties.size !== subordinates.length) fail('a party is listed twice');
  if (!(Number.isInteger(plan.branching ?? 3) && (plan.branching ?? 3) > 0))
    fail('branching must be a whole number above 0');
  for (const { dependsOn = [], id } of plan.tasks)
    for (const other of dependsOn)
      if (!ids.has(other)) fail(`${id} depends on ${other}, which is no task of it`);
  orderTasks(plan);
}

/** The tasks, each after those it depends on; else in their own order. Throws `cyclic-plan`, naming the circle's tasks. */
export function orderTasks({ goal, tasks }: CoordinationPlan): PlanTask[] {
  const ordered: PlanTask[] = [];
  let left = [...tasks];
  while (left.length > 0) {
    const done = new Set(ordered.map(({ id }) => id));
    const ready = left.filter(({ dependsOn = [] }) => dependsOn.every((other) => done.has(other)));
    if (ready.length === 0) {
      const names = left.map(({ id }) => id);
      const message = `the plan for "${goal}": ${names.join(', ')} wait for each other; cut one dependency`;
      throw coordinationError('cyclic-plan', message, { details: { tasks: names } });
    }
    ordered.push(...ready);
    left = left.filter((task) => !ready.includes(task));
  }
  return ordered;
}

/** Who each subordinate reports to, in the order they are listed. */
export function superiorsOf(
  { branching = 3, strategy = 'star' }: Pick<CoordinationPlan, 'branching' | 'strategy'>,
  coordinator: string,
  subordinates: readonly string[],
): ReadonlyMap<string, string> {
  const above = (at: number): number => {
    if (strategy === 'tree') return Math.floor(at / branching) - 1;
    if (strategy === 'layered') return (Math.floor(at / branching) - 1) * branching;
    return -1;
  };
  return new Map(subordinates.map((party, at) => [party, subordinates[above(at)] ?? coordinator]));
}

/** Can it do what the task needs? */
function isAble({ capabilities = [] }: Subordinate, { requires = [] }: PlanTask): boolean {
  return requires.every((need) => capabilities.includes(need));
}

/**
 * The usual division of tasks: each to the able party that has the fewest, then by id. `refused` names those that are not to be
 * asked again. A task that nobody is able to do is left out.
 */
export function divideTasks(
  tasks: readonly PlanTask[],
  subordinates: readonly Subordinate[],
  given: readonly Assignment[] = [],
  refused: readonly Assignment[] = [],
): Assignment[] {
  const load = new Map(
    subordinates.map(({ party }) => [party, given.filter((one) => one.party === party).length]),
  );
  return tasks.flatMap((task) => {
    const [chosen] = subordinates
      .filter((one) => isAble(one, task))
      .filter(({ party }) => !refused.some((one) => one.task === task.id && one.party === party))
      .toSorted((a, b) => (load.get(a.party) ?? 0) - (load.get(b.party) ?? 0) || byText(a.party, b.party));
    if (chosen === undefined) return [];
    load.set(chosen.party, (load.get(chosen.party) ?? 0) + 1);
    return [{ task: task.id, party: chosen.party }];
  });
}

/** What is wrong with an answer to the question for these tasks; undefined when nothing is. */
export function wrongAssignment(
  assignments: readonly Assignment[],
  tasks: readonly PlanTask[],
  subordinates: readonly Subordinate[],
  refused: readonly Assignment[],
): string | undefined {
  const given = assignments.map(({ task }) => task);
  if (new Set(given).size !== given.length) return 'a task is given twice';
  for (const { party, task: id } of assignments) {
    const task = tasks.find((one) => one.id === id);
    const subordinate = subordinates.find((one) => one.party === party);
    if (task === undefined) return `${id} was not asked for`;
    if (subordinate === undefined) return `${party} is no subordinate`;
    if (!isAble(subordinate, task)) return `${party} cannot do ${id}`;
    if (refused.some((one) => one.task === id && one.party === party)) return `${party} has refused ${id}`;
  }
  return undefined;
}
