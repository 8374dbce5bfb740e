/** Recognising the machine's own mirror. */
import { expect, test } from 'vitest';
import { mainMirror } from './debian.ts';

const targets = [
  'noble https://packages.example/tools main',
  'bookworm-security http://mirror.example/debian-security/ main',
  'bookworm-updates http://mirror.example/debian/ main',
  'bookworm http://mirror.example/debian/ contrib',
  'bookworm http://mirror.example/debian/ main',
].join('\n');

test('the mirror is that of the main archive, not of security updates or of a third party', () => {
  expect(mainMirror(targets, 'bookworm')).toBe('http://mirror.example/debian/');
});

test('a machine configured by the name of a suite is understood too', () => {
  expect(mainMirror('stable http://mirror.example/debian/ main', 'bookworm')).toBe(
    'http://mirror.example/debian/',
  );
});

test('without a main archive there is no mirror', () => {
  expect(mainMirror('', 'bookworm')).toBeUndefined();
  expect(mainMirror('noble https://packages.example/tools main', 'bookworm')).toBeUndefined();
});
