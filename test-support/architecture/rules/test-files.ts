// Every test file belongs to a vitest project and really runs. A test that no pattern matches is silent, not green.
import { matchesGlob } from 'node:path';
import type { House } from '../house.ts';
import type { Violation } from '../tree.ts';

export interface Project {
  readonly name: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** The test files of the house. */
function testFilesOf(house: House): readonly string[] {
  return house.files.map(({ path }) => path).filter((path) => /\.(?:test|spec)\.m?[tj]s$/.test(path));
}

/** Each test file is matched by exactly one project of vitest.config.ts. */
export function homelessTests(house: House, projects: readonly Project[]): readonly Violation[] {
  return testFilesOf(house).flatMap((file) => {
    const homes = projects.filter(
      ({ include, exclude }) => matches(file, include) && !matches(file, exclude),
    );
    if (homes.length === 1) return [];
    const names = homes.map(({ name }) => name).join(', ') || 'none';
    return [{ rule: 'test-files', file, message: `wants one vitest project, has ${names}` }];
  });
}

/** Compares the test files with what a full run reported: the number of tests that ended, by file. */
export function testsNotRun(house: House, ran: Readonly<Record<string, number>>): readonly Violation[] {
  return testFilesOf(house)
    .filter((file) => (ran[file] ?? 0) === 0)
    .map((file) => ({ rule: 'ran', file, message: file in ran ? 'ran no test' : 'was not run' }));
}

function matches(file: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesGlob(file, pattern));
}
