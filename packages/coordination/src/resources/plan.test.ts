import { describe, expect, it, vi } from 'vitest';
import { readAssignment, worthOf, writeProblem, type AssignmentProblem } from './assignment.ts';
import { planAllocation } from './plan.ts';
import { solveProblem } from './solver.ts';

// A thread that loads the solver takes its time on a busy machine.
vi.setConfig({ testTimeout: 20_000 });

/** The five small problems of OR-Library's file gap1 (J. E. Beasley, 1990) with their optima. */
const gap1 = [
  {
    worth: [
      '17 21 22 18 24 15 20 18 19 18 16 22 24 24 16',
      '23 16 21 16 17 16 19 25 18 21 17 15 25 17 24',
      '16 20 16 25 24 16 17 19 19 18 20 16 17 21 24',
      '19 19 22 22 20 16 19 17 21 19 25 23 25 25 25',
      '18 19 15 15 21 25 16 16 23 15 22 17 19 22 24',
    ],
    demand: [
      '8 15 14 23 8 16 8 25 9 17 25 15 10 8 24',
      '15 7 23 22 11 11 12 10 17 16 7 16 10 18 22',
      '21 20 6 22 24 10 24 9 21 14 11 14 11 19 16',
      '20 11 8 14 9 5 6 19 19 7 6 6 13 9 18',
      '8 13 13 13 10 20 25 16 16 17 10 10 5 12 23',
    ],
    capacity: '36 34 38 27 33',
    optimum: 336,
  },
  {
    worth: [
      '19 23 24 20 20 25 16 21 24 15 17 17 20 20 20',
      '25 24 16 21 19 17 17 19 23 21 21 23 20 15 16',
      '16 21 25 22 24 24 16 17 15 18 15 17 18 24 18',
      '25 24 18 19 15 18 20 22 23 18 16 19 17 15 22',
      '25 19 21 22 20 15 20 19 18 18 17 23 17 25 25',
    ],
    demand: [
      '16 12 8 20 18 10 12 8 14 23 19 14 15 15 24',
      '16 18 19 22 13 20 9 7 25 10 20 13 11 15 16',
      '6 20 20 5 14 12 6 15 22 18 13 23 23 18 25',
      '18 23 25 17 25 13 23 23 13 20 20 23 17 19 24',
      '12 17 15 25 22 5 24 19 12 25 23 21 23 19 18',
    ],
    capacity: '36 37 38 48 44',
    optimum: 327,
  },
  {
    worth: [
      '22 21 16 17 21 15 17 22 22 25 18 20 24 15 22',
      '23 24 19 15 16 21 15 25 16 21 20 19 16 23 20',
      '21 20 21 25 21 20 21 19 17 16 25 19 15 15 15',
      '17 21 25 25 23 22 20 19 20 25 15 20 21 25 23',
      '15 25 23 19 17 17 25 24 24 17 24 19 18 19 16',
    ],
    demand: [
      '23 10 15 13 17 10 13 6 9 21 20 7 9 25 8',
      '17 13 8 23 11 18 7 22 13 5 24 24 15 10 22',
      '22 17 22 23 20 11 17 25 23 9 22 20 15 9 25',
      '5 19 25 16 15 10 18 9 11 20 7 21 15 8 25',
      '22 9 10 23 19 21 17 15 15 17 25 19 10 9 21',
    ],
    capacity: '32 37 44 35 40',
    optimum: 339,
  },
  {
    worth: [
      '15 25 20 18 19 21 18 22 24 15 25 17 17 15 22',
      '20 18 25 25 16 24 22 24 17 18 23 25 21 25 24',
      '25 19 18 18 23 18 15 22 23 16 25 22 22 15 16',
      '19 19 23 17 19 19 22 19 23 22 24 22 25 19 16',
      '25 24 17 19 25 19 23 19 25 15 19 21 18 19 22',
    ],
    demand: [
      '20 20 18 9 18 5 16 18 13 24 21 23 15 19 9',
      '5 12 18 8 22 19 19 11 7 19 20 17 21 25 5',
      '18 8 8 9 20 20 23 13 15 12 6 12 25 25 23',
      '17 19 24 9 16 22 10 17 12 17 15 21 16 18 6',
      '14 6 20 6 21 5 11 23 20 21 20 18 13 13 21',
    ],
    capacity: '39 36 37 38 37',
    optimum: 341,
  },
  {
    worth: [
      '25 25 18 24 20 19 25 24 23 15 18 18 25 15 22',
      '25 18 17 22 21 23 20 23 16 19 15 18 16 23 16',
      '18 16 19 15 15 18 15 20 19 24 22 20 25 16 21',
      '18 21 16 18 17 24 18 23 22 16 17 22 22 18 16',
      '17 18 15 21 23 21 24 23 20 22 19 15 22 22 25',
    ],
    demand: [
      '16 20 9 22 17 19 20 22 20 13 6 20 23 19 7',
      '12 22 18 18 6 13 17 17 17 14 20 12 17 14 22',
      '5 19 19 14 24 16 7 8 9 22 13 23 24 15 20',
      '20 8 6 9 5 17 23 18 14 12 14 17 15 23 21',
      '6 6 24 24 8 7 5 25 21 18 12 20 20 7 12',
    ],
    capacity: '40 38 38 35 34',
    optimum: 326,
  },
];

