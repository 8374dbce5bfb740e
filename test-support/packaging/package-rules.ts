// What the house asks of a package that others install, beyond what publint and attw ask of every one. Pure.
import type { Manifest } from './workspaces.ts';

export interface PackageContents {
  readonly manifest: Manifest;
  /** What is in the tarball. */
  readonly files: readonly string[];
  /** Node range that the whole repository asks for. */
  readonly node: string;
}

/** What is wrong with a package, one sentence a mistake; nothing when it is fit to be installed. */
export function packageMistakes(contents: PackageContents): readonly string[] {
  return [...metadataMistakes(contents), ...exportMistakes(contents), ...fileMistakes(contents)];
}

function metadataMistakes({ manifest, node }: PackageContents): readonly string[] {
  const { description = '', keywords = [], license, type, engines, sideEffects } = manifest;
  const rules: readonly (readonly [boolean, string])[] = [
    [description !== '', 'has no description'],
    [keywords.includes('mabeam'), 'has no keyword "mabeam"'],
    [license === 'Apache-2.0', 'has another license than the repository'],
    [type === 'module', 'is not "type": "module"'],
    [engines?.node === node, `asks for another Node than ${node}`],
    [sideEffects !== undefined, 'does not say which of its modules have side effects'],
  ];
  return rules.filter(([isKept]) => !isKept).map(([, mistake]) => mistake);
}

/** Each entry: sources for work in the repository first, then types, then the compiled module; all of them packed. */
function exportMistakes({ manifest: { exports = {}, bin = {} }, files }: PackageContents): readonly string[] {
  const wantedOrder = '@mabeam/source, types, default';
  const entries = Object.entries(exports).flatMap(([subpath, conditions]) => {
    const order = Object.keys(conditions).join(', ');
    const disorder = order === wantedOrder ? [] : [`exports ${subpath} under ${order}, not ${wantedOrder}`];
    return [...disorder, ...absent(Object.values(conditions), files)];
  });
  return [
    ...(Object.keys(exports).length === 0 ? ['exports nothing'] : []),
    ...entries,
    ...absent(Object.values(bin), files),
  ];
}

function absent(targets: readonly string[], files: readonly string[]): readonly string[] {
  return targets
    .filter((target) => !files.includes(target.replace('./', '')))
    .map((target) => `names ${target}, which is not packed`);
}

function fileMistakes({ files }: PackageContents): readonly string[] {
  const needed = ['LICENSE', 'README.md'].filter((path) => !files.includes(path));
  const needless = files.filter((path) => /\.test\.|\.tsbuildinfo$|^test\//.test(path));
  const sourceless = files.filter(
    (path) => /^dist\/.*\.js$/.test(path) && !files.includes(path.replace(/^dist(.*)\.js$/, 'src$1.ts')),
  );
  return [
    ...needed.map((path) => `packs no ${path}`),
    ...needless.map((path) => `packs ${path}, which nobody needs`),
    ...sourceless.map((path) => `packs ${path} without the source its map points to`),
  ];
}
