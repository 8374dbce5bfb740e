import { describe, expect, it } from 'vitest';
import { EarlySteps, type Step } from './early-steps.ts';

const step = (from: string): Step => ({
  from,
  message: {
    kind: 'prepare',
    signed: { statement: { kind: 'prepare', session: 's', view: 0, choice: 0 }, by: from, signature: '' },
  },
});
const megabyte = 1_048_576;

describe('steps of rounds that are not opened yet', () => {
  it('are there for the round once, in the order in which they came', () => {
    const early = new EarlySteps();
    for (const from of ['ada', 'bob']) early.keep('r1', step(from), 100);
    early.keep('r2', step('cyd'), 100);
    expect(early.take('r1').map(({ from }) => from)).toEqual(['ada', 'bob']);
    expect(early.take('r1')).toEqual([]);
    expect(early.take('r2')).toHaveLength(1);
  });

  it('take no more memory than they may, however many rounds somebody makes up', () => {
    const early = new EarlySteps();
    for (let i = 0; i < 1_000; i++) early.keep(`r${i}`, step('eve'), megabyte);
    const kept = Array.from({ length: 1_000 }, (_, i) => early.take(`r${i}`)).flat();
    expect(kept).toHaveLength(8);
    // What was taken makes room.
    for (let i = 0; i < 8; i++) early.keep('next', step('eve'), megabyte);
    expect(early.take('next')).toHaveLength(8);
  });

  it('of one round take no more either, and leave the others alone', () => {
    const early = new EarlySteps();
    early.keep('r1', step('ada'), 100);
    for (let i = 0; i < 1_000; i++) early.keep('r2', step('eve'), 100);
    for (let i = 0; i < 1_000; i++) early.keep('r3', step('eve'), 9 * megabyte);
    expect(early.take('r1')).toHaveLength(1);
    expect(early.take('r2')).toHaveLength(512);
    expect(early.take('r3')).toEqual([]);
  });
});
