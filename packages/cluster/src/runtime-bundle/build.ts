/**
 * Makes a runtime bundle: the modules that every agent loads, as one script (docs/decisions/0014-runtime-bundle.md).
 *
 * M1  A bundle appears whole or not at all: it is written beside its place and renamed.
 * M2  It says which files it was made of; one that changed while it was made is not kept.
 * M3  Every module of the packages that agents import themselves is there with all its exports, under the URL to which Node
 *     resolves it. What only those packages use – the client, the SDK – is in it too, but under no name.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OutputChunk, RolldownOptions } from 'rolldown';
import type { BundledModules } from './boot.ts';
import { stampOf, touchedSince } from './freshness.ts';
import { inputFiles, readGraph, type Graph } from './graph.ts';
import { placesOf } from './places.ts';
import { ownUrl, loadLocalesLate } from './transforms.ts';

/** What to build, and where. */
export interface BuildOrder {
  /** The folder of all bundles. */
  readonly folder: string;
  /** How the name of the bundle's own folder begins. */
  readonly key: string;
  /** URLs of modules whose imports are wanted, but not they themselves: they act when they are loaded. */
  readonly preload: readonly string[];
  /** URLs of modules that are wanted. */
  readonly modules: readonly string[];
  /** Conditions of imports, beside Node's own. */
  readonly conditions: readonly string[];
}

/** Builds a bundle and returns its folder. Throws what the bundler throws, and when a source changes meanwhile (M2). */
export async function buildRuntimeBundle(order: BuildOrder): Promise<string> {
  const startedAtMs = Date.now();
  const options = bundlerOptions(order.conditions);
  const graph = await readGraph(options, order);
  const { modules, entry } = entryOf(graph);
  const chunks = await bundle(options, entry, { folder: order.folder, early: new Set(graph.early) });
  const inputs = [...inputFiles(graph), ...ownFiles()].map((path) => stampOf(path));
  const changed = touchedSince(inputs, startedAtMs);
  if (changed !== undefined) throw new Error(`${changed} has changed while the bundle was made`);
  return place(order, `${startedAtMs.toString(36)}-${randomUUID().slice(0, 8)}`, {
    ...Object.fromEntries(chunks.flatMap((chunk) => chunkFiles(chunk, order.folder))),
    'modules.json': JSON.stringify(modules),
    'inputs.json': JSON.stringify(inputs),
  });
}

/** The files of the builder itself: another one may make something else of the same modules. */
function ownFiles(): readonly string[] {
  const folder = import.meta.dirname;
  return readdirSync(folder)
    .filter((name) => /(?<!\.test|\.d)\.[jt]s$/.test(name))
    .map((name) => join(folder, name));
}

/** Options of all passes. */
function bundlerOptions(conditions: readonly string[]): RolldownOptions {
  return {
    platform: 'node',
    logLevel: 'silent',
    resolve: { conditionNames: [...conditions, 'node', 'import'] },
    // Reading `process.env.X` or a property of a module of Node does nothing else.
    treeshake: { propertyReadSideEffects: false },
    // Native, with files of its own; whoever wants it does without it when it is not there.
    external: [/^node:/, 'msgpackr-extract'],
    plugins: [ownUrl, loadLocalesLate],
  };
}

interface Entry {
  readonly modules: BundledModules;
  /** The source of the bundle's first module: it hands out the exports of all others. */
  readonly entry: string;
}

/** The names of the bundle (M3). */
function entryOf({ named }: Graph): Entry {
  const modules: Record<string, readonly string[]> = {};
  const imports: string[] = [];
  const members: string[] = [];
  for (const [index, { file, exports }] of named.entries()) {
    const locals = exports.map((_, position) => `m${index}_${position}`);
    const renamed = exports.map((name, position) => `${name} as ${locals[position]}`);
    imports.push(`import { ${renamed.join(', ')} } from ${JSON.stringify(file)};`);
    members.push(`m${index}: () => [${locals.join(', ')}]`);
    modules[pathToFileURL(file).href] = [`m${index}`, ...exports];
  }
  return { modules, entry: `${imports.join('\n')}\nexport const modules = {\n${members.join(',\n')}\n};\n` };
}

const entryId = '\0mabeam-runtime';

/** Second pass: one script of all that is loaded at the start, and others for what is loaded late. */
async function bundle(
  options: RolldownOptions,
  entry: string,
  { folder, early }: { readonly folder: string; readonly early: ReadonlySet<string> },
): Promise<readonly OutputChunk[]> {
  const { rolldown } = await import('rolldown');
  const provideEntry = {
    name: 'mabeam:entry',
    resolveId: (id: string) => (id === entryId ? id : undefined),
    load: (id: string) => (id === entryId ? entry : undefined),
  };
  const plugins = [provideEntry, options.plugins];
  await using bundler = await rolldown({ ...options, input: { runtime: entryId }, plugins });
  const { output } = await bundler.generate({
    format: 'cjs',
    // Nothing is written there now; the names of the sources start from it.
    dir: folder,
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    codeSplitting: { groups: [{ name: 'shared', test: (id) => id.startsWith('\0') || early.has(id) }] },
    comments: false,
    keepNames: true,
    sourcemap: 'hidden',
  });
  return output.filter((file) => file.type === 'chunk');
}

/** A function expression with nothing but ASCII in it, which is half the size in memory, and where its lines come from. */
function chunkFiles(
  { fileName, code, map }: OutputChunk,
  folder: string,
): readonly (readonly [string, string])[] {
  const ascii = code.replaceAll(
    /[^\0-\u007f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const script = [fileName, `(function (exports, require, module) {${ascii}\n})`] as const;
  if (map === null) return [script];
  const sources = map.sources.map((source) => pathToFileURL(resolve(folder, source)).href);
  return [
    script,
    [`${fileName}.places`, placesOf(map.mappings)],
    [`${fileName}.sources.json`, JSON.stringify(sources)],
  ];
}

/** Puts the files into a folder that has its name only when all of them are there (M1). */
function place(order: BuildOrder, suffix: string, files: Readonly<Record<string, string>>): string {
  const unfinished = join(order.folder, `.unfinished-${suffix}`);
  const finished = join(order.folder, `${order.key}-${suffix}`);
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(unfinished, name), text);
    renameSync(unfinished, finished);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return finished;
}
