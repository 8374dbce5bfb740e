// A vitest reporter that writes down which test files ran, how many tests ended in each, and the counts of the run, to
// coverage/tests-ran.json. The gate beside it and .ci/run read that file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { posix, relative, sep } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

export interface RanReport {
  readonly passed: number;
  /** Failed tests, files that broke outside a test, and errors nobody caught. */
  readonly failed: number;
  /** Tests that ended, by file from the root. */
  readonly files: Readonly<Record<string, number>>;
}

export const ranReportPath = 'coverage/tests-ran.json';

export default class RanReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    mkdirSync('coverage', { recursive: true });
    writeFileSync(ranReportPath, `${JSON.stringify(reportOf(modules, errors.length), null, 2)}\n`);
  }
}

function reportOf(modules: readonly TestModule[], strayErrors: number): RanReport {
  const files: Record<string, number> = {};
  let passed = 0;
  let failed = strayErrors;
  for (const module of modules) {
    const states = [...module.children.allTests()].map((test) => test.result().state);
    const good = states.filter((state) => state === 'passed').length;
    const bad = states.filter((state) => state === 'failed').length;
    passed += good;
    failed += bad + (module.errors().length > 0 ? 1 : 0);
    files[relative(process.cwd(), module.moduleId).replaceAll(sep, posix.sep)] = good + bad;
  }
  return { passed, failed, files };
}
