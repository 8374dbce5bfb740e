/** A store for which there is no stream. */
import { connectBus } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { expect, inject, it, vi } from 'vitest';
import { busError } from '../src/errors.ts';
import { wireOf } from '../src/wire.ts';

it('that no stream was there is told also when the last attempt had no time for an answer', async () => {
  await using bus = await connectBus({ url: inject('natsUrl'), name: 'no stream' });
  const body = new TextEncoder().encode('{}');
  using called = vi
    .spyOn(wireOf(bus).calls, 'call')
    .mockRejectedValueOnce(busError('no-responders', 'nobody is there'))
    .mockRejectedValueOnce(busError('deadline-exceeded', 'no answer within 1 ms'));
  // Time for the pause after the first attempt, and not for another one after the second.
  const stored = bus.store(`mabeam.${freshSpace()}.event.a.b.c`, body, { timeoutMs: 90 });
  await expect(stored).rejects.toMatchObject({ code: 'stream-missing' });
  expect(called).toHaveBeenCalledTimes(2);
});
