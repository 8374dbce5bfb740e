/**
 * The generalised assignment problem: each job to exactly one machine, no machine beyond its capacity, the worth of it all as
 * large, or its cost as small, as can be. Its text for the solver, and the check of what comes back. Pure.
 */
import { coordinationError } from '../errors.ts';

/** A problem to plan. `worth[m][j]` and `demand[m][j]` are those of job `j` on machine `m`. */
export interface AssignmentProblem {
  readonly worth: readonly (readonly number[])[];
  /** At least 0. */
  readonly demand: readonly (readonly number[])[];
  /** By machine; at least 0. */
  readonly capacity: readonly number[];
  /** Is `worth` to be as large (default) or as small as can be? */
  readonly aim?: 'largest' | 'smallest';
}

/** Throws `invalid-amount` for a problem whose tables do not fit together. */
export function assertProblem({ capacity, demand, worth }: AssignmentProblem): void {
  const jobs = worth[0]?.length ?? 0;
  const fits = (table: readonly (readonly number[])[]): boolean =>
    table.length === capacity.length &&
    table.every((row) => row.length === jobs && row.every(Number.isFinite));
  const isPositive = [...demand.flat(), ...capacity].every((amount) => amount >= 0);
  if (fits(worth) && fits(demand) && isPositive && capacity.every(Number.isFinite)) return;
  const message =
    'worth and demand need a row for each machine and a column for each job; demand and capacity are at least 0';
  throw coordinationError('invalid-amount', message, { details: { machines: capacity.length, jobs } });
}

/** The problem in CPLEX LP format: `x_m_j` is 1 when job `j` goes to machine `m`. */
export function writeProblem({ aim = 'largest', capacity, demand, worth }: AssignmentProblem): string {
  const jobs = (worth[0] ?? []).map((_, job) => job);
  const sum = (table: readonly (readonly number[])[]): string =>
    table
      .flatMap((row, machine) => row.map((factor, job) => `${term(factor)} x_${machine}_${job}`))
      .join(' ');
  const once = jobs.map(
    (job) => ` j_${job}: ${worth.map((_, machine) => `x_${machine}_${job}`).join(' + ')} = 1`,
  );
  const fit = demand.map((row, machine) => {
    const load = row.map((amount, job) => `${term(amount)} x_${machine}_${job}`).join(' ');
    return ` m_${machine}: ${load} <= ${capacity[machine] ?? 0}`;
  });
  const names = worth.flatMap((row, machine) => row.map((_, job) => ` x_${machine}_${job}`));
  return [
    aim === 'largest' ? 'Maximize' : 'Minimize',
    ` worth: ${sum(worth)}`,
    'Subject To',
    ...once,
    ...fit,
    'Binary',
    ...names,
    'End',
    '',
  ].join('\n');
}

/** The machine of each job in a solution; undefined when it is none that keeps to the problem. */
export function readAssignment(
  problem: AssignmentProblem,
  columns: Readonly<Record<string, number>>,
): readonly number[] | undefined {
  const jobs = problem.worth[0]?.length ?? 0;
  const machines = Array.from({ length: jobs }, (_, job) =>
    problem.worth.findIndex((_row, machine) => (columns[`x_${machine}_${job}`] ?? 0) > 0.5),
  );
  const isWithin = problem.capacity.every((capacity, machine) => {
    const load = machines.reduce(
      (sum, chosen, job) => (chosen === machine ? sum + (problem.demand[machine]?.[job] ?? 0) : sum),
      0,
    );
    return load <= capacity + 1e-6;
  });
  return machines.includes(-1) || !isWithin ? undefined : machines;
}

/** What an assignment is worth. */
export function worthOf({ worth }: AssignmentProblem, machines: readonly number[]): number {
  return machines.reduce((sum, machine, job) => sum + (worth[machine]?.[job] ?? 0), 0);
}

function term(factor: number): string {
  return factor < 0 ? `- ${-factor}` : `+ ${factor}`;
}
