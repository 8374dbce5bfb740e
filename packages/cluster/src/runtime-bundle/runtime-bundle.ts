/**
 * The runtime bundle of a host: a folder with the modules that all its agents load, as one script, so that they start sooner
 * and are smaller. It is made once, by a process in the background, and kept for the next host.
 *
 * B1  `folder` names a bundle only while all files it was made of are as they were then; else agents start from plain modules.
 * B2  Nobody waits for a bundle: it is made some seconds after the first agent that could have used it, at low priority, and
 *     agents started meanwhile do without.
 * B3  `MABEAM_RUNTIME_BUNDLE=off` in the host's environment: there is none, and none is made.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clusterError } from '../errors.ts';
import { importConditions } from '../launch.ts';
import { privateFolder } from '../private-folder.ts';
import type { BuildOrder } from './build.ts';
import { areFresh, type Stamp } from './freshness.ts';

/** What a host's agents have in common. */
export interface RuntimeBundleOptions {
  /** URLs of the modules that every agent is given with `--import`. */
  readonly preload: readonly string[];
  /** URLs of the modules that a bundle holds, with what they import. Default: `@mabeam/agents` and `zod`. */
  readonly modules?: readonly string[];
  /** Conditions of their imports, beside Node's own. Default: those under which this process imports our packages. */
  readonly conditions?: readonly string[];
  /** Where bundles are kept. Default: a folder that only this user can write. */
  readonly folder?: string;
  /** How long after the first agent without one a bundle is made. Default: 5 000. */
  readonly buildAfterMs?: number;
  /** The priority of that build, as of `setPriority`. Default: the lowest; on a machine that is never idle it has to wait. */
  readonly buildPriority?: number;
  /** A bundle could not be made; agents start from plain modules. */
  readonly onProblem?: (error: unknown) => void;
}

/** A build that takes longer is given up. */
const buildTimeoutMs = 60_000;

/** After a build a next one is not begun for this long: sources that change all the time are left alone. */
const restMs = 60_000;

/** Bundles that somebody may still use: these many of a kind are kept, and all that are younger; those of others for longer. */
const keptBundles = 3;
const keptMs = 86_400_000;
const otherKeptMs = 14 * keptMs;

/** Who is there for a build, and until when. */
interface BuildTerms {
  /** Somebody waits for it: it is not left to the idle time of the machine (B2). */
  readonly isAwaited: boolean;
  readonly signal: AbortSignal;
}

/** Opens the bundle of this host. Starts nothing yet (B2). */
export function openRuntimeBundle(options: RuntimeBundleOptions): RuntimeBundle {
  return new RuntimeBundle(options);
}

/** The handle of a host's bundle; disposing ends a build that is under way. Open it with {@link openRuntimeBundle}. */
export class RuntimeBundle implements AsyncDisposable {
  /** What agents are given with `--import`, before everything else. */
  readonly boot: string = bootModule;
  readonly #order: BuildOrder | undefined;
  readonly #options: RuntimeBundleOptions;
  #found: { readonly folder: string; readonly inputs: readonly Stamp[] } | undefined;
  #waiting: NodeJS.Timeout | undefined;
  #build: ChildProcess | undefined;
  #restUntilMs = 0;
  #isClosed = false;

  constructor(options: RuntimeBundleOptions) {
    this.#options = options;
    const isOff = process.env['MABEAM_RUNTIME_BUNDLE'] === 'off';
    const folder = isOff ? undefined : (options.folder ?? privateFolder('mabeam-runtime'));
    this.#order = folder === undefined ? undefined : orderOf(options, folder);
  }