const numbers = (text: string): number[] => text.split(' ').map(Number);
const problems = gap1.map(({ capacity, demand, optimum, worth }, at) => ({
  name: `gap1-${at + 1}`,
  optimum,
  problem: { worth: worth.map(numbers), demand: demand.map(numbers), capacity: numbers(capacity) },
}));

describe.each(problems)('$name', ({ optimum, problem }) => {
  it(`is solved to its optimum ${optimum}, which is proven`, async () => {
    const plan = await planAllocation(problem, { timeLimitMs: 15_000 });
    expect(plan).toMatchObject({ kind: 'planned', worth: optimum, isProven: true });
  });

  it('takes less than a second of one processor', async () => {
    const before = process.threadCpuUsage();
    const { status } = await solveProblem(writeProblem(problem), 15_000);
    const { system, user } = process.threadCpuUsage(before);
    expect(status).toBe('Optimal');
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });
});

it('the order of machines and jobs does not change what the best plan is worth', async () => {
  const [first] = problems;
  if (first === undefined) throw new Error('a problem');
  const { optimum, problem } = first;
  const turned = <T>(all: readonly T[], by: number): readonly T[] => [...all.slice(by), ...all.slice(0, by)];
  const table = (rows: readonly (readonly number[])[]): readonly (readonly number[])[] =>
    turned(rows, 2).map((row) => turned(row, 7).toReversed());
  const { capacity, demand, worth } = problem;
  const other = { worth: table(worth), demand: table(demand), capacity: turned(capacity, 2) };
  expect(await planAllocation(other, { timeLimitMs: 15_000 })).toMatchObject({
    worth: optimum,
    isProven: true,
  });
});

/** 120 jobs on 8 machines: too many to be proven in the time given. */
const large: AssignmentProblem = {
  worth: Array.from({ length: 8 }, (_, m) =>
    Array.from({ length: 120 }, (_j, j) => 10 + ((m * 37 + j * 53) % 41)),
  ),
  demand: Array.from({ length: 8 }, (_, m) =>
    Array.from({ length: 120 }, (_j, j) => 5 + ((m * 29 + j * 31) % 23)),
  ),
  capacity: Array.from({ length: 8 }, () => 200),
};

it('a problem too large for its time ends in time, and the event loop goes on meanwhile', async () => {
  let ticks = 0;
  const ticking = setInterval(() => (ticks += 1), 5);
  const startedAt = performance.now();
  const plan = await planAllocation(large, { timeLimitMs: 100 });
  clearInterval(ticking);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(ticks).toBeGreaterThan(3);
  expect(plan.kind).not.toBe('infeasible');
});

it('what cannot fit is infeasible', async () => {
  expect(await planAllocation({ worth: [[1]], demand: [[2]], capacity: [1] })).toEqual({
    kind: 'infeasible',
  });
});

it('the smallest cost is found where cost is what counts', async () => {
  const problem: AssignmentProblem = {
    worth: [
      [5, -1],
      [1, 2],
    ],
    demand: [
      [1, 1],
      [1, 1],
    ],
    capacity: [1, 1],
    aim: 'smallest',
  };
  expect(await planAllocation(problem)).toMatchObject({ machines: [1, 0], worth: 0 });
});

it('an aborted plan ends with the reason of its signal', async () => {
  const reason = new Error('enough');
  const ending = new AbortController();
  const plan = planAllocation(large, { timeLimitMs: 10_000, signal: ending.signal });
  ending.abort(reason);
  await expect(plan).rejects.toBe(reason);
});

it('no jobs need no solver, and jobs without machines cannot be done', async () => {
  expect(await planAllocation({ worth: [[]], demand: [[]], capacity: [1] })).toMatchObject({ machines: [] });
});

it('an assignment beyond a capacity is not believed', () => {
  const problem: AssignmentProblem = { worth: [[1, 1]], demand: [[2, 2]], capacity: [3] };
  expect(readAssignment(problem, { x_0_0: 1, x_0_1: 1 })).toBeUndefined();
  expect(readAssignment(problem, { x_0_0: 1 })).toBeUndefined();
  expect(worthOf(problem, [0, 0])).toBe(2);
  expect(writeProblem(problem)).toContain('m_0: + 2 x_0_0 + 2 x_0_1 <= 3');
});

it('tables that do not fit together are refused', async () => {
  await expect(planAllocation({ worth: [[1]], demand: [[1, 2]], capacity: [1] })).rejects.toMatchObject({
    code: 'invalid-amount',
  });
});
