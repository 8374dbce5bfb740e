import { describe, expect, it, vi } from 'vitest';
import { pause, unlessAborted } from './pause.ts';

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

describe('work that a signal may leave', () => {
  it('gives what it comes to, or fails as it does, and leaves nothing on the signal', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    expect(await unlessAborted(signal, Promise.resolve(1))).toBe(1);
    await expect(unlessAborted(signal, Promise.reject(new Error('no')))).rejects.toThrow('no');
    await new Promise(setImmediate);
    expect(removed).toHaveBeenCalledTimes(2);
  });

  it('is left at once, and what becomes of it then is nobody’s', async () => {
    const work = Promise.withResolvers<number>();
    const ending = new AbortController();
    const left = unlessAborted(ending.signal, work.promise);
    ending.abort();
    expect(await left).toBeUndefined();
    expect(await unlessAborted(ending.signal, work.promise)).toBeUndefined();
    work.reject(new Error('too late for anybody'));
    await expect(work.promise).rejects.toThrow('too late');
  });
});
