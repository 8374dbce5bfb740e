// Each direction rule passes the sound house and catches what is planted in it.
import { expect, test } from 'vitest';
import { plant, shown } from '../planted.ts';
import { circlesIn } from './circles.ts';
import {
  deepImports,
  importCircles,
  misplacedImports,
  undeclaredImports,
  upwardImports,
} from './directions.ts';

test('the sound house breaks no rule of direction', () => {
  const rules = [upwardImports, undeclaredImports, deepImports, misplacedImports, importCircles];
  expect(rules.flatMap((rule) => shown(rule(plant())))).toEqual([]);
});

test('an import upwards is caught, also of types only', () => {
  const house = plant({ 'packages/bus/src/x.ts': "import type { A } from '@mabeam/variables';" });
  expect(shown(upwardImports(house))).toEqual([
    'packages/bus/src/x.ts:1 imports upwards from @mabeam/variables',
  ]);
});

test('an import on the same level and one of the own package by name are caught', () => {
  const house = plant({
    'packages/telemetry/package.json': '{"name":"@mabeam/telemetry"}',
    'packages/variables/src/x.ts': "await import('@mabeam/telemetry');\nimport '@mabeam/variables';",
  });
  expect(shown(upwardImports(house))).toEqual([
    'packages/variables/src/x.ts:1 imports upwards from @mabeam/telemetry',
    'packages/variables/src/x.ts:2 imports upwards from @mabeam/variables',
  ]);
});

test('testing is out of reach for everything but tests', () => {
  const house = plant({
    'cmd/node/src/x.ts': "import '@mabeam/testing';",
    'cmd/node/test/x.int.test.ts': "import '@mabeam/testing';",
  });
  expect(shown(upwardImports(house))).toEqual(['cmd/node/src/x.ts:1 imports upwards from @mabeam/testing']);
});

test('a dependency upwards and a workspace without a level are caught', () => {
  const house = plant({
    'packages/bus/package.json': '{"name":"@mabeam/bus","dependencies":{"@mabeam/variables":"1.0.0"}}',
    'packages/attic/package.json': '{"name":"@mabeam/attic"}',
  });
  expect(shown(upwardImports(house))).toEqual([
    'packages/attic/package.json has no row in the level table',
    'packages/bus/package.json depends upwards on @mabeam/variables',
  ]);
});

test('an undeclared package is caught, in a test too when the root does not have it', () => {
  const house = plant({
    'packages/bus/src/x.ts': "import 'zod';\nimport 'fs';\nimport 'vitest';",
    'packages/bus/src/x.test.ts': "import 'left-pad/lib';\nimport 'vitest/node';\nimport 'node:fs';",
  });
  expect(shown(undeclaredImports(house))).toEqual([
    'packages/bus/src/x.ts:1 zod is not declared in packages/bus/package.json',
    'packages/bus/src/x.ts:2 fs (write node:fs) is not declared in packages/bus/package.json',
    'packages/bus/src/x.ts:3 vitest is not declared in packages/bus/package.json',
    'packages/bus/src/x.test.ts:1 left-pad is not declared in packages/bus/package.json',
  ]);
});

test('a way past the exports is caught, by name and by path', () => {
  const house = plant({
    'packages/variables/src/x.ts':
      "import '@mabeam/bus/src/index.ts';\nexport * from '../../bus/src/index.ts';",
    'test-support/x.ts': "import '../packages/bus/src/index.ts';\nimport '@mabeam/bus/server';",
  });
  expect(shown(deepImports(house))).toEqual([
    'packages/variables/src/x.ts:1 @mabeam/bus does not export ./src/index.ts',
    'packages/variables/src/x.ts:2 ../../bus/src/index.ts leaves its workspace',
    'test-support/x.ts:1 ../packages/bus/src/index.ts leaves its workspace',
  ]);
});

test('NATS outside the bus and the SDK outside telemetry and cmd are caught', () => {
  const house = plant({
    'packages/variables/src/x.ts':
      "import '@nats-io/jetstream';\nimport '@opentelemetry/otlp-transformer';\nimport '@opentelemetry/api';",
    'docs/examples/01-a/package.json': '{"name":"a"}',
    'docs/examples/01-a/src/x.ts': "import type { T } from '@opentelemetry/sdk-trace';",
  });
  expect(shown(misplacedImports(house))).toEqual([
    'packages/variables/src/x.ts:1 only packages/bus speaks NATS, not @nats-io/jetstream',
    'packages/variables/src/x.ts:2 only packages/telemetry and cmd load the OpenTelemetry SDK, not @opentelemetry/otlp-transformer',
    'docs/examples/01-a/src/x.ts:1 only packages/telemetry and cmd load the OpenTelemetry SDK, not @opentelemetry/sdk-trace',
  ]);
});

test('a circle of files is caught, also when types alone close it', () => {
  const house = plant({
    'packages/bus/src/a.ts': "import { b } from './b.ts';",
    'packages/bus/src/b.ts': "export type { C } from './c.ts';",
    'packages/bus/src/c.ts': "import type { A } from './a.ts';",
  });
  expect(shown(importCircles(house))).toEqual([
    'packages/bus/src/a.ts imports in a circle: packages/bus/src/a.ts → packages/bus/src/b.ts → packages/bus/src/c.ts',
  ]);
});

test('a circle across packages is caught though no circle of files closes', () => {
  const house = plant({ 'packages/bus/src/x.ts': "import '@mabeam/variables';" });
  expect(shown(importCircles(house))).toEqual([
    '@mabeam/bus imports in a circle: @mabeam/bus → @mabeam/variables',
  ]);
});

test('circles are found once each, with loops on one node and not with trees', () => {
  const graph = new Map(
    Object.entries({ a: 'bc', b: 'd', c: 'd', d: '', e: 'fe', f: 'g', g: 'f' }).map(([node, next]) => [
      node,
      new Set(next),
    ]),
  );
  expect(circlesIn(graph)).toEqual([['f', 'g'], ['e']]);
});
