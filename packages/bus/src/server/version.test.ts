/** Reading and comparing nats-server versions. */
import { expect, test } from 'vitest';
import { isVersionAtLeast, parseVersion } from './version.ts';

test('the version is read from what nats-server prints, whatever its suffix', () => {
  expect(parseVersion('nats-server: v2.15.1\n')).toBe('2.15.1');
  expect(parseVersion('nats-server: v2.12.0-RC.2')).toBe('2.12.0');
});

test('a program that is no nats-server has no version', () => {
  expect(parseVersion('git version 2.39.5')).toBeUndefined();
  expect(parseVersion('')).toBeUndefined();
});

test('versions compare as numbers, not as text', () => {
  expect(isVersionAtLeast('2.12.0', '2.12.0')).toBe(true);
  expect(isVersionAtLeast('2.9.10', '2.12.0')).toBe(false);
  expect(isVersionAtLeast('2.100.0', '2.12.0')).toBe(true);
  expect(isVersionAtLeast('3.0.0', '2.12.0')).toBe(true);
  expect(isVersionAtLeast('2.11.99', '2.12.0')).toBe(false);
});
