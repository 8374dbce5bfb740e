/** Test files follow each other in one process: what a file has stubbed in the environment, or faked of the clock, ends with it. */
import { afterAll, vi } from 'vitest';

afterAll(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});
