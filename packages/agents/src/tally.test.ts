import { MabeamError } from '@mabeam/bus';
import { describe, expect, it } from 'vitest';
import { agentError } from './errors.ts';
import { Tally } from './tally.ts';

describe('the figures of a door', () => {
  it('count what was done, what failed, and what was refused without being worked on', async () => {
    const tally = new Tally('mabeam.desk.task.readers', 'readers');
    expect(await tally.count(() => 'done')).toBe('done');
    const failing = tally.count(() => Promise.reject(agentError('invalid-input', 'no')));
    await expect(failing).rejects.toBeInstanceOf(MabeamError);
    expect(tally.stats).toMatchObject({ requests: 2, errors: 1, lastError: 'invalid-input: no' });
    tally.refuse('overloaded');
    expect(tally.stats).toMatchObject({ requests: 3, errors: 2, lastError: 'overloaded' });
  });

  it('hold the time of all that was worked on, failures included', async () => {
    const tally = new Tally('a', 'b');
    const busy = (): void => {
      const until = performance.now() + 5;
      while (performance.now() < until);
    };
    await tally.count(busy);
    const failing = tally.count(() => {
      busy();
      throw new Error('no');
    });
    await failing.catch(() => undefined);
    expect(tally.stats.processingMs).toBeGreaterThanOrEqual(10);
    expect(tally.stats.lastError).toBe('handler-failed: no');
  });
});
