import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { blockEvidence, blockPValue, type Block } from './rank-evidence.ts';

/** Every way to choose which `ours` of the values are the candidate's. */
function everyChoice(values: readonly number[], ours: number): readonly Block[] {
  return Array.from({ length: 2 ** values.length }, (_, mask) => mask)
    .map((mask) => ({
      candidate: values.filter((_value, i) => ((mask >> i) & 1) === 1),
      incumbent: values.filter((_value, i) => ((mask >> i) & 1) === 0),
    }))
    .filter(({ candidate }) => candidate.length === ours);
}

function mean(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0) / figures.length;
}

const fewValues = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 4, maxLength: 9 });

test.prop([fewValues, fc.integer({ min: 1, max: 3 }), fc.double({ min: 0.1, max: 3, noNaN: true })], {
  numRuns: 60,
})('over all choices of the candidate, ties or not, the e-value has mean 1', (values, ours, bet) => {
  const eValues = everyChoice(values, ours).map((block) => Math.exp(blockEvidence(block, bet)));
  expect(mean(eValues)).toBeCloseTo(1, 9);
});

test.prop([fewValues, fc.integer({ min: 1, max: 3 })], { numRuns: 60 })(
  'the p-value is the share of choices with a rank sum at least as large',
  (values, ours) => {
    const choices = everyChoice(values, ours);
    const pValues = choices.map((block) => blockPValue(block));
    // What makes it one: whatever the level, at most such a share of choices is at or below it.
    for (const level of pValues) {
      const share = pValues.filter((p) => p <= level + 1e-12).length / choices.length;
      expect(share).toBeLessThanOrEqual(level + 1e-9);
    }
  },
);

test('a candidate that is worst throughout has the p-value of one choice among all', () => {
  expect(blockPValue({ incumbent: [1, 2, 3, 4], candidate: [5, 6, 7] })).toBeCloseTo(1 / 35, 12);
  expect(blockPValue({ incumbent: [5, 6, 7, 8], candidate: [1, 2, 3] })).toBeCloseTo(1, 12);
});

test('a large block, taken by the normal law, agrees with its exact neighbour', () => {
  const block = (size: number): Block => ({
    incumbent: Array.from({ length: size }, (_, i) => i * 2),
    candidate: Array.from({ length: size }, (_, i) => i * 2 + 15),
  });
  // 28 : 28 is worked out, 29 : 29 is not; both have nearly the same shift in standard deviations.
  const [exact, normal] = [blockPValue(block(28)), blockPValue(block(29))];
  expect(exact).toBeLessThan(0.05);
  expect(normal / exact).toBeGreaterThan(0.7);
  expect(normal / exact).toBeLessThan(1.4);
});

test.prop([fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 6, maxLength: 30 })])(
  'the metric may be in any unit and on any scale that grows with it',
  (values) => {
    const block = { incumbent: values.slice(0, 3), candidate: values.slice(3) };
    const cube = (value: number): number => 7 * value ** 3;
    const cubes = { incumbent: block.incumbent.map(cube), candidate: block.candidate.map(cube) };
    expect(blockEvidence(cubes, 1.5)).toBeCloseTo(blockEvidence(block, 1.5), 9);
    expect(blockPValue(cubes)).toBeCloseTo(blockPValue(block), 9);
  },
);

test('a worse candidate is evidence, a better one the contrary, and an outlier among four is no more than the worst of four', () => {
  const incumbent = [1, 2, 3, 4];
  expect(blockEvidence({ incumbent, candidate: [5, 6, 7, 8] }, 1.5)).toBeGreaterThan(1);
  expect(blockEvidence({ incumbent, candidate: [-1, -2, -3, -4] }, 1.5)).toBeLessThan(-1);
  const [near, far] = [8, 1e12].map((worst) =>
    blockEvidence({ incumbent, candidate: [0, 2.5, 3.5, worst] }, 1.5),
  );
  expect(far).toBe(near);
});

test('allowing for drift takes evidence away and makes the p-value larger', () => {
  const block = { incumbent: [1, 2, 3, 4, 5], candidate: [4.5, 6, 7, 8, 9] };
  expect(blockEvidence(block, 1.5, 0.5)).toBeCloseTo(blockEvidence(block, 1.5) - 0.75, 12);
  expect(blockPValue(block, 0.5)).toBeGreaterThan(blockPValue(block));
});

const noEvidence = {
  'an empty candidate': { incumbent: [1, 2], candidate: [] },
  'an empty incumbent': { incumbent: [], candidate: [1, 2] },
  'nothing at all': { incumbent: [], candidate: [] },
  'values that are all equal': { incumbent: [3, 3], candidate: [3, 3, 3] },
};
for (const [name, block] of Object.entries(noEvidence)) {
  test(`${name}: no evidence`, () => {
    expect(blockEvidence(block, 1.5)).toBe(0);
    expect(blockPValue(block)).toBe(1);
  });
}

test('four hundred samples an arm neither overflow nor vanish', () => {
  const incumbent = Array.from({ length: 400 }, (_, i) => i);
  const candidate = incumbent.map((value) => value + 1000);
  const evidence = blockEvidence({ incumbent, candidate }, 1.75);
  expect(evidence).toBeGreaterThan(20);
  expect(Number.isFinite(evidence)).toBe(true);
  expect(blockPValue({ incumbent, candidate })).toBeGreaterThan(0);
});
