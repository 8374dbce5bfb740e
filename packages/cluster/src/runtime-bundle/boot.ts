/**
 * The preload of a bundled agent: evaluates the runtime bundle that `$MABEAM_RUNTIME_BUNDLE` names, and lets every import of
 * a module that is in it have the bundle's copy. Without the variable it does nothing.
 *
 * L1  A module has one copy: an import resolves as ever, and what it resolves to is taken from the bundle when it is there.
 *     Everything else – another version, a module of the user's – is loaded from its own file.
 * L2  Whatever is wrong with the bundle, the agent starts from plain modules, and a warning says why.
 * L3  Stack traces name the sources; what is needed for that is read at the first such trace.
 *
 * It is the first thing an agent loads: it imports nothing, and takes what it needs of Node by `getBuiltinModule`, which
 * makes no module facades.
 */
/** What a bundle's `modules.json` holds: for each URL the member that hands out its exports, and their names. */
export type BundledModules = Readonly<Record<string, readonly string[]>>;

/** Values of a module's exports, in the order in which its facade names them. */
type Exports = () => readonly unknown[];

interface RuntimeGlobal {
  [slot: symbol]: Readonly<Record<string, Exports>> | undefined;
}

function loadOrWarn(bundle: string): void {
  try {
    loadBundle(bundle);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(`started from plain modules, the runtime bundle ${bundle} is not usable: ${why}`);
  }
}

/** Reads everything before it changes anything: a broken bundle leaves no trace (L2). */
function loadBundle(bundle: string): void {
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const { registerHooks } = process.getBuiltinModule('node:module');
  // Written by the builder of this bundle, whose shape BundledModules is.
  const modules = JSON.parse(readFileSync(`${bundle}/modules.json`, 'utf8')) as BundledModules;
  const { exports } = openChunks(bundle)('runtime.cjs');
  // The one global of the bundle: its facades have no other way to it, and its key is a symbol of ours.
  const holder = globalThis as typeof globalThis & RuntimeGlobal;
  holder[Symbol.for('mabeam.runtime-bundle')] = exports['modules'];
  registerHooks({
    load: (url, context, nextLoad) => {
      const bundled = modules[url];
      return bundled === undefined
        ? nextLoad(url, context)
        : { format: 'module', source: facadeOf(bundled), shortCircuit: true };
    },
  });
  nameSources(bundle);
}

/** The source of a module that has the bundle's exports; it takes their values when it is loaded, after all are there. */
function facadeOf([member, ...names]: readonly string[]): string {
  const values = names.map((_, index) => `v${index}`).join(', ');
  const handed = names.map((name, index) => `v${index} as ${name}`).join(', ');
  return `const [${values}] = globalThis[Symbol.for('mabeam.runtime-bundle')].${member}();\nexport { ${handed} };\n`;
}

interface Chunk {
  readonly exports: Record<string, Readonly<Record<string, Exports>>>;
}

/** Parts of Node that an agent seldom needs: loaded when something of them is used. */
const seldom: ReadonlySet<string> = new Set(['node:fs/promises', 'node:dns']);

/** Evaluates the files of a bundle, each once. */
function openChunks(bundle: string): (name: string) => Chunk {
  const { createRequire } = process.getBuiltinModule('node:module');
  const chunks = new Map<string, Chunk>();
  const requireFor = (name: string): unknown => {
    if (name.startsWith('./')) return open(name.slice(2)).exports;
    if (seldom.has(name)) return lazily(name);
    return process.getBuiltinModule(name) ?? createRequire(`${bundle}/`)(name);
  };
  const open = (name: string): Chunk => {
    const known = chunks.get(name);
    if (known !== undefined) return known;
    const chunk: Chunk = { exports: {} };
    chunks.set(name, chunk);
    compileChunk(bundle, name)(chunk.exports, requireFor, chunk);
    return chunk;
  };
  return open;
}

function lazily(name: string): object {
  return new Proxy({}, { get: (_, key) => Reflect.get(process.getBuiltinModule(name) ?? {}, key) });
}

type Evaluate = (exports: Chunk['exports'], require: (name: string) => unknown, module: Chunk) => void;

/** After this the functions that a start needs have been compiled; what V8 made of them is kept for the next start. */
const keepCodeAfterMs = 2_000;

/**
 * Compiles a file as a function. Node's own cache of compiled code keeps what is compiled before the first line runs; ours is
 * taken from an agent that has started, with all the functions it has called.
 */
