/**
 * Fetches a nats-server into the cache: from the official release, else from the distribution's archive.
 *
 * The release is asked first: where it is out of reach that shows in milliseconds (no such host) or 3 s (a firewall).
 * Every fetch works in a folder of its own beside its target and ends with one atomic rename, so any number of processes
 * may fetch at once and none ever sees half a binary; a fetch that was killed leaves only a folder, swept away later.
 */
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fetchFromDebian } from './debian.ts';
import { fetchRelease } from './release.ts';

const leftoverAfterMs = 3_600_000;
const folderPrefix = '.fetch-';

/** Options of `fetchServer`. */
export interface FetchServerOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** How a fetch ended: the binary is at the target, or no source had one. */
export type FetchOutcome =
  | { readonly kind: 'fetched' }
  | { readonly kind: 'failed'; readonly reasons: readonly string[] };

/** Puts a nats-server at `target`. Throws only when the folder cannot be written or `signal` aborts. */
export async function fetchServer(target: string, options: FetchServerOptions = {}): Promise<FetchOutcome> {
  const folder = dirname(target);
  await mkdir(folder, { recursive: true });
  await sweepLeftovers(folder);
  const work = await mkdtemp(join(folder, folderPrefix));
  try {
    const reasons: string[] = [];
    for (const [name, fetchFrom] of [
      ['official release', fetchRelease],
      ['distribution archive', fetchFromDebian],
    ] as const) {
      try {
        const bin = await fetchFrom(work, options);
        await chmod(bin, 0o755);
        await rename(bin, target);
        return { kind: 'fetched' };
      } catch (cause) {
        options.signal?.throwIfAborted();
        reasons.push(`${name}: ${reasonOf(cause)}`);
      }
    }
    return { kind: 'failed', reasons };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Removes the folders of fetches that were killed long ago. */
async function sweepLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(folderPrefix)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > leftoverAfterMs)
      await rm(path, { recursive: true, force: true });
  }
}

/** fetch() says only "fetch failed"; why is in its cause. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}
