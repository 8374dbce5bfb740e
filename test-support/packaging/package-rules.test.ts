// The rules of packages let a sound one pass and catch what is planted.
import { expect, test } from 'vitest';
import { packageMistakes, type PackageContents } from './package-rules.ts';

const sound = {
  manifest: {
    name: '@mabeam/plant',
    version: '0.1.0',
    description: 'A plant',
    keywords: ['mabeam'],
    license: 'Apache-2.0',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=24.12' },
    bin: { plant: './bin/plant.js' },
    exports: {
      '.': { '@mabeam/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
    },
  },
  files: ['LICENSE', 'README.md', 'bin/plant.js', 'dist/index.d.ts', 'dist/index.js', 'src/index.ts'],
  node: '>=24.12',
} satisfies PackageContents;

function altered(manifest: Partial<PackageContents['manifest']>, files = sound.files): readonly string[] {
  return packageMistakes({ ...sound, manifest: { ...sound.manifest, ...manifest }, files });
}

test('a sound package has no mistake', () => {
  expect(packageMistakes(sound)).toEqual([]);
});

test('metadata that people and tools look for is missed', () => {
  expect(altered({ description: '', keywords: ['other'], engines: { node: '>=20' } })).toEqual([
    'has no description',
    'has no keyword "mabeam"',
    'asks for another Node than >=24.12',
  ]);
});

test('an entry whose compiled module comes before its sources is told', () => {
  const { '.': entry } = sound.manifest.exports;
  const { default: compiled, ...others } = entry;
  expect(altered({ exports: { '.': { default: compiled, ...others } } })).toEqual([
    'exports . under default, @mabeam/source, types, not @mabeam/source, types, default',
  ]);
});

test('an entry and a command whose files are not packed are told', () => {
  const without = sound.files.filter((path) => path !== 'dist/index.d.ts' && path !== 'bin/plant.js');
  expect(altered({}, without)).toEqual([
    'names ./dist/index.d.ts, which is not packed',
    'names ./bin/plant.js, which is not packed',
  ]);
});

test('tests, notes of the compiler, a missing license and a map without its source are told', () => {
  const files = [...sound.files, 'src/index.test.ts', 'dist/.tsbuildinfo', 'dist/lost.js'];
  expect(
    altered(
      {},
      files.filter((path) => path !== 'LICENSE'),
    ),
  ).toEqual([
    'packs no LICENSE',
    'packs src/index.test.ts, which nobody needs',
    'packs dist/.tsbuildinfo, which nobody needs',
    'packs dist/lost.js without the source its map points to',
  ]);
});
