/** Choosing and verifying a release. */
import { expect, test } from 'vitest';
import { releaseName, sumOf } from './release.ts';

const sum = 'ab'.repeat(32);

test('a release is named after the platform in its own words', () => {
  expect(releaseName('linux', 'x64')).toMatch(/^nats-server-v\d+\.\d+\.\d+-linux-amd64$/);
  expect(releaseName('darwin', 'arm64')).toMatch(/-darwin-arm64$/);
  expect(releaseName('win32', 'x64')).toBeUndefined();
  expect(releaseName('linux', 'mips')).toBeUndefined();
});

test('a sum is found by the whole file name only', () => {
  const sums = `${'00'.repeat(32)}  a.tar.gz.sig\n${sum.toUpperCase()}  a.tar.gz\n`;
  expect(sumOf(sums, 'a.tar.gz')).toBe(sum);
  expect(sumOf(sums, 'tar.gz')).toBeUndefined();
});

test('a page that is no list of sums holds no sum', () => {
  expect(sumOf('<html>sign in a.tar.gz</html>', 'a.tar.gz')).toBeUndefined();
  expect(sumOf('nonsense  a.tar.gz', 'a.tar.gz')).toBeUndefined();
});
