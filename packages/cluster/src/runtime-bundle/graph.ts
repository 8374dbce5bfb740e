/** Which modules a bundle is made of: what is imported from the wanted ones, by the bundler's own resolution. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin, RolldownOptions } from 'rolldown';
import { isLateLocale } from './transforms.ts';

/** A module that has a name in the bundle. */
export interface NamedModule {
  readonly file: string;
  readonly exports: readonly string[];
}

/** The modules of a bundle. */
export interface Graph {
  /** Files of all modules, those that are loaded late too. */
  readonly files: readonly string[];
  /** Files of those that are loaded at once. */
  readonly early: readonly string[];
  readonly named: readonly NamedModule[];
}

/** What to start from: URLs. Of `preload` the imports are wanted, not the modules. */
export interface Roots {
  readonly preload: readonly string[];
  readonly modules: readonly string[];
}

interface ModuleFound {
  readonly importedIds: readonly string[];
  readonly code: string;
  readonly isModule: boolean;
}

/** Reads all modules and writes nothing. Throws what the bundler throws, and for an export that may be assigned again. */
export async function readGraph(options: RolldownOptions, roots: Roots): Promise<Graph> {
  const preload = roots.preload.map((url) => fileURLToPath(url));
  const input = [...preload, ...roots.modules.map((url) => fileURLToPath(url))];
  const found = await findModules(options, input);
  const early = [...reachable(input, found)].filter((file) => !preload.includes(file));
  const named = early.filter(
    (file) =>
      !preload.includes(file) && found.get(file)?.isModule === true && isNamed(file) && !isLateLocale(file),
  );
  const changing = named.find((file) => /^export let /m.test(found.get(file)?.code ?? ''));
  if (changing !== undefined) throw new Error(`${changing} exports what it may assign again`);
  return { files: [...found.keys()], early, named: await readExports(options, named) };
}

async function findModules(
  options: RolldownOptions,
  input: string[],
): Promise<ReadonlyMap<string, ModuleFound>> {
  const { rolldown } = await import('rolldown');
  const found = new Map<string, ModuleFound>();
  const collect: Plugin = {
    name: 'mabeam:collect',
    buildEnd() {
      for (const id of this.getModuleIds()) {
        const info = this.getModuleInfo(id);
        if (info === null || !isAbsolute(id)) continue;
        const { importedIds, code, inputFormat } = info;
        found.set(id, { importedIds, code: code ?? '', isModule: inputFormat === 'es' });
      }
    },
  };
  await using bundler = await rolldown({ ...options, input, plugins: [options.plugins, collect] });
  await bundler.generate({ format: 'esm' });
  return found;
}

/** The names under which each module exports, those of `export *` too: the bundler makes an entry of each. */
async function readExports(
  options: RolldownOptions,
  files: readonly string[],
): Promise<readonly NamedModule[]> {
  const { rolldown } = await import('rolldown');
  await using bundler = await rolldown({ ...options, input: [...files], preserveEntrySignatures: 'strict' });
  const { output } = await bundler.generate({ format: 'esm' });
  const exports = new Map(
    output.flatMap((file) =>
      file.type === 'chunk' && file.facadeModuleId !== null
        ? [[file.facadeModuleId, file.exports] as const]
        : [],
    ),
  );
  return files.map((file) => ({ file, exports: exports.get(file) ?? [] }));
}

/** Everything that is loaded with the first modules: what is imported by `import()` is not. */
function reachable(from: readonly string[], found: ReadonlyMap<string, ModuleFound>): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = [...from];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (seen.has(id) || !found.has(id)) continue;
    seen.add(id);
    waiting.push(...(found.get(id)?.importedIds ?? []));
  }
  return seen;
}

/** The packages that agents import themselves. */
const namedPackages = /^(?:@mabeam\/.+|zod|@opentelemetry\/api)$/;

function isNamed(file: string): boolean {
  const manifest = manifestsAbove(file).at(-1);
  return manifest !== undefined && namedPackages.test(nameIn(manifest) ?? '');
}

/** The package.json files between a file and the root of its package, which has a name and is the last. */
function manifestsAbove(file: string): readonly string[] {
  const found: string[] = [];
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (!existsSync(manifest)) continue;
    found.push(manifest);
    if (nameIn(manifest) !== undefined) break;
  }
  return found;
}

function nameIn(manifest: string): string | undefined {
  // Node has read the file too when it resolved the module; only the name matters.
  const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly name?: string };
  return name;
}

/**
 * The files on which a bundle depends: its modules, their package.json files, and npm's list of what is installed, which
 * changes with every installation.
 */
export function inputFiles({ files }: Graph): readonly string[] {
  const manifests = files.flatMap((file) => manifestsAbove(file));
  const folders = new Set(
    files.flatMap((file) =>
      [...file.matchAll(/[/\\]node_modules(?=[/\\])/g)]
        .map(({ index }) => index)
        .map((index) => file.slice(0, index)),
    ),
  );
  const installed = [...folders].map((folder) => join(folder, 'node_modules', '.package-lock.json'));
  return [...new Set([...files, ...manifests, ...installed])].toSorted();
}
