/**
 * The baselines' own packages: `npm ci` in this folder when they are not there or the lock file has changed since. The
 * project's default install leaves them out.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));
const timeoutMs = 300_000;

/** Installs what is missing. Throws when npm fails: without its baselines a benchmark says nothing. */
export async function installBaselines(onProgress: (text: string) => void): Promise<void> {
  if (isInstalled()) return;
  onProgress('installing the baselines (npm ci in bench) …');
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
    timeout: timeoutMs,
  });
  // Rejects with the error of a spawn that failed.
  const [code] = (await once(npm, 'exit')) as [number | null];
  if (code !== 0)
    throw new Error('npm could not install the baselines; run "npm ci" in bench and look at its errors');
}

function isInstalled(): boolean {
  const installed = `${folder}node_modules/.package-lock.json`;
  return (
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${folder}package-lock.json`).mtimeMs
  );
}
