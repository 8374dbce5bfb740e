// A plain Node project in a folder of its own, far from this repository, and the commands a person runs in it.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { repositoryRoot } from './workspaces.ts';
import { packWorkspaces, type Packed } from './pack-workspaces.ts';

const installsWithinMs = 90_000;
const commandWithinMs = 20_000;

/** What a command came to. */
export interface Ended {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project that has our packages from their tarballs; disposing deletes it. */
export interface PlainProject extends AsyncDisposable {
  readonly folder: string;
  readonly packages: readonly Packed[];
}

/**
 * Packs our packages, which must be built, and installs them with the other dependencies (`name@version`) into a new project.
 * Those come from npm's cache where it has them. Throws with npm's words.
 */
export async function installPlainProject(dependencies: readonly string[]): Promise<PlainProject> {
  const folder = await mkdtemp(join(tmpdir(), 'mabeam-packed-'));
  await using undone = new AsyncDisposableStack();
  undone.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const packages = await packWorkspaces(folder);
  await writeFile(join(folder, 'package.json'), '{ "name": "plain", "private": true, "type": "module" }\n');
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  const tarballs = packages.map(({ tarball }) => tarball);
  const npm = await runIn(
    folder,
    ['npm', 'install', ...flags, ...tarballs, ...dependencies],
    installsWithinMs,
  );
  if (npm.exit !== 0) throw new Error(`npm install failed: ${npm.stderr}`);
  const parts = undone.move();
  return { folder, packages, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Runs a command in a folder to its end; one that takes too long is killed, and its exit is then -1. */
export function runIn(
  folder: string,
  [command = '', ...args]: readonly string[],
  timeoutMs: number = commandWithinMs,
): Promise<Ended> {
  const options = {
    cwd: folder,
    env: plainEnvironment(),
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  } as const;
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      const failed = typeof error?.code === 'number' ? error.code : -1;
      resolve({ exit: error === null ? 0 : failed, stdout, stderr });
    });
  });
}

/** One object that a command says. */
export type SaidLine = Readonly<Record<string, unknown>>;

/** A command that runs until it is told to stop, at the head of a process group as in a terminal. */
export interface Running {
  readonly child: ChildProcess;
  /** Its first line that is wanted, of those it says from now on; rejects when that does not come in time. */
  readonly line: (isWanted: (line: SaidLine) => boolean) => Promise<SaidLine>;
  /** Sends a signal to the group, as Ctrl-C does. */
  readonly signal: (signal: NodeJS.Signals) => void;
}

/** Starts a command in a folder. */
export function startIn(folder: string, [command = '', ...args]: readonly string[]): Running {
  const child = spawn(command, args, {
    cwd: folder,
    env: plainEnvironment(),
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const line: Running['line'] = (isWanted) =>
    new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${why} before the awaited line`));
      const timer = setTimeout(() => fail(`${commandWithinMs} ms have passed`), commandWithinMs);
      child.once('error', reject).once('exit', (code) => fail(`the command has ended (${code})`));
      lines.on('line', (text) => {
        // `-o json` promises one object a line; another thing fails the test that reads it.
        const said = JSON.parse(text) as SaidLine;
        if (!isWanted(said)) return;
        clearTimeout(timer);
        resolve(said);
      });
    });
  const { pid } = child;
  return { child, line, signal: (name) => void (pid === undefined || process.kill(-pid, name)) };
}

/** This environment without what npm, vitest and a checkout would add: no conditions, no other `mabeam` in PATH. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const hidden =
    /^(?:NODE_OPTIONS|NODE_ENV|NODE_PATH|NATS_URL|INIT_CWD|VITEST.*|MABEAM_(?!CACHE_DIR).*|OTEL_.*|npm_(?!config_).*|npm_config_local_prefix)$/;
  const kept = Object.entries(process.env).filter(([name]) => !hidden.test(name));
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !isOurs(folder));
  // The Node of this run, whose own folder holds nothing else of ours.
  return { ...Object.fromEntries(kept), PATH: [dirname(process.execPath), ...path].join(delimiter) };
}

function isOurs(folder: string): boolean {
  return folder.startsWith(repositoryRoot) && folder.includes('node_modules');
}

/** The code that the README shows, by the file name in its first line. */
export async function readmeFiles(): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(join(repositoryRoot, 'README.md'), 'utf8');
  const blocks = text.matchAll(/^```(?:ts|yaml)\n((?:\/\/|#) (\S+)\n[^]*?)^```$/gm);
  return Object.fromEntries([...blocks].map(([, code = '', name = '']) => [name, code]));
}
