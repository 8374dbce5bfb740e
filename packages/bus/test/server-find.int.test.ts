/** Finding and fetching a nats-server binary: what is accepted, what is refused, and with which words. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findServer, startServer } from '../src/server/index.ts';
import { fetchRelease, releaseName } from '../src/server/release.ts';
import { readServerVersion } from '../src/server/version.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mabeam-find-test-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A script that answers `--version` as that version of nats-server would. */
function fakeServer(path: string, version: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A machine with nothing on it but what the test puts into `folder`. */
function bareMachine(env: NodeJS.ProcessEnv = {}) {
  return {
    env: { PATH: join(folder, 'bin'), MABEAM_CACHE_DIR: join(folder, 'cache'), ...env },
    systemFolders: [],
    fetch: false,
  };
}

test('a binary named by NATS_SERVER_BIN wins over PATH', async () => {
  fakeServer(join(folder, 'bin/nats-server'), '2.15.0');
  const given = fakeServer(join(folder, 'mine'), '2.12.0');
  const found = await findServer(bareMachine({ NATS_SERVER_BIN: given }));
  expect(found).toEqual({ path: given, version: '2.12.0', source: 'given' });
});

test('a wrong NATS_SERVER_BIN is an error that names it, even when PATH has a good one', async () => {
  fakeServer(join(folder, 'bin/nats-server'), '2.15.0');
  const search = findServer(bareMachine({ NATS_SERVER_BIN: join(folder, 'nowhere') }));
  await expect(search).rejects.toMatchObject({ code: 'server-not-found' });
  await expect(search).rejects.toThrow(/NATS_SERVER_BIN names .*nowhere/);
});

test('a NATS_SERVER_BIN that is too old is an error with both versions', async () => {
  const given = fakeServer(join(folder, 'old'), '2.9.10');
  await expect(findServer(bareMachine({ NATS_SERVER_BIN: given }))).rejects.toMatchObject({
    code: 'server-too-old',
    details: { found: '2.9.10', needed: '2.12.0' },
  });
});

test('an old server on PATH is passed over for a newer one in the cache', async () => {
  fakeServer(join(folder, 'bin/nats-server'), '2.10.27');
  const cached = fakeServer(join(folder, 'cache/nats-server/nats-server'), '2.15.1');
  expect(await findServer(bareMachine())).toEqual({ path: cached, version: '2.15.1', source: 'cache' });
});

test('with only an old server the error says how old, and every cure', async () => {
  fakeServer(join(folder, 'bin/nats-server'), '2.10.27');
  const search = findServer(bareMachine());
  await expect(search).rejects.toMatchObject({ code: 'server-too-old', details: { found: '2.10.27' } });
  await expect(search).rejects.toThrow(/2\.10\.27.*2\.12\.0.*brew.*apt.*NATS_SERVER_BIN.*docker.*NATS_URL/);
});

test('with no server at all the error says every cure', async () => {
  const search = findServer(bareMachine());
  await expect(search).rejects.toMatchObject({ code: 'server-not-found' });
  await expect(search).rejects.toThrow(/brew.*apt.*NATS_SERVER_BIN.*docker.*NATS_URL/);
});

test('a cancelled search says so', async () => {
  const search = findServer({ ...bareMachine(), signal: AbortSignal.abort() });
  await expect(search).rejects.toMatchObject({ code: 'cancelled' });
});

test('a cache folder that cannot be written is named with the variable that moves it', async () => {
  const search = findServer({ ...bareMachine({ MABEAM_CACHE_DIR: '/dev/null/cache' }), fetch: true });
  await expect(search).rejects.toMatchObject({ code: 'server-not-found' });
  await expect(search).rejects.toThrow(/cannot write the cache.*MABEAM_CACHE_DIR/);
});

test('startServer refuses an old binary before it touches a store', async () => {
  const bin = fakeServer(join(folder, 'old'), '2.9.10');
  const storeDir = join(folder, 'store');
  await expect(startServer({ bin, storeDir })).rejects.toMatchObject({ code: 'server-too-old' });
  expect(existsSync(storeDir)).toBe(false);
});

/** Serves a release made here: an archive with a fake server, and its sums; `spoil` falsifies the archive. */
async function serveRelease(options: { readonly spoil: boolean }) {
  const name = releaseName(process.platform, process.arch) ?? 'none';
  fakeServer(join(folder, 'made', name, 'nats-server'), '2.15.1');
  const archive = join(folder, 'archive.tar.gz');
  execFileSync('tar', ['-czf', archive, '-C', join(folder, 'made'), name]);
  const bytes = readFileSync(archive);
  const sum = createHash('sha256').update(bytes).digest('hex');
  if (options.spoil) bytes[0] = (bytes[0] ?? 0) ^ 1;
  const http = createServer((request, response) => {
    response.end(request.url?.endsWith('/SHA256SUMS') ? `${sum}  ${name}.tar.gz\n` : bytes);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  // A listening TCP server has a port.
  const releasesUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return { releasesUrl, [Symbol.dispose]: () => void http.close() };
}

test('a release whose sum is right is unpacked', async () => {
  using release = await serveRelease({ spoil: false });
  const bin = await fetchRelease(folder, release);
  expect(await readServerVersion(bin)).toBe('2.15.1');
});

test('a release whose sum is wrong is refused and not unpacked', async () => {
  using release = await serveRelease({ spoil: true });
  await expect(fetchRelease(folder, release)).rejects.toThrow(/checksum .* refused/);
  expect(existsSync(join(folder, releaseName(process.platform, process.arch) ?? 'none'))).toBe(false);
});
