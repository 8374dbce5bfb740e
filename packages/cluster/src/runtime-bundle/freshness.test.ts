import { expect, test } from 'vitest';
import { areFresh, stampOf, touchedSince, type Stamp } from './freshness.ts';

const stamp = (path: string, changes: Partial<Stamp> = {}): Stamp => ({
  path,
  size: 10,
  modifiedMs: 1_000,
  changedMs: 1_000,
  ...changes,
});
const lookAt =
  (...stamps: readonly Stamp[]) =>
  (path: string): Stamp =>
    stamps.find((one) => one.path === path) ?? stampOf('/nowhere/at/all');

test('files that are as they were are fresh', () => {
  expect(areFresh([stamp('/a'), stamp('/b')], lookAt(stamp('/b'), stamp('/a')))).toBe(true);
});

test.each([
  ['longer', stamp('/a', { size: 11 })],
  ['written again', stamp('/a', { modifiedMs: 1_001, changedMs: 1_001 })],
  ['replaced by an older file of the same size', stamp('/a', { changedMs: 2_000 })],
])('a file that is %s makes what was built of it stale', (_, now) => {
  expect(areFresh([stamp('/b'), stamp('/a')], lookAt(now, stamp('/b')))).toBe(false);
});

test('a file that is gone, and one that has appeared, make it stale', () => {
  expect(areFresh([stamp('/a')], lookAt())).toBe(false);
  const absent = stampOf('/nowhere/at/all');
  expect(areFresh([{ ...absent, path: '/a' }], lookAt(stamp('/a')))).toBe(false);
});

test('a file touched at the very moment or later is told, an older one is not', () => {
  const stamps = [stamp('/a', { modifiedMs: 5, changedMs: 5 }), stamp('/b', { modifiedMs: 5, changedMs: 9 })];
  expect(touchedSince(stamps, 10)).toBeUndefined();
  expect(touchedSince(stamps, 9)).toBe('/b');
});
