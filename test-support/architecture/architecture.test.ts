// The house as it stands: every rule over the real tree.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import config from '../../vitest.config.ts';
import { describeViolation, rules } from './check.ts';
import { surveyHouse } from './house.ts';
import { homelessTests, type Project } from './rules/test-files.ts';
import { readTree } from './tree.ts';

const house = surveyHouse(readTree(fileURLToPath(new URL('../..', import.meta.url))));

/** The projects as vitest.config.ts writes them: objects with a name and patterns. */
function projectsOf(written: unknown): readonly Project[] {
  // defineConfig types a project as one of several forms; ours are all inline objects.
  const { test: options } = written as { test: { projects: { test: Partial<Project> }[] } };
  return options.projects.map(({ test: project }) => ({ name: '', include: [], exclude: [], ...project }));
}

for (const [sentence, rule] of Object.entries(rules)) {
  test(sentence, () => {
    expect(rule(house).map(describeViolation)).toEqual([]);
  });
}

test('every test file belongs to exactly one vitest project', () => {
  expect(homelessTests(house, projectsOf(config)).map(describeViolation)).toEqual([]);
});

test('the survey has read the sources: every workspace has files and the bus imports NATS', () => {
  const empty = house.members.filter(
    ({ folder }) => !house.files.some(({ member }) => member.folder === folder),
  );
  expect(empty.map(({ name }) => name)).toEqual([]);
  expect(house.files.flatMap(({ imports }) => imports.map(({ specifier }) => specifier))).toContain(
    '@nats-io/transport-node',
  );
});
