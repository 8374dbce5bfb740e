/**
 * Debian's and Ubuntu's archive as a source of nats-server, for any user, without root and without installing anything.
 *
 * The mirror is the one this machine is already configured with; only the suite differs. apt works on lists, caches and
 * a status file of its own in the folder given, and verifies the archive's signatures as always; the package is then
 * unpacked, not installed.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { isVersionAtLeast, readServerVersion, requiredServerVersion } from './version.ts';

const run = promisify(execFile);
const commandWithinMs = 120_000;

/** What differs between the two distributions. The suite most likely to be new enough comes first: each costs seconds. */
const distributions: Readonly<Record<string, Distribution>> = {
  debian: {
    suites: ['testing', 'unstable', 'stable'],
    components: ['main'],
    keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
  },
  ubuntu: {
    suites: ['devel'],
    components: ['main', 'universe'],
    keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg',
  },
};

/** Names under which a machine may have configured its main suite, beside its code name. */
const suiteNames = new Set(['stable', 'oldstable', 'testing', 'unstable', 'sid', 'devel']);

interface Distribution {
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly keyring: string;
}

/** Options of `fetchFromDebian`. */
export interface FetchFromDebianOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/**
 * The mirror of the main archive in the output of `apt-get indextargets` with lines "release uri component", or
 * undefined. Security, update and third-party archives are not it: they are under other names of release.
 */
export function mainMirror(targets: string, codename: string): string | undefined {
  const rows = targets.split('\n').map((line) => line.trim().split(' '));
  const main = rows.filter(([, uri, component]) => uri !== undefined && component === 'main');
  const row =
    main.find(([release]) => release === codename) ?? main.find(([release]) => suiteNames.has(release ?? ''));
  return row?.[1];
}

/** Fetches a new enough nats-server from the configured archive into `folder`; returns its path. Throws when it cannot. */
export async function fetchFromDebian(folder: string, options: FetchFromDebianOptions = {}): Promise<string> {
  const { signal, onProgress } = options;
  if (!existsSync('/etc/os-release')) throw new Error('this is not Debian or Ubuntu');
  const system = parseEnv(await readFile('/etc/os-release', 'utf8'));
  const distribution = distributions[system['ID'] ?? ''];
  if (distribution === undefined) throw new Error('this is not Debian or Ubuntu');
  const format = '$(RELEASE) $(REPO_URI) $(COMPONENT)';
  const targets = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    timeout: commandWithinMs,
    signal,
  });
  const mirror = mainMirror(targets.stdout, system['VERSION_CODENAME'] ?? '');
  if (mirror === undefined) throw new Error('apt has no main archive configured here');
  const reasons: string[] = [];
  for (const suite of distribution.suites) {
    onProgress?.(`fetching nats-server from the configured ${system['ID']} archive (suite ${suite})`);
    try {
      const bin = await fetchSuite(join(folder, suite), { mirror, suite, distribution, signal });
      const version = await readServerVersion(bin, signal);
      if (version !== undefined && isVersionAtLeast(version, requiredServerVersion)) return bin;
      reasons.push(`${suite}: ${version ?? 'does not run here'}`);
    } catch (cause) {
      if (signal?.aborted) throw cause;
      reasons.push(`${suite}: ${firstLine(cause)}`);
    }
  }
  throw new Error(reasons.join('; '));
}

interface SuiteSource {
  readonly mirror: string;
  readonly suite: string;
  readonly distribution: Distribution;
  readonly signal: AbortSignal | undefined;
}

/** Updates private lists for one suite, downloads its nats-server and unpacks it. */
async function fetchSuite(folder: string, source: SuiteSource): Promise<string> {
  const { mirror, suite, distribution, signal } = source;
  for (const name of ['lists/partial', 'cache/archives/partial', 'etc/parts', 'unpacked']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'status'), '');
  const trust = existsSync(distribution.keyring) ? `[signed-by=${distribution.keyring}] ` : '';
  const list = `deb ${trust}${mirror} ${suite} ${distribution.components.join(' ')}\n`;
  await writeFile(join(folder, 'etc/sources.list'), list);
  const limits = { cwd: folder, timeout: commandWithinMs, signal, maxBuffer: 16 * 1024 * 1024 };
  await run('apt-get', [...privateSettings(folder), 'update'], limits);
  await run('apt-get', [...privateSettings(folder), 'download', 'nats-server'], limits);
  const deb = (await readdir(folder)).find((file) => file.endsWith('.deb'));
  if (deb === undefined) throw new Error('apt downloaded no package');
  await run('dpkg', ['-x', join(folder, deb), join(folder, 'unpacked')], limits);
  return join(folder, 'unpacked/usr/sbin/nats-server');
}

/** The options that keep apt out of the machine's own state, and its verification on. */
function privateSettings(folder: string): string[] {
  const settings = {
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::SourceList': join(folder, 'etc/sources.list'),
    'Dir::Etc::SourceParts': join(folder, 'etc/parts'),
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': join(folder, 'etc/parts'),
    'APT::Sandbox::User': '',
    'Acquire::AllowInsecureRepositories': 'false',
    'APT::Get::AllowUnauthenticated': 'false',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '10',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
    'Debug::NoLocking': 'true',
  };
  return ['-qq', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

function firstLine(thrown: unknown): string {
  const stderr =
    typeof thrown === 'object' && thrown !== null && 'stderr' in thrown ? String(thrown.stderr) : '';
  const text = stderr.trim() || (thrown instanceof Error ? thrown.message : String(thrown));
  return text.split('\n')[0] ?? '';
}
