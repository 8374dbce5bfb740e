import { expect, test } from 'vitest';
import { parseReadings, type Series } from './readings.ts';
import { blocksOf, drawReplay, plant, rolledBackAfter, type Design } from './replay.ts';

const series: Series = {
  name: 's',
  direction: 'below',
  values: Array.from({ length: 200 }, (_, i) => 100 + ((i * 37) % 11)),
};
const canary: Design = { name: 'canary', mode: 'canary', candidates: 12, incumbents: 12 };
const whole: Design = { name: 'before and after', mode: 'before-after', candidates: 12, incumbents: 36 };

/** A fixed sequence of numbers in [0, 1). */
function numbers(): () => number {
  let turn = 0;
  return () => (turn++ * 0.618_033_988_75) % 1;
}

test.each([canary, whole])(
  '$name: a stretch has the arms it should have, and so have its windows together',
  (design) => {
    const replay = drawReplay(series, design, numbers());
    const blocks = blocksOf(replay);
    expect(replay.readings).toHaveLength(design.candidates + design.incumbents);
    expect(blocks.flatMap(({ candidate }) => candidate)).toHaveLength(design.candidates);
    expect(blocks.flatMap(({ incumbent }) => incumbent)).toHaveLength(design.incumbents);
  },
);

test('of before and after the candidate is the end of the stretch', () => {
  const { readings } = drawReplay(series, whole, numbers());
  expect(readings.findIndex(({ arm }) => arm === 'candidate')).toBe(36);
});

test('what is planted makes the candidate worse and leaves the incumbent alone', () => {
  const replay = drawReplay(series, canary, numbers());
  const planted = plant(replay, 0.2);
  planted.readings.forEach(({ arm, value }, i) => {
    expect(value).toBeCloseTo((replay.readings[i]?.value ?? 0) * (arm === 'candidate' ? 0.8 : 1), 9);
  });
});

test.each([canary, whole])('$name: a fifth worse is rolled back, the same is not', (design) => {
  const replay = drawReplay(series, design, numbers());
  expect(rolledBackAfter(replay)).toBeUndefined();
  expect(rolledBackAfter(plant(replay, 0.2))).toBeLessThanOrEqual(3);
});

test('readings are put in the order of their times, and broken lines are left out', () => {
  const text =
    'value,runtime,starttime,VM_id\n2,1,2024-01-02 00:00:00.5,0\n1,1,2024-01-01 00:00:00.5,1\nx,1,2024-01-01 00:00:00.5,2\n3,1,never,3\n';
  expect(parseReadings(text)).toEqual([1, 2]);
});
