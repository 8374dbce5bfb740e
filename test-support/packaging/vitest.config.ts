// The run of `npm run test:packed`: our packages as others get them. Apart from `npm test`, which needs no build and no registry.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    name: 'packed',
    include: ['test-support/packaging/*.packed.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
