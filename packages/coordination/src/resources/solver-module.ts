/** What the solver's thread runs: reads a problem from its parent, has HiGHS solve it, answers, ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { solveProblem } from './solver.ts';

// Our own parent has put it there (plan.ts).
const given = workerData as { readonly text: string; readonly timeLimitMs: number };
parentPort?.postMessage(await solveProblem(given.text, given.timeLimitMs));
