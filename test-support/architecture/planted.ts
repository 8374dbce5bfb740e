// A small house for the rules' own tests: two packages, a command, testing, and whatever a test plants in it.
import { surveyHouse, type House } from './house.ts';
import type { Violation } from './tree.ts';

function manifest(
  name: string,
  dependencies: readonly string[],
  exports: Record<string, string> = { '.': 'index' },
): string {
  return JSON.stringify({
    name,
    dependencies: Object.fromEntries(dependencies.map((one) => [one, '1.0.0'])),
    exports: Object.fromEntries(
      Object.entries(exports).map(([subpath, file]) => [subpath, { '@mabeam/source': `./src/${file}.ts` }]),
    ),
  });
}

const sound: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'root', devDependencies: { vitest: '1.0.0' } }),
  'packages/bus/package.json': manifest('@mabeam/bus', ['@nats-io/transport-node'], {
    '.': 'index',
    './server': 'server/index',
  }),
  'packages/bus/src/index.ts': "import { connect } from '@nats-io/transport-node';\nexport { connect };\n",
  'packages/bus/src/server/index.ts': "import { spawn } from 'node:child_process';\nexport { spawn };\n",
  'packages/variables/package.json': manifest('@mabeam/variables', ['@mabeam/bus']),
  'packages/variables/src/index.ts':
    "export { connect } from '@mabeam/bus';\nexport type { A } from './a.ts';\n",
  'packages/variables/src/a.ts':
    "import type { spawn } from '@mabeam/bus/server';\nexport type A = typeof spawn;\n",
  'packages/variables/src/a.test.ts':
    "import 'vitest';\nimport '@mabeam/testing';\nimport '@mabeam/variables';\n",
  'packages/testing/package.json': manifest('@mabeam/testing', ['@mabeam/bus']),
  'packages/testing/src/index.ts': "import '@mabeam/bus/server';\n",
  'cmd/node/package.json': manifest('mabeam-node', ['@mabeam/bus', '@opentelemetry/sdk-trace']),
  'cmd/node/src/index.ts': "import '@opentelemetry/sdk-trace';\n",
};

/** The sound house with files added or replaced. */
export function plant(files: Readonly<Record<string, string>> = {}): House {
  return surveyHouse(new Map(Object.entries({ ...sound, ...files })));
}

/** Violations as `file:line message`, the form the tests compare. */
export function shown(violations: readonly Violation[]): readonly string[] {
  return violations.map(
    ({ file, line, message }) => `${file}${line === undefined ? '' : `:${line}`} ${message}`,
  );
}
