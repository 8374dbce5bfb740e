// Runtime bundles of a planted package: one copy of a module, never a stale one, and plain modules whenever something is off.
import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { parseAgentSpec } from '@mabeam/agents';
import { waitFor } from '@mabeam/testing';
import { openRuntimeBundle, type RuntimeBundle } from '../src/runtime-bundle/runtime-bundle.ts';
import { hosted, openStage } from './hosting.ts';

/** How long a build may take, and what starts with it. */
const patienceMs = 50_000;

// Each test makes a bundle or two.
vi.setConfig({ testTimeout: 2 * patienceMs + 20_000 });

const plantManifest = (version: string): string =>
  JSON.stringify({
    name: '@mabeam/plant',
    version,
    type: 'module',
    exports: { '.': './index.js', './late': './late.js' },
  });

const indexOf = (answer: string): string => `export { Fault } from './fault.js';

/* c8: a comment, and one that is not ASCII: é */
export const answer = () => '${answer} – é';
export const trace = () => new Error('traced').stack;
globalThis.loads = (globalThis.loads ?? 0) + 1;
export { answer as default, answer as null };
`;

const files: Readonly<Record<string, string>> = {
  'node_modules/@mabeam/plant/package.json': plantManifest('1.0.0'),
  'node_modules/@mabeam/plant/index.js': indexOf('bundled'),
  'node_modules/@mabeam/plant/fault.js': 'export class Fault extends Error {}\n',
  'node_modules/@mabeam/plant/late.js':
    "import { Fault } from './fault.js';\nexport const fault = () => new Fault('late');\n",
  'preload.mjs': "import { Fault } from '@mabeam/plant';\nglobalThis.preloaded = Fault;\n",
  'agent.mjs': `import { Fault, answer, trace } from '@mabeam/plant';
import * as plant from '@mabeam/plant';
import { fault } from '@mabeam/plant/late';
import { createRequire } from 'node:module';
const required = createRequire(import.meta.url)('@mabeam/plant');
console.log(JSON.stringify({
  answer: answer(),
  isOneFault: globalThis.preloaded === Fault && fault() instanceof Fault && required.Fault === Fault,
  loads: globalThis.loads,
  names: Object.keys(plant),
  trace: trace(),
}));
`,
  'hosted.mjs': `const { MABEAM_RUNTIME_BUNDLE: folder } = process.env;
console.log(JSON.stringify({ folder, isBundled: Symbol.for('mabeam.runtime-bundle') in globalThis }));
setInterval(() => undefined, 1_000);
`,
  'elsewhere/node_modules/@mabeam/plant/package.json': plantManifest('2.0.0'),
  'elsewhere/node_modules/@mabeam/plant/index.js': indexOf('another version'),
  'elsewhere/node_modules/@mabeam/plant/fault.js': 'export class Fault extends Error {}\n',
  'elsewhere/agent.mjs':
    "import { answer } from '@mabeam/plant';\nconsole.log(JSON.stringify({ answer: answer() }));\n",
};

function plantProject(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'mabeam-bundle-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const urlIn = (root: string, path: string): string => pathToFileURL(join(root, path)).href;

function openIn(root: string, onProblem?: (error: unknown) => void): RuntimeBundle {
  const bundle = openRuntimeBundle({
    preload: [urlIn(root, 'preload.mjs')],
    modules: [urlIn(root, 'node_modules/@mabeam/plant/index.js')],
    conditions: [],
    folder: join(root, 'bundles'),
    buildAfterMs: 0,
    buildPriority: 0,
    ...(onProblem === undefined ? {} : { onProblem }),
  });
  onTestFinished(() => bundle[Symbol.asyncDispose]());
  return bundle;
}

const soon = (): AbortSignal => AbortSignal.timeout(patienceMs);

interface Said {
  readonly answer: string;
  readonly isOneFault: boolean;
  readonly loads: number;
  readonly names: readonly string[];
  readonly trace: string;
  readonly warnings: string;
}

/** Runs a module as a host starts an agent with a bundle. */
function runAgent(root: string, module: string, bundle: RuntimeBundle, folder: string): Promise<Said> {
  const args = ['--import', bundle.boot, '--import', urlIn(root, 'preload.mjs'), join(root, module)];
  const env = { ...process.env, MABEAM_RUNTIME_BUNDLE: folder, NODE_COMPILE_CACHE: join(root, 'compiled') };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env, timeout: patienceMs }, (error, stdout, stderr) => {
      if (error !== null) reject(error);
      // The module above has written it.
      else resolve({ ...(JSON.parse(stdout) as Omit<Said, 'warnings'>), warnings: stderr });
    });
  });
}

test('preload, agent, a module outside the bundle and require share one copy of every module', async () => {
  const root = plantProject();
  const bundle = openIn(root);
  const folder = await bundle.build(soon());
  // What is on the disk now is not what is in the bundle: the answer tells from where it comes.
  writeFileSync(join(root, 'node_modules/@mabeam/plant/index.js'), indexOf('plain'));
  expect(await runAgent(root, 'agent.mjs', bundle, folder)).toMatchObject({
    answer: 'bundled – é',
    isOneFault: true,
    loads: 1,
    names: ['Fault', 'answer', 'default', 'null', 'trace'],
    warnings: '',
  });
});