function compileChunk(bundle: string, name: string): Evaluate {
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const { Script, constants } = process.getBuiltinModule('node:vm');
  // The builder has made a function expression of it, and left nothing but ASCII, which V8 takes as it is.
  const source = readFileSync(`${bundle}/${name}`, 'latin1');
  const codeFile = `${bundle}/${name}.${codeTag()}`;
  const cachedData = readIfThere(codeFile);
  const script = new Script(source, {
    filename: `${bundle}/${name}`,
    ...(cachedData === undefined ? {} : { cachedData }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (cachedData === undefined && name === 'shared.cjs') {
    setTimeout(() => keepCode(codeFile, () => script.createCachedData()), keepCodeAfterMs).unref();
  }
  // What the builder wrote is such a function.
  return script.runInThisContext() as Evaluate;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(file);
  } catch {
    return undefined;
  }
}

/** V8 takes compiled code back only under the same version and flags. */
function codeTag(): string {
  const { version, arch, execArgv, env } = process;
  let hash = 0;
  for (const letter of [...execArgv, env['NODE_OPTIONS'] ?? ''].join('\n')) {
    hash = (hash * 31 + letter.charCodeAt(0)) % 0x1_0000_0000;
  }
  return `${version}-${arch}-${hash.toString(16)}.code`;
}

/** Writes the code unless somebody has; agents that start at once may both, and the last one's is as good. */
function keepCode(file: string, make: () => Buffer): void {
  const { existsSync, renameSync, writeFileSync } = process.getBuiltinModule('node:fs');
  if (existsSync(file)) return;
  try {
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, make(), { mode: 0o600 });
    renameSync(unfinished, file);
  } catch {
    // A full or vanished folder: agents go on compiling for themselves.
  }
}

/** A line of a stack trace; V8 writes it as text, which Node's types do not say. */
interface WrittenSite extends NodeJS.CallSite {
  toString(): string;
}

/** Lets stack traces name the sources (L3), unless Node was told to do that itself. */
function nameSources(bundle: string): void {
  if (process.sourceMapsEnabled) return;
  const formatted = Error.prepareStackTrace?.bind(Error);
  const placeOf = openPlaces();
  const isOurs = (site: WrittenSite): boolean => site.getFileName()?.startsWith(`${bundle}/`) === true;
  const nameOf = (site: WrittenSite): string => {
    const text = site.toString();
    const [file, line, column] = [site.getFileName() ?? '', site.getLineNumber(), site.getColumnNumber()];
    if (!isOurs(site) || line === null || column === null) return text;
    return text.replace(`${file}:${line}:${column}`, placeOf(file, line, column));
  };
  Error.prepareStackTrace = (error, sites) => {
    if (formatted !== undefined && !sites.some(isOurs)) return formatted(error, sites);
    return [Error.prototype.toString.call(error), ...sites.map((site) => `    at ${nameOf(site)}`)].join(
      '\n',
    );
  };
}

/** Where a line of the bundle comes from, as `URL:LINE:COLUMN`; what cannot be read is told as it is in the bundle. */
function openPlaces(): (file: string, line: number, column: number) => string {
  const known = new Map<string, { readonly lines: readonly string[]; readonly sources: readonly string[] }>();
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const read = (file: string): { readonly lines: readonly string[]; readonly sources: readonly string[] } => {
    const lines = readFileSync(`${file}.places`, 'latin1').split('\n');
    // Written by the builder: URLs.
    const sources = JSON.parse(readFileSync(`${file}.sources.json`, 'utf8')) as readonly string[];
    known.set(file, { lines, sources });
    return { lines, sources };
  };
  return (file, line, column) => {
    const here = `${file}:${line}:${column}`;
    try {
      const { lines, sources } = known.get(file) ?? read(file);
      const segments = (lines[line - 1] ?? '').split(' ').map((segment) => segment.split(',').map(Number));
      const [, source, at, along] = segments.findLast(([generated = 0]) => generated < column) ?? [];
      if (source === undefined || at === undefined || along === undefined) return here;
      return `${sources[source]}:${at + 1}:${along + 1}`;
    } catch {
      return here;
    }
  };
}

// At the end, when all constants above are there.
const folder = process.env['MABEAM_RUNTIME_BUNDLE'];
if (folder !== undefined && folder !== '' && folder !== 'off') loadOrWarn(folder);
