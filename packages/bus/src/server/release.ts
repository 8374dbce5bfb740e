/**
 * The official nats-server release as a source: its archive is unpacked only after its SHA-256 matches the sum that the
 * release publishes. Reachability is decided by the small file of sums, quickly, so that a machine without the internet
 * loses no time here.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchedServerVersion } from './version.ts';

const officialReleases = 'https://github.com/nats-io/nats-server/releases/download';
const reachableWithinMs = 3000;
const archiveWithinMs = 120_000;

/** Options of `fetchRelease`. */
export interface FetchReleaseOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
  /** Where releases are; the official place by default. */
  readonly releasesUrl?: string | undefined;
}

/** The name of the release archive without its ending, for one platform; undefined where no release fits. */
export function releaseName(platform: NodeJS.Platform, arch: string): string | undefined {
  const machine = { x64: 'amd64', arm64: 'arm64' }[arch];
  if (machine === undefined || (platform !== 'linux' && platform !== 'darwin')) return undefined;
  return `nats-server-v${fetchedServerVersion}-${platform}-${machine}`;
}

/** The SHA-256 of a file in a SHA256SUMS text; undefined when it is not listed. */
export function sumOf(sums: string, file: string): string | undefined {
  for (const line of sums.split('\n')) {
    const [sum, name] = line.trim().split(/\s+\*?/);
    if (name === file && sum !== undefined && /^[0-9a-f]{64}$/i.test(sum)) return sum.toLowerCase();
  }
  return undefined;
}

/** Fetches and verifies the release for this machine into `folder`; returns the binary's path. Throws when it cannot. */
export async function fetchRelease(folder: string, options: FetchReleaseOptions = {}): Promise<string> {
  const { signal, onProgress, releasesUrl = officialReleases } = options;
  const name = releaseName(process.platform, process.arch);
  if (name === undefined) throw new Error(`there is no release for ${process.platform} on ${process.arch}`);
  const base = `${releasesUrl}/v${fetchedServerVersion}`;
  const file = `${name}.tar.gz`;
  const sums = new TextDecoder().decode(await fetchBytes(`${base}/SHA256SUMS`, reachableWithinMs, signal));
  const expected = sumOf(sums, file);
  if (expected === undefined) throw new Error(`${file} is not in the release's SHA256SUMS`);
  onProgress?.(`fetching nats-server ${fetchedServerVersion} (official release)`);
  const archive = await fetchBytes(`${base}/${file}`, archiveWithinMs, signal);
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected) throw new Error(`${file} has the checksum ${actual}, not ${expected}: refused`);
  const path = join(folder, file);
  await writeFile(path, archive);
  await promisify(execFile)('tar', ['-xzf', path, '-C', folder], { signal });
  return join(folder, name, 'nats-server');
}

async function fetchBytes(
  url: string,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const deadline = AbortSignal.timeout(withinMs);
  const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, deadline]) : deadline });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