  /** The folder of a bundle that is fresh now (B1), for `$MABEAM_RUNTIME_BUNDLE`; without one a build is put on the list. */
  folder(): string | undefined {
    if (this.#order === undefined) return undefined;
    if (this.#found === undefined || !areFresh(this.#found.inputs)) this.#found = findFresh(this.#order);
    if (this.#found === undefined) this.#buildLater();
    return this.#found?.folder;
  }

  /** Makes a bundle now, at the priority of this process, unless there is a fresh one. Throws `bundle-failed`, also where bundles are off. */
  async build(signal: AbortSignal): Promise<string> {
    if (this.#order !== undefined && findFresh(this.#order) === undefined) {
      await this.#runBuild(this.#order, { isAwaited: true, signal });
    }
    const folder = this.folder();
    if (folder === undefined) throw failed('no bundle is fresh after the build, or they are off');
    return folder;
  }

  #buildLater(): void {
    const order = this.#order;
    const isBusy = this.#waiting !== undefined || this.#build !== undefined || this.#isClosed;
    if (order === undefined || isBusy || performance.now() < this.#restUntilMs) return;
    const { buildAfterMs = 5_000, onProblem } = this.#options;
    this.#waiting = setTimeout(() => {
      this.#waiting = undefined;
      this.#runBuild(order, { isAwaited: false, signal: AbortSignal.timeout(buildTimeoutMs) }).catch(
        (error: unknown) => {
          if (!this.#isClosed) onProblem?.(error);
        },
      );
    }, buildAfterMs);
    this.#waiting.unref();
  }

  async #runBuild(order: BuildOrder, { isAwaited, signal }: BuildTerms): Promise<void> {
    const conditions = order.conditions.map((condition) => `--conditions=${condition}`);
    const args = [...conditions, fileURLToPath(buildModule), JSON.stringify(order)];
    const build = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], windowsHide: true });
    this.#build = build;
    try {
      if (!isAwaited) lowerPriority(build, this.#options.buildPriority);
      let said = '';
      build.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      const [code] = await once(build, 'close', { signal });
      if (code !== 0) throw failed(said.trim() || `the build ended with ${String(code)}`);
      prune(order);
    } catch (error) {
      build.kill('SIGKILL');
      throw error instanceof Error && 'code' in error && error.code === 'bundle-failed'
        ? error
        : failed('the build did not end in time, or could not be started', error);
    } finally {
      this.#build = undefined;
      this.#restUntilMs = hasBundler() ? performance.now() + restMs : Infinity;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    const build = this.#build;
    if (build === undefined || build.exitCode !== null || build.signalCode !== null) return;
    const ended = once(build, 'exit');
    build.kill('SIGKILL');
    await ended;
  }
}

/** Modules that are started by their path: from sources as they are, or compiled. */
const bootModule = asThisOne(new URL('./boot.ts', import.meta.url));
const buildModule = asThisOne(new URL('./build-main.ts', import.meta.url));

function asThisOne({ href }: URL): string {
  return import.meta.url.endsWith('.ts') ? href : href.replace(/\.ts$/, '.js');
}

/** Bundles of one kind have names that begin alike: what they are asked to hold, and the Node that resolves it. */
function orderOf(options: RuntimeBundleOptions, folder: string): BuildOrder {
  const {
    preload,
    modules = [import.meta.resolve('@mabeam/agents'), import.meta.resolve('zod')],
    conditions = importConditions(),
  } = options;
  const kind = JSON.stringify([process.version, preload, modules, conditions]);
  const key = createHash('sha256').update(kind).digest('hex').slice(0, 16);
  return { folder, key, preload, modules, conditions };
}

/** The newest bundle of the kind that is fresh; an unreadable one is as good as none. */
function findFresh(order: BuildOrder): { folder: string; inputs: readonly Stamp[] } | undefined {
  for (const folder of bundlesOf(order)) {
    try {
      // Written by our builder.
      const inputs = JSON.parse(readFileSync(join(folder, 'inputs.json'), 'utf8')) as readonly Stamp[];
      if (areFresh(inputs)) return { folder, inputs };
    } catch {
      continue;
    }
  }
  return undefined;
}

/** All bundles of the kind, the newest first: the time is in the name. */
function bundlesOf({ folder, key }: BuildOrder): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(`${key}-`))
      .toSorted()
      .toReversed()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Deletes what nobody uses any more: older bundles of the kind, and what is left of other kinds and of builds. */
function prune(order: BuildOrder): void {
  const newest = bundlesOf(order).slice(0, keptBundles);
  for (const name of readdirSync(order.folder)) {
    const path = join(order.folder, name);
    const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    const limitMs = name.startsWith(`${order.key}-`) ? keptMs : otherKeptMs;
    if (!newest.includes(path) && ageMs > limitMs) rmSync(path, { recursive: true, force: true });
  }
}

/** The bundler is an optional dependency: an installation may do without, and then has no bundles. */
function hasBundler(): boolean {
  try {
    import.meta.resolve('rolldown');
    return true;
  } catch {
    return false;
  }
}

/** Agents come first. Where that is not allowed the build competes with them for a second. */
function lowerPriority({ pid }: ChildProcess, priority: number = constants.priority.PRIORITY_LOW): void {
  try {
    if (pid !== undefined) setPriority(pid, priority);
  } catch {
    return;
  }
}

function failed(why: string, cause?: unknown): Error {
  return clusterError(
    'bundle-failed',
    `no runtime bundle was made, agents start from plain modules: ${why}`,
    {
      cause,
    },
  );
}
