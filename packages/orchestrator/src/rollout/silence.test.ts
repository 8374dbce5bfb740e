import { expect, test } from 'vitest';
import { isSilent } from './silence.ts';

const level = 0.001;

test('none of a hundred at a share of a tenth is silence: 0.9 to the hundredth', () => {
  expect(isSilent({ candidate: 0, all: 100, share: 0.1, level: 2.65e-5 })).toBe(false);
  expect(isSilent({ candidate: 0, all: 100, share: 0.1, level: 2.66e-5 })).toBe(true);
});

test('one of a hundred counts those with none too', () => {
  // 0.9^100 + 100 · 0.1 · 0.9^99 = 3.2168e-4
  expect(isSilent({ candidate: 1, all: 100, share: 0.1, level: 3.21e-4 })).toBe(false);
  expect(isSilent({ candidate: 1, all: 100, share: 0.1, level: 3.22e-4 })).toBe(true);
});

test('about its share is not silence, however many there are', () => {
  expect(isSilent({ candidate: 1_000, all: 10_000, share: 0.1, level })).toBe(false);
  expect(isSilent({ candidate: 700, all: 10_000, share: 0.1, level })).toBe(true);
});

test('too few to tell is not silence', () => {
  expect(isSilent({ candidate: 0, all: 20, share: 0.1, level })).toBe(false);
  expect(isSilent({ candidate: 0, all: 0, share: 0.1, level })).toBe(false);
});

test('where everybody has the candidate there is nobody to be silent against', () => {
  expect(isSilent({ candidate: 0, all: 50, share: 1, level })).toBe(false);
});
