/**
 * Starts a nats-server with JetStream as a child, on a store of its own, and is answerable for its end.
 *
 * S1  At most one server runs on a store (store-lock.ts).
 * S2  The server does not outlive this process, however this process ends (guard.ts).
 * S3  A store that was not named is temporary: it is gone when the server is.
 * S4  Started again on the same store and port, the server has what it had.
 */
import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { awaitPorts } from './await-ports.ts';
import { serverError } from './errors.ts';
import { checkServer, findServer } from './find-server.ts';
import { spawnGuarded } from './guard.ts';
import { ServerHandle } from './server-handle.ts';
import { lockStore, type StoreLock } from './store-lock.ts';

/** Options of `startServer`. */
export interface StartServerOptions {
  /** The server's folder: `jetstream/` is the store, `server.log` the log. Temporary when absent (S3). */
  readonly storeDir?: string | undefined;
  /** The port to listen on; any free one by default. */
  readonly port?: number | 'random' | undefined;
  /** The address to listen on, 127.0.0.1 by default. */
  readonly host?: string | undefined;
  /** The binary; by default the one that `findServer` finds. */
  readonly bin?: string | undefined;
  /** The server's name, as clients and other servers see it. */
  readonly name?: string | undefined;
  /** Lines of nats-server configuration; what the other options say has precedence. */
  readonly config?: readonly string[] | undefined;
  /** Gives the start up; `startServer` then throws `cancelled`. A server that has started is not affected. */
  readonly signal?: AbortSignal | undefined;
  /** Told in a few words what takes long. */
  readonly onProgress?: ((text: string) => void) | undefined;
}

/**
 * Starts a server and returns when it accepts connections, at most 10 s after it was found. Throws what `findServer`
 * throws, `store-in-use`, `port-taken`, `cancelled`, or `server-failed` with the last lines of the log.
 */
export async function startServer(options: StartServerOptions = {}): Promise<ServerHandle> {
  const { bin, signal, onProgress } = options;
  if (process.platform === 'win32') {
    const message =
      'a server cannot be started on Windows; start nats-server yourself (or use WSL) and set NATS_URL';
    throw serverError('server-failed', message);
  }
  const found = bin
    ? await checkServer(bin, { named: 'bin', signal })
    : await findServer({ signal, onProgress });
  const storeDir = openStore(options.storeDir);
  const lock = await lockStore(storeDir);
  try {
    return await launch(found.path, {
      ...options,
      storeDir,
      lock,
      temporary: options.storeDir === undefined,
    });
  } catch (cause) {
    lock[Symbol.dispose]();
    if (options.storeDir === undefined) rmSync(storeDir, { recursive: true, force: true });
    throw cause;
  }
}

interface Launch extends StartServerOptions {
  readonly storeDir: string;
  readonly lock: StoreLock;
  readonly temporary: boolean;
}

/** Spawns the server under its guard and waits until it listens. */
async function launch(bin: string, options: Launch): Promise<ServerHandle> {
  const { storeDir, lock, temporary, signal } = options;
  const portsDir = join(storeDir, 'ports');
  rmSync(portsDir, { recursive: true, force: true });
  mkdirSync(portsDir);
  const log = openSync(join(storeDir, 'server.log'), 'a+');
  const logStart = fstatSync(log).size;
  try {
    const command = [bin, ...serverArguments(options, portsDir)];
    const guard = spawnGuarded(command, {
      logDescriptor: log,
      removeFolder: temporary ? storeDir : undefined,
    });
    const exited = guard.exited.finally(() => lock[Symbol.dispose]());
    if (guard.pid === undefined)
      throw serverError('server-failed', 'cannot run /bin/sh, which guards the server');
    try {
      lock.handTo(guard.pid);
      const { pid, port } = await awaitPorts(portsDir, { exited, log, logStart, port: options.port, signal });
      return new ServerHandle({ url: urlOf(options.host, port), pid, port, storeDir, exited });
    } catch (cause) {
      guard.end();
      await exited;
      throw cause;
    }
  } finally {
    closeSync(log);
  }
}

/**
 * The limits of streams are reservations against this one, whatever they hold. The server's own default, a share of the free
 * disk, would refuse a further space on a small machine; a full disk is refused when it is full.
 */
const storageLimit = 'jetstream { max_file_store: 1TB }';

function openStore(storeDir: string | undefined): string {
  try {
    if (storeDir === undefined) return mkdtempSync(join(tmpdir(), 'mabeam-server-'));
    mkdirSync(storeDir, { recursive: true });
    return resolve(storeDir);
  } catch (cause) {
    const message = `cannot make the store folder ${storeDir ?? tmpdir()}: ${cause instanceof Error ? cause.message : 'unknown'}`;
    throw serverError('server-failed', message, { cause, details: { storeDir } });
  }
}

function serverArguments(options: Launch, portsDir: string): string[] {
  const { storeDir, port = 'random', host = '127.0.0.1', name, config = [] } = options;
  const listen = ['-a', host, '-p', port === 'random' ? '-1' : String(port)];
  const file = join(storeDir, 'server.conf');
  writeFileSync(file, `${[storageLimit, ...config].join('\n')}\n`);
  const args = [
    ...listen,
    '-c',
    file,
    '-js',
    '-sd',
    join(storeDir, 'jetstream'),
    '--ports_file_dir',
    portsDir,
  ];
  if (name !== undefined) args.push('-n', name);
  return args;
}

/** A client's URL: an address that means "all" is reached at the loopback. */
function urlOf(host: string = '127.0.0.1', port: number): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `nats://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
