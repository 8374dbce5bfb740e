import { describe, expect, it, test } from 'vitest';
import { renderPool, shownBytes } from './pool.ts';
import { plain } from './table.ts';

test('the pool is told with who has what of it, what is left, and who waits', () => {
  const gib = 2 ** 30;
  const text = renderPool(
    {
      space: 'desk',
      total: { cpu: 2, memory: 2 * gib },
      reserved: { cpu: 0.1 + 0.2, memory: gib },
      available: { cpu: 1.7, memory: gib },
      agents: [{ agent: 'words', instances: 3, reserved: { cpu: 0.1 + 0.2, memory: gib } }],
      waiting: ['judge.0'],
    },
    plain,
  );
  expect(text.split('\n')).toEqual([
    'space    desk',
    'waiting  judge.0',
    '',
    'AGENT      INSTANCES  CORES  MEMORY',
    'words      3          0.3    1 GiB',
    'reserved   -          0.3    1 GiB',
    'available  -          1.7    1 GiB',
    'total      -          2      2 GiB',
  ]);
});

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_536, '1.5 KiB'],
    [256 * 2 ** 20, '256 MiB'],
    [2 ** 60, '1048576 TiB'],
  ])('%d are told as %s', (bytes, text) => {
    expect(shownBytes(bytes)).toBe(text);
  });
});
