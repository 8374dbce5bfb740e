// Our packages, packed and installed into a plain Node project elsewhere: Node imports every entry without conditions, the
// compiler reads their types, and the team that the README shows runs there.
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { findServer } from '@mabeam/bus/server';
import { processesNaming, waitFor } from '@mabeam/testing';
import {
  installPlainProject,
  readmeFiles,
  runIn,
  startIn,
  type Ended,
  type PlainProject,
} from './plain-project.ts';
import { readManifest, repositoryRoot } from './workspaces.ts';

let project: PlainProject;

beforeAll(async () => {
  // Fetches one into the cache when there is none, so that no command below has to.
  await findServer();
  const compiler = readManifest(repositoryRoot).devDependencies?.['@types/node'];
  const schemas = readManifest(join(repositoryRoot, 'packages/agents')).dependencies?.['zod'];
  project = await installPlainProject([`@types/node@${compiler}`, `zod@${schemas}`]);
  const shown = Object.entries(await readmeFiles());
  for (const [name, text] of shown) await writeFile(join(project.folder, name), text);
});

afterAll(() => project[Symbol.asyncDispose]());

/** Runs one of our commands as a person does in the project. */
function run(...words: readonly string[]): Promise<Ended> {
  return runIn(project.folder, ['npx', '--no', '--', ...words]);
}

/** What can be imported, without the modules that are commands. */
function libraryEntries(): readonly string[] {
  return project.packages.flatMap(({ manifest: { name, bin, exports = {} } }) =>
    Object.keys(exports)
      .filter((subpath) => bin === undefined || subpath !== '.')
      .map((subpath) => `${name}${subpath.slice(1)}`),
  );
}

test('Node without any condition imports every entry from what was compiled', async () => {
  const entries = libraryEntries();
  expect(entries).toEqual(expect.arrayContaining(['@mabeam/bus/server', '@mabeam/agents', 'mabeam/dev']));
  const program = `
    const found = {};
    for (const entry of process.argv.slice(1))
      found[entry] = [import.meta.resolve(entry), Object.keys(await import(entry)).length];
    console.log(JSON.stringify(found));`;
  const node = ['node', '--input-type=module', '--eval', program, '--', ...entries];
  const { exit, stdout, stderr } = await runIn(project.folder, node);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  const installed = pathToFileURL(join(project.folder, 'node_modules')).href;
  // The program above wrote it.
  for (const [entry, [url, names]] of Object.entries(
    JSON.parse(stdout) as Record<string, [string, number]>,
  )) {
    expect(url).toMatch(new RegExp(`^${installed}/.*/dist/[^/]`));
    expect(names, entry).toBeGreaterThan(entry.endsWith('/register') ? -1 : 0);
  }
});

test('the compiler reads the types of every entry, strictly and with those of their dependencies', async () => {
  const imports = libraryEntries().map((entry, index) => `import * as entry${index} from '${entry}';`);
  const program = `${imports.join('\n')}
    import { defineAgent } from '@mabeam/agents';
    import { z } from 'zod';
    export const entries = [${imports.map((_, index) => `entry${index}`).join(', ')}];
    export const agent = defineAgent({
      input: z.object({ text: z.string() }),
      // @ts-expect-error: a text has no square root; a type that was lost would allow it.
      ask: ({ text }) => ({ root: Math.sqrt(text) }),
    });`;
  const compilerOptions = {
    module: 'nodenext',
    target: 'esnext',
    strict: true,
    noEmit: true,
    types: ['node'],
  };
  const config = {
    compilerOptions: { ...compilerOptions, skipLibCheck: false },
    files: ['use.ts', 'shout.ts'],
  };
  await writeFile(join(project.folder, 'use.ts'), program);
  await writeFile(join(project.folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc');
  const { exit, stdout } = await runIn(project.folder, ['node', compiler, '-p', '.']);
  expect({ exit, stdout }).toEqual({ exit: 0, stdout: '' });
});

test('each command is there and says what it is', async () => {
  const { version } = readManifest(join(repositoryRoot, 'cmd/mabeam'));
  expect((await run('mabeam', '--version')).stdout.trim()).toBe(version);
  const commands = project.packages.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}));
  expect(commands).toHaveLength(4);
  const helps = await Promise.all(commands.map((command) => run(command, '--help')));
  for (const [index, { exit, stdout }] of helps.entries()) {
    expect(exit).toBe(0);
    expect(stdout).toContain(commands[index]);
  }
});

test('the team of the README answers, obeys a variable, is traced, and Ctrl-C leaves nothing of it', async () => {
  const store = join(project.folder, 'store');
  await mkdir(store);
  const words = ['mabeam', 'dev', 'team.yaml', '--port', 'random', '--store', store, '-o', 'json'];
  const dev = startIn(project.folder, ['npx', '--no', '--', ...words]);
  onTestFinished(async () => {
    for (const { pid } of await processesNaming(project.folder)) process.kill(pid, 'SIGKILL');
  });
  const { url } = await dev.line(({ kind }) => kind === 'ready');
  const at = ['--server', String(url)];
  const ask = (): Promise<Ended> => run('mabeam', 'ask', 'shout', '{"text":"hello"}', ...at);
  const first = await waitFor(
    async () => {
      const answer = await ask();
      return answer.exit === 0 && answer;
    },
    { what: 'shout answers', timeoutMs: 15_000 },
  );
  expect(JSON.parse(first.stdout)).toEqual({ text: 'HELLO!' });
  expect((await run('mabeam', 'variable', 'set', 'shout.marks', '3', ...at)).exit).toBe(0);
  await waitFor(async () => (await ask()).stdout.includes('"HELLO!!!"'), {
    what: 'shout works with three marks',
    timeoutMs: 10_000,
  });

  // The agent's own span is there: the node has preloaded the telemetry that is installed beside it.
  const [, traceId] = /^trace (\w+)$/m.exec(first.stderr) ?? [];
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  await waitFor(
    async () =>
      (await run('mabeam', 'trace', String(traceId), ...at)).stdout.includes('serve ask.agent.shout'),
    { what: 'the span of shout is in the trace', timeoutMs: 10_000 },
  );

  const ended = once(dev.child, 'exit');
  dev.signal('SIGINT');
  await ended;
  await waitFor(async () => (await processesNaming(project.folder)).length === 0, {
    what: 'no process of the project is left',
    timeoutMs: 10_000,
  });
});
