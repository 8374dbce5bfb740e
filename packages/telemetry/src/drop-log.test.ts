import { expect, test } from 'vitest';
import { DropLog } from './drop-log.ts';

test('the first drop is reported at once, the following together, and none is forgotten at the end', async () => {
  let now = 0;
  const lines: unknown[] = [];
  const log = new DropLog({
    what: 'spans',
    clock: () => now,
    write: ({ dropped, totals, why }, text) => void lines.push([dropped, totals, why, text]),
  });
  log.add(1, 'queue-full');
  log.add(2, 'queue-full');
  now = 5_000;
  log.add(3, 'refused', new Error('the stream is full'));
  log.add(4, 'deadline');
  await log.close();
  log.add(9, 'refused');
  await log.close();
  expect(lines).toEqual([
    [1, { 'queue-full': 1 }, undefined, 'telemetry dropped 1 spans'],
    [5, { 'queue-full': 3, refused: 3 }, 'the stream is full', 'telemetry dropped 5 spans'],
    [4, { 'queue-full': 3, refused: 3, deadline: 4 }, undefined, 'telemetry dropped 4 spans'],
  ]);
});
