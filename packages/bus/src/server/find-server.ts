/**
 * Finds a nats-server binary for this machine, or fetches one.
 *
 * Order: `$NATS_SERVER_BIN`, which must then be right; PATH and the usual system folders; the cache; a fetch into the
 * cache. A binary that is too old for MABEAM is passed over; only when nothing else is found is it named as the reason.
 */
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { cachedServer, cacheFolder } from './cache-folder.ts';
import { busError } from '../errors.ts';
import { serverError } from './errors.ts';
import { fetchServer } from './fetch-server.ts';
import { isVersionAtLeast, readServerVersion, requiredServerVersion } from './version.ts';

const cures = [
  'install nats-server ("brew install nats-server" on macOS, "apt install nats-server" from Debian testing or newer)',
  'set NATS_SERVER_BIN to the path of a binary',
  'or use a running server: "docker run -p 4222:4222 nats:latest -js" and NATS_URL=nats://127.0.0.1:4222',
].join('; ');

/** Options of `findServer`. */
export interface FindServerOptions {
  /** Ends the search; it then throws `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Told in a few words what is being fetched; silent when nothing need be. */
  readonly onProgress?: ((text: string) => void) | undefined;
  /** Variables to read, by default those of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Folders to search after PATH. */
  readonly systemFolders?: readonly string[] | undefined;
  /** May a missing server be fetched? Yes by default. */
  readonly fetch?: boolean | undefined;
}

/** A nats-server binary that is new enough. */
export interface FoundServer {
  readonly path: string;
  readonly version: string;
  readonly source: 'given' | 'system' | 'cache' | 'fetched';
}

/**
 * Finds a nats-server of at least `requiredServerVersion`, fetching it when there is none: some 30 ms when found, some
 * seconds when fetched. Throws `server-not-found`, `server-too-old` or `cancelled`.
 */
export async function findServer(options: FindServerOptions = {}): Promise<FoundServer> {
  const { env = process.env, systemFolders = ['/usr/sbin', '/usr/local/bin'], signal } = options;
  const given = env['NATS_SERVER_BIN'];
  if (given) return await checkServer(given, { named: 'NATS_SERVER_BIN', signal });
  const target = cachedServer(cacheFolder({ env, platform: process.platform, home: homedir() }));
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter(Boolean), ...systemFolders];
  const old: OldServer[] = [];
  for (const path of [...new Set(folders)].map((folder) => join(folder, 'nats-server'))) {
    const version = await tryServer(path, old, signal);
    if (version) return { path, version, source: 'system' };
  }
  const cached = await tryServer(target, old, signal);
  if (cached) return { path: target, version: cached, source: 'cache' };
  const reasons = options.fetch === false ? ['fetching is switched off'] : await fetchInto(target, options);
  const version = reasons.length === 0 ? await tryServer(target, old, signal) : undefined;
  if (version) return { path: target, version, source: 'fetched' };
  throw missingServer(old, [
    ...reasons,
    ...(reasons.length === 0 ? [`what was fetched does not run here`] : []),
  ]);
}

/** Checks a binary the user named. Throws `server-not-found` or `server-too-old`, saying which setting was wrong. */
export async function checkServer(
  path: string,
  options: { readonly named: string; readonly signal?: AbortSignal | undefined },
): Promise<FoundServer> {
  const version = await readServerVersion(path, options.signal);
  throwIfCancelled(options.signal);
  const what = `${options.named} names ${path}`;
  if (version === undefined) {
    const message = `${what}, which is not a nats-server that runs here; correct it, or leave it out to have one found`;
    throw serverError('server-not-found', message, { details: { path, named: options.named } });
  }
  if (!isVersionAtLeast(version, requiredServerVersion)) {
    const message = `${what}, which is version ${version}; at least ${requiredServerVersion} is needed`;
    throw busError('server-too-old', message, {
      details: { path, found: version, needed: requiredServerVersion },
    });
  }
  return { path, version, source: 'given' };
}

interface OldServer {
  readonly path: string;
  readonly version: string;
}

/** The version of a binary that is new enough; one that is too old is added to `old`. */
async function tryServer(path: string, old: OldServer[], signal?: AbortSignal): Promise<string | undefined> {
  const version = await readServerVersion(path, signal);
  throwIfCancelled(signal);
  if (version === undefined || isVersionAtLeast(version, requiredServerVersion)) return version;
  old.push({ path, version });
  return undefined;
}

/** Fetches into the cache; returns why it could not, or nothing. */
async function fetchInto(target: string, options: FindServerOptions): Promise<readonly string[]> {
  try {
    const outcome = await fetchServer(target, { signal: options.signal, onProgress: options.onProgress });
    return outcome.kind === 'fetched' ? [] : outcome.reasons;
  } catch (cause) {
    throwIfCancelled(options.signal);
    const message = `cannot write the cache beside ${target}; set MABEAM_CACHE_DIR to a folder that can be written, or ${cures}`;
    throw serverError('server-not-found', message, { cause, details: { target } });
  }
}

function missingServer(old: readonly OldServer[], reasons: readonly string[]): Error {
  const tried = `fetching one failed (${reasons.join('; ')})`;
  const [first] = old;
  const details = { needed: requiredServerVersion, old, reasons };
  if (first === undefined) {
    const message = `no nats-server of version ${requiredServerVersion} or newer is on this machine, and ${tried}. Cure: ${cures}`;
    return serverError('server-not-found', message, { details });
  }
  const message = `${first.path} is nats-server ${first.version}; at least ${requiredServerVersion} is needed, and ${tried}. Cure: ${cures}`;
  return busError('server-too-old', message, { details: { ...details, found: first.version } });
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw busError('cancelled', 'the search for a nats-server was cancelled', { cause: signal.reason });
}
