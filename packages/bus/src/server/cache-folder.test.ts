/** Where the cache is. */
import { expect, test } from 'vitest';
import { cacheFolder } from './cache-folder.ts';

const linux = { platform: 'linux', home: '/home/ada' } as const;

test('the variable of MABEAM wins over that of the desktop, and that over the home folder', () => {
  const env = { MABEAM_CACHE_DIR: '/m', XDG_CACHE_HOME: '/x' };
  expect(cacheFolder({ ...linux, env })).toBe('/m');
  expect(cacheFolder({ ...linux, env: { XDG_CACHE_HOME: '/x' } })).toBe('/x/mabeam');
  expect(cacheFolder({ ...linux, env: {} })).toBe('/home/ada/.cache/mabeam');
});

test('on macOS the cache is in the Library', () => {
  expect(cacheFolder({ platform: 'darwin', home: '/Users/ada', env: {} })).toBe(
    '/Users/ada/Library/Caches/mabeam',
  );
});
