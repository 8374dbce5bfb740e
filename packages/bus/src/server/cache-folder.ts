/** Where MABEAM keeps what it has fetched: a folder of the user's own, the same for every checkout. */
import { join } from 'node:path';

/** What decides the place; by default that of this process. */
export interface CacheSurroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/** The per-user cache folder: `$MABEAM_CACHE_DIR`, else the platform's usual place. It need not exist yet. */
export function cacheFolder({ env, platform, home }: CacheSurroundings): string {
  if (env['MABEAM_CACHE_DIR']) return env['MABEAM_CACHE_DIR'];
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'mabeam');
  return platform === 'darwin' ? join(home, 'Library', 'Caches', 'mabeam') : join(home, '.cache', 'mabeam');
}

/** The nats-server binary in a cache folder. */
export function cachedServer(folder: string): string {
  return join(folder, 'nats-server', 'nats-server');
}