test('a stack trace names the source, its line and its column', async () => {
  const root = plantProject();
  const bundle = openIn(root);
  const { trace } = await runAgent(root, 'agent.mjs', bundle, await bundle.build(soon()));
  const [title, first] = trace.split('\n');
  expect(title).toBe('Error: traced');
  expect(first).toContain(`${urlIn(root, 'node_modules/@mabeam/plant/index.js')}:5:28`);
  expect(trace).toContain(`${urlIn(root, 'agent.mjs')}:11:`);
});

test('another version of a package is loaded from its own files', async () => {
  const root = plantProject();
  const bundle = openIn(root);
  const said = await runAgent(root, 'elsewhere/agent.mjs', bundle, await bundle.build(soon()));
  expect(said.answer).toBe('another version – é');
});

test('a bundle is offered until a file it was made of changes, and a fresh one is made in the background', async () => {
  const root = plantProject();
  const bundle = openIn(root);
  expect(bundle.folder()).toBeUndefined();
  const first = await waitFor(() => bundle.folder(), { what: 'a bundle', timeoutMs: patienceMs });
  writeFileSync(
    join(root, 'node_modules/@mabeam/plant/fault.js'),
    'export class Fault extends TypeError {}\n',
  );
  expect(bundle.folder()).toBeUndefined();
  const again = openIn(root);
  expect(again.folder()).toBeUndefined();
  const second = await waitFor(() => again.folder(), { what: 'another bundle', timeoutMs: patienceMs });
  expect(second).not.toBe(first);
  expect(bundle.folder()).toBe(second);
});

test('an agent whose bundle is broken or gone starts from plain modules and says so', async () => {
  const root = plantProject();
  const bundle = openIn(root);
  const folder = await bundle.build(soon());
  writeFileSync(join(folder, 'runtime.cjs'), 'throw new Error("half written")');
  for (const given of [folder, join(root, 'nowhere')]) {
    const said = await runAgent(root, 'agent.mjs', bundle, given);
    expect(said).toMatchObject({ answer: 'bundled – é', isOneFault: true, loads: 1 });
    expect(said.warnings).toContain(`the runtime bundle ${given} is not usable`);
  }
  expect((await runAgent(root, 'agent.mjs', bundle, 'off')).warnings).toBe('');
});

test('two hosts that build at once both end with a whole bundle and leave nothing half done', async () => {
  const root = plantProject();
  const hosts = [openIn(root), openIn(root), openIn(root)];
  const folders = await Promise.all(
    hosts.map((host) =>
      waitFor(() => host.folder(), { what: 'each host has a bundle', timeoutMs: patienceMs }),
    ),
  );
  for (const folder of new Set(folders)) {
    expect(await runAgent(root, 'agent.mjs', openIn(root), folder)).toMatchObject({
      isOneFault: true,
      warnings: '',
    });
  }
  await waitFor(() => readdirSync(join(root, 'bundles')).every((name) => !/building|unfinished/.test(name)), {
    what: 'no build is under way',
    timeoutMs: patienceMs,
  });
});

test('sources that cannot be bundled are told, and nothing is kept', async () => {
  const root = plantProject();
  writeFileSync(join(root, 'node_modules/@mabeam/plant/fault.js'), 'export class Fault extends {\n');
  const told = Promise.withResolvers<unknown>();
  const bundle = openIn(root, told.resolve);
  expect(bundle.folder()).toBeUndefined();
  expect(await told.promise).toMatchObject({ code: 'bundle-failed' });
  expect(readdirSync(join(root, 'bundles'))).toEqual([]);
  await expect(bundle.build(soon())).rejects.toMatchObject({ code: 'bundle-failed' });
});

test('each run of a hosted agent is given the bundle that is fresh then, and none when it is not', async () => {
  const root = plantProject();
  const bundle = openIn(root);
  const folder = await bundle.build(soon());
  const stage = await openStage(inject('natsUrl'));
  const run = { module: join(root, 'hosted.mjs') };
  const instance = hosted(await stage.host(parseAgentSpec({ id: 'words', run }), { runtimeBundle: bundle }));
  const said = (index: number): Promise<unknown> =>
    waitFor(() => stage.lines[index], { what: `line ${index}`, timeoutMs: patienceMs });
  expect(await said(0)).toBe(`stdout: ${JSON.stringify({ folder, isBundled: true })}`);
  writeFileSync(
    join(root, 'node_modules/@mabeam/plant/fault.js'),
    'export class Fault extends RangeError {}\n',
  );
  process.kill(instance.pid ?? 0, 'SIGKILL');
  expect(await said(1)).toBe(`stdout: ${JSON.stringify({ folder: 'off', isBundled: false })}`);
});

test('a build clears away what has not been used for weeks, and nothing that is young', async () => {
  const root = plantProject();
  const folder = join(root, 'bundles');
  for (const name of ['0123-old', '.unfinished-old', '0123-young'])
    mkdirSync(join(folder, name), { recursive: true });
  const weeksAgo = new Date(Date.now() - 15 * 86_400_000);
  for (const name of ['0123-old', '.unfinished-old']) utimesSync(join(folder, name), weeksAgo, weeksAgo);
  const made = await openIn(root).build(soon());
  expect(readdirSync(folder).toSorted()).toEqual(['0123-young', basename(made)].toSorted());
});
