import { describe, expect, test } from 'vitest';
import { parseScaleEntry, scaledAgent, scaleKey, wantedReplicas } from './scale-entry.ts';

const scale = (replicas: number) => ({ replicas });

describe('the replicas that ought to run', () => {
  test.each([
    ['are the definition’s without a scale', 2, { min: 1, max: 4 }, undefined, 2],
    ['are the scale’s within the bounds', 2, { min: 1, max: 4 }, 3, 3],
    ['never exceed the bounds', 2, { min: 1, max: 4 }, 9, 4],
    ['never fall below the bounds', 2, { min: 1, max: 4 }, 0, 1],
    ['are the definition’s when nothing may be scaled', 2, undefined, 9, 2],
  ])('%s', (_name, replicas, bounds, wished, wanted) => {
    const entry = wished === undefined ? undefined : scale(wished);
    expect(wantedReplicas({ replicas, bounds }, entry)).toBe(wanted);
  });
});

test('a key names its agent, and no other key does', () => {
  expect(scaledAgent(scaleKey('words'))).toBe('words');
  expect(scaledAgent('space.words')).toBeUndefined();
  expect(scaledAgent('scale.a.b')).toBeUndefined();
});

test('half a replica is refused with its field', () => {
  const half = { v: 1, replicas: 0.5, by: 'a', at: '2026-01-01T00:00:00.000Z', cause: '' };
  expect(() => parseScaleEntry(half)).toThrow(expect.objectContaining({ code: 'scale-invalid' }));
  expect(() => parseScaleEntry(half)).toThrow('replicas');
});
