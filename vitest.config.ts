import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { defaultServerConditions } from 'vite';

const conditions = ['@mabeam/source', ...defaultServerConditions];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  environments: { __vitest__: { resolve: { conditions } } },
  test: {
    reporters: ['default', ...(process.env['CI'] ? ['junit'] : []), './test-support/plain-summary.ts'],
    outputFile: { junit: 'coverage/junit.xml' },
    coverage: { provider: 'v8', include: ['packages/*/src/**', 'cmd/*/src/**'], reporter: ['text', 'lcov'] },
    setupFiles: ['./test-support/seed.ts', './test-support/leave-clean.ts'],
    // A worker takes file after file and keeps the modules of the sources, which hold no state of a test: a process for each file
    // costs more than most files do.
    isolate: false,
    // Processes that tests start find here what an earlier one has compiled.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    // Most of the time a test waits for another process: a worker for each core, not one less.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            '{packages,cmd,docs/examples}/*/{src,experiments,test}/**/*.test.ts',
            'test-support/**/*.test.ts',
            'bench/src/**/*.test.ts',
          ],
          exclude: ['**/*.int.test.ts'],
          environment: 'node',
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['{packages,cmd,docs/examples}/*/{src,test}/**/*.int.test.ts'],
          globalSetup: ['./test-support/nats-global.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Real processes on a shared machine: one that stands still for seconds is no defect of what is tested. What fails twice is,
          // and what needed its second try is named in the report.
          retry: 1,
          pool: 'forks',
        },
      },
    ],
  },
});
