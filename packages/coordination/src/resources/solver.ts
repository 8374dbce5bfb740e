/** HiGHS, the solver for mixed integer programs. It stops the thread it runs in: so it has one of its own (plan.ts). */
import highsModule, { type Highs, type LegacyHighsSolution } from 'highs';

/** What it found. */
export interface SolverAnswer {
  readonly status: string;
  /** The value of each variable; empty when there is no solution. */
  readonly columns: Readonly<Record<string, number>>;
}

// The package's types describe its CommonJS file; the ES module's default export is the loader itself.
const loadHighs = highsModule as unknown as () => Promise<Highs>;

/** Solves a problem in CPLEX LP format within a time limit; blocks the thread meanwhile. */
export async function solveProblem(text: string, timeLimitMs: number): Promise<SolverAnswer> {
  const highs = await loadHighs();
  const solution: LegacyHighsSolution = highs.solve(text, {
    time_limit: timeLimitMs / 1_000,
    output_flag: false,
  });
  const columns = Object.entries(solution.Columns).map(([name, column]) => {
    const primal = 'Primal' in column && typeof column.Primal === 'number' ? column.Primal : 0;
    return [name, primal] as const;
  });
  return { status: solution.Status, columns: Object.fromEntries(columns) };
}
