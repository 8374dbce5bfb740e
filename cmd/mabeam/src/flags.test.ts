import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { durationMs, serverUrl, streamPlace, wantsJson, wholeNumber } from './flags.ts';

test.each([
  ['250ms', 250],
  ['10', 10_000],
  ['10s', 10_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
])('the duration %s is %i ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(['', '-1s', '0', '5 minutes', '1e3', 'soon', 'NaN', '25d', '99999999999d'])(
  '"%s" is no duration',
  (text) => {
    expect(() => durationMs(text)).toThrow(InvalidArgumentError);
  },
);

test('a whole number keeps its least value and takes no other spelling', () => {
  const atLeastOne = wholeNumber(1);
  expect(atLeastOne('12')).toBe(12);
  for (const wrong of ['0', '-3', '1.5', '0x10', '', '99999999999999999999'])
    expect(() => atLeastOne(wrong)).toThrow(InvalidArgumentError);
});

test('the place of a server has no spaces in it', () => {
  expect(serverUrl('nats://127.0.0.1:4222')).toBe('nats://127.0.0.1:4222');
  expect(() => serverUrl('nats://x y')).toThrow(InvalidArgumentError);
});

test('a place in a stream is "new" or a sequence from 1 on', () => {
  expect(streamPlace('new')).toBe('new');
  expect(streamPlace('7')).toBe(7);
  for (const wrong of ['0', 'old', '1.5']) expect(() => streamPlace(wrong)).toThrow(InvalidArgumentError);
});

test('JSON is wanted by any spelling of the flag, but not by the words of a foreign command', () => {
  for (const args of [
    ['ps', '-o', 'json'],
    ['ps', '--output', 'json'],
    ['ps', '-ojson'],
    ['--output=json', 'ps'],
  ])
    expect(wantsJson(args)).toBe(true);
  for (const args of [
    ['ps'],
    ['ask', 'json', '1'],
    ['ps', '-o', 'table'],
    ['run', '--', 'tool', '-o', 'json'],
  ])
    expect(wantsJson(args)).toBe(false);
});
