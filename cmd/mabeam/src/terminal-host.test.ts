import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { chooseAgent, locateModule } from './terminal-host.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

test('a file is found from the working folder, anything else is a package', () => {
  expect(locateModule('./main.ts', folder)).toEqual({ module: new URL('main.ts', import.meta.url).href });
  expect(locateModule('main.ts', folder)).toEqual({ module: new URL('main.ts', import.meta.url).href });
  expect(locateModule('@team/words', folder)).toEqual({ module: '@team/words' });
});

test.each(['./nowhere.ts', 'nowhere.ts', '/nowhere.js'])('a path without a file is refused: %s', (path) => {
  expect(() => locateModule(path, folder)).toThrow(expect.objectContaining({ code: 'input-unreadable' }));
});

test('an agent is called as one says, else like its file', () => {
  expect(chooseAgent('judge', ['./words.ts'])).toBe('judge');
  expect(chooseAgent(undefined, ['./agents/Words.ts'])).toBe('words');
  expect(() => chooseAgent(undefined, ['./7.ts'])).toThrow(/--as <agent>/);
});
