// The rules about papers, the lock file and the test run pass what is sound and catch what is planted.
import { expect, test } from 'vitest';
import { plant, shown } from '../planted.ts';
import { droppedPlatforms, machineTraces } from './leaks.ts';
import { levelTable, testLine } from './papers.ts';
import { homelessTests, testsNotRun } from './test-files.ts';

const table = [
  { room: 'packages/bus', level: 0 },
  { room: 'cmd/node', level: 7 },
];

test('the level table of the paper is held to the one of the rule', () => {
  const page = '| level | rooms |\n|---|---|\n| 0 | `packages/bus` | NATS |\n| 7 | `cmd/node` |\n';
  expect(levelTable(plant({ 'docs/architecture.md': page }), table)).toEqual([]);
  expect(shown(levelTable(plant({ 'docs/architecture.md': page.replace('| 7 |', '| 6 |') }), table))).toEqual(
    [
      'docs/architecture.md the table lacks cmd/node on level 7',
      'docs/architecture.md the table has cmd/node on level 6, the rule has not',
    ],
  );
});

test('the README and the script must name the same test line', () => {
  const script = 'test_line=\'npm ci && npm test\'\nbash -c "$test_line"\n';
  expect(testLine(plant({ '.ci/run': script, 'README.md': '## Test\n\nnpm ci && npm test\n' }))).toEqual([]);
  expect(shown(testLine(plant({ '.ci/run': script, 'README.md': 'npm test' })))).toEqual([
    'README.md does not have the line: npm ci && npm test',
  ]);
  expect(testLine(plant({ '.ci/run': "test_line='x'", 'README.md': 'x' }))).toHaveLength(1);
  expect(testLine(plant())).toHaveLength(1);
});

const trace = (...parts: string[]): string => ['', ...parts].join('/');

test('paths of a machine are caught in every file, scratch paths outside prose', () => {
  const house = plant({
    'a.yaml': `store: ${trace('home', 'bob', 'x')}`,
    'b.md': `see ${trace('tmp', 'out')} and ${trace('root', 'x')}`,
    'c.ts': `open('${trace('tmp', 'out')}')`,
  });
  expect(machineTraces(house).map(({ file }) => file)).toEqual(['a.yaml', 'b.md', 'c.ts']);
});

test('paths that belong to no machine are left alone', () => {
  const house = plant({
    'a.md':
      '`~/work/x`, `$HOME/home/x`, https://host/home/x, ./root/x, docs/work/x, `/usr/bin/env`, /home/ada/x',
  });
  expect(machineTraces(house)).toEqual([]);
});

test('the host of a package registry is caught', () => {
  const house = plant({
    'a.json': `{"resolved": "https:/${trace('registry.example.org', 'x.tgz')}"}`,
    'b.md': 'https://nats.io/x',
  });
  expect(shown(machineTraces(house))).toHaveLength(1);
});

test('a platform package that the lock file names but does not hold is caught', () => {
  const entry = { optionalDependencies: { 'x-linux': '1.0.0', 'x-darwin': '1.0.0' } };
  const packages = {
    '': { optionalDependencies: { y: '1.0.0' } },
    'node_modules/y': {},
    'node_modules/x': entry,
    'node_modules/x-linux': {},
    'node_modules/z/node_modules/x': entry,
    'node_modules/z/node_modules/x-darwin': {},
  };
  expect(shown(droppedPlatforms(plant({ 'package-lock.json': JSON.stringify({ packages }) })))).toEqual([
    'package-lock.json node_modules/x names x-darwin, which has no entry',
  ]);
});

test('a test file outside every project, or in two, is caught', () => {
  const unit = { name: 'unit', include: ['packages/*/src/**/*.test.ts'], exclude: ['**/*.int.test.ts'] };
  const integration = {
    name: 'integration',
    include: ['packages/*/{src,test}/**/*.int.test.ts'],
    exclude: [],
  };
  const house = plant({ 'packages/bus/test/deep/a.int.test.ts': '', 'packages/bus/lib/a.test.ts': '' });
  expect(shown(homelessTests(house, [unit, integration]))).toEqual([
    'packages/bus/lib/a.test.ts wants one vitest project, has none',
  ]);
  expect(shown(homelessTests(plant(), [unit, { ...unit, name: 'again' }]))).toEqual([
    'packages/variables/src/a.test.ts wants one vitest project, has unit, again',
  ]);
});

test('a test file that did not run, or ran no test, is caught', () => {
  const file = 'packages/variables/src/a.test.ts';
  expect(testsNotRun(plant(), { [file]: 1 })).toEqual([]);
  expect(shown(testsNotRun(plant(), { [file]: 0 }))).toEqual([`${file} ran no test`]);
  expect(shown(testsNotRun(plant(), {}))).toEqual([`${file} was not run`]);
});
