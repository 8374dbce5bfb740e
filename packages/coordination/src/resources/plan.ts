/**
 * `planAllocation`: jobs to machines as well as it can be done, by HiGHS in a worker thread with a time limit.
 *
 * Invariants
 *  P1  The caller's event loop is never stopped by the solver.
 *  P2  The promise settles at the latest `stopMs` after the time limit, and the thread has ended by then.
 *  P3  What is returned has been checked against the problem, not believed.
 */
import { Worker } from 'node:worker_threads';
import {
  assertProblem,
  readAssignment,
  worthOf,
  writeProblem,
  type AssignmentProblem,
} from './assignment.ts';
import type { SolverAnswer } from './solver.ts';

/** How it ended. */
export type PlanResult =
  /** `machines[j]` has job `j`; `isProven`: nothing better exists, else the best found when time was up. */
  | {
      readonly kind: 'planned';
      readonly machines: readonly number[];
      readonly worth: number;
      readonly isProven: boolean;
    }
  /** No assignment fits the capacities. */
  | { readonly kind: 'infeasible' }
  /** Time was up before any assignment was found. */
  | { readonly kind: 'timed-out' };

/** For how long to look, and when to give up. */
export interface PlanOptions {
  /** Default 10 000. */
  readonly timeLimitMs?: number;
  readonly signal?: AbortSignal;
}

/** Loading the solver takes time too; after this it is stopped by force. */
const stopMs = 2_000;
const entry = new URL('./solver-module.ts', import.meta.url);
/** What the thread runs: the source, or what was compiled from it. */
const entryUrl = import.meta.url.endsWith('.ts') ? entry : new URL(entry.href.replace(/\.ts$/, '.js'));

/** Plans an assignment. Throws `invalid-amount` for a malformed problem, the signal's reason, and what the thread died of. */
export async function planAllocation(
  problem: AssignmentProblem,
  options: PlanOptions = {},
): Promise<PlanResult> {
  const { signal, timeLimitMs = 10_000 } = options;
  assertProblem(problem);
  signal?.throwIfAborted();
  if (problem.worth.flat().length === 0) return emptyPlan(problem);
  const answer = await askSolver(writeProblem(problem), timeLimitMs, signal);
  if (answer === undefined) return { kind: 'timed-out' };
  if (answer.status === 'Infeasible') return { kind: 'infeasible' };
  const machines = readAssignment(problem, answer.columns);
  if (machines === undefined) return { kind: 'timed-out' };
  const isProven = answer.status === 'Optimal';
  return { kind: 'planned', machines, worth: worthOf(problem, machines), isProven };
}

/** Without jobs there is nothing to do; jobs without machines cannot be done. */
function emptyPlan({ worth }: AssignmentProblem): PlanResult {
  return worth.every((row) => row.length === 0)
    ? { kind: 'planned', machines: [], worth: 0, isProven: true }
    : { kind: 'infeasible' };
}

/** The solver's answer; undefined when it had to be stopped. */
async function askSolver(
  text: string,
  timeLimitMs: number,
  signal: AbortSignal | undefined,
): Promise<SolverAnswer | undefined> {
  const worker = new Worker(entryUrl, { workerData: { text, timeLimitMs }, env: {} });
  const done = Promise.withResolvers<SolverAnswer | undefined>();
  const timer = setTimeout(() => done.resolve(undefined), timeLimitMs + stopMs);
  const abort = (): void => done.reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  worker.once('message', (answer: SolverAnswer) => done.resolve(answer));
  worker.once('error', (error) => done.reject(error));
  try {
    return await done.promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
