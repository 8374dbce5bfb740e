// The guard in front of every npm script.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const guard = fileURLToPath(new URL('../../tools/require-node.mjs', import.meta.url));

function runAs(version: string): { readonly status: number | null; readonly stderr: string } {
  const pretend = `Object.defineProperty(process, 'version', { value: '${version}' })`;
  const options = ['--import', `data:text/javascript,${pretend}`, guard];
  return spawnSync(process.execPath, options, { encoding: 'utf8', timeout: 10_000 });
}

test('an old Node is refused with the cure', () => {
  for (const version of ['v20.20.2', 'v24.11.9']) {
    const { status, stderr } = runAs(version);
    expect(status).toBe(1);
    expect(stderr).toContain(version);
    expect(stderr).toContain('npm ci --include=optional');
  }
});

test('the oldest Node that will do, and newer ones, pass without a word', () => {
  for (const version of ['v24.12.0', 'v26.0.0'])
    expect(runAs(version)).toMatchObject({ status: 0, stderr: '' });
});
