/** What a bundle changes in the modules it is made of. */
import { pathToFileURL } from 'node:url';

/** A module in the bundle goes on to know its own file by `import.meta.url`, and finds what lies beside it. */
export const ownUrl = {
  name: 'mabeam:own-url',
  transform: (code: string, id: string): string | undefined => {
    if (!code.includes('import.meta')) return undefined;
    const changed = code.replaceAll(/\bimport\.meta\.url\b/g, JSON.stringify(pathToFileURL(id).href));
    if (/\bimport\.meta\b/.test(changed)) throw new Error(`${id} asks import.meta for more than its url`);
    return changed;
  },
};

/**
 * The languages of zod's messages, a third of its size: each is a module whose one function is called by whoever wants that
 * language. In the bundle that function loads the module.
 */
export const loadLocalesLate = {
  name: 'mabeam:late-locales',
  transform: (code: string, id: string): string | undefined => {
    if (!isLateLocale(id) || !/^export default function \(\)/m.test(code)) return undefined;
    if (code.match(/^export /gm)?.length !== 1) return undefined;
    const file = JSON.stringify(id);
    return `import { createRequire } from 'node:module';
export default function () {
  return createRequire(${file})(${file}).default();
}
`;
  },
};

/** A module of zod that holds one language; English, the default, is used by every schema. */
export function isLateLocale(file: string): boolean {
  return /[/\\]zod[/\\]v4[/\\]locales[/\\](?!index\.|en\.)[^/\\]+\.js$/.test(file);
}
