import { describe, expect, it, vi } from 'vitest';
import { pause } from './pause.ts';

describe('pause', () => {
  it('lasts as long as it is told, and leaves nothing on its signal', async () => {
    vi.useFakeTimers();
    try {
      const { signal } = new AbortController();
      const removed = vi.spyOn(signal, 'removeEventListener');
      let isOver = false;
      const over = pause(50, signal).then(() => (isOver = true));
      await vi.advanceTimersByTimeAsync(49);
      expect(isOver).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await over;
      expect(removed).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends with its signal, also with one that has ended already', async () => {
    const ending = new AbortController();
    const paused = pause(2 ** 30, ending.signal);
    ending.abort();
    await paused;
    await pause(2 ** 30, AbortSignal.abort());
    expect(ending.signal.aborted).toBe(true);
  });
});
