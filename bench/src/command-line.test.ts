/** What is typed after `npm run bench --`. */
import { expect, test } from 'vitest';
import { readCommandLine } from './command-line.ts';

test('words and flags are told apart, and none is needed', () => {
  expect(readCommandLine([])).toEqual({ kind: 'bench', words: [], isQuick: false, isJson: false });
  expect(readCommandLine(['tasks', '--quick', 'requests', '--json'])).toEqual({
    kind: 'bench',
    words: ['tasks', 'requests'],
    isQuick: true,
    isJson: true,
  });
});

test.each(['--help', '-h'])('%s asks for help, whatever else is there', (flag) => {
  expect(readCommandLine(['tasks', flag])).toEqual({ kind: 'help' });
});

test('a flag that is none is told by its name, and not thrown', () => {
  expect(readCommandLine(['--fast'])).toEqual({ kind: 'wrong', why: expect.stringContaining("'--fast'") });
});
