import { expect, test } from 'vitest';
import { isLateLocale, loadLocalesLate, ownUrl } from './transforms.ts';

test('a module keeps its own URL, and one that asks for more than that is refused', () => {
  expect(ownUrl.transform('new URL("./x", import.meta.url)', '/a b/m.js')).toBe(
    'new URL("./x", "file:///a%20b/m.js")',
  );
  expect(ownUrl.transform('const meta = 1;', '/m.js')).toBeUndefined();
  expect(() => ownUrl.transform('import.meta.resolve("x")', '/m.js')).toThrow('/m.js');
});

test('languages of messages are loaded late, but not English and nothing else of zod', () => {
  const inZod = (name: string): boolean => isLateLocale(`/p/node_modules/zod/v4/${name}`);
  expect(['locales/de.js', 'locales/zh-CN.js'].map(inZod)).toEqual([true, true]);
  expect(['locales/en.js', 'locales/index.js', 'core/util.js'].map(inZod)).toEqual([false, false, false]);
});

test('a language that exports more than its one function is left as it is', () => {
  const id = '/p/node_modules/zod/v4/locales/de.js';
  const language = 'const error = () => 1;\nexport default function () {\n  return error();\n}\n';
  expect(loadLocalesLate.transform(language, id)).toContain(
    'createRequire("/p/node_modules/zod/v4/locales/de.js")',
  );
  expect(loadLocalesLate.transform(`${language}export const more = 1;\n`, id)).toBeUndefined();
});
