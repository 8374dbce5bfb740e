// The survey of a tree: its workspaces with what they declare and export, and its sources with their imports resolved.
// Every rule reads this and nothing else. Pure.
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { importsOf, type ImportFound } from './imports.ts';
import { levelOf } from './levels.ts';
import { scanSource, type Source } from './tokens.ts';
import type { Tree } from './tree.ts';

export interface Member {
  /** Folder of the workspace, `''` for the root with its tools and test support. */
  readonly folder: string;
  readonly name: string;
  readonly level: number | undefined;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
  /** Source file by public subpath: `.`, `./server`. */
  readonly exports: ReadonlyMap<string, string>;
}

export type Target =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'package'; readonly name: string; readonly subpath: string }
  | { readonly kind: 'builtin' };

export interface Import extends ImportFound {
  readonly target: Target;
}

export interface SourceFile {
  readonly path: string;
  readonly member: Member;
  readonly source: Source;
  readonly imports: readonly Import[];
  /** A test, or something only tests load. */
  readonly test: boolean;
}

export interface House {
  readonly tree: Tree;
  readonly members: readonly Member[];
  readonly files: readonly SourceFile[];
}

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly exports?: Record<string, Record<string, string>>;
}

const manifestPath = /^(?:(?:(?:packages|cmd|docs\/examples)\/[^/]+|bench)\/)?package\.json$/;
const sourcePath = /\.(?:ts|mts|js|mjs)$/;

/** Surveys a tree. A broken package.json throws: npm would not take it either. */
export function surveyHouse(tree: Tree): House {
  const members = [...tree]
    .filter(([path]) => manifestPath.test(path))
    .map(([path, text]) => readMember(path, text));
  const files = [...tree].flatMap(([path, text]) => {
    const member = sourcePath.test(path) ? memberOf(members, path) : undefined;
    return member === undefined ? [] : [readSource(path, text, member)];
  });
  return { tree, members, files };
}

/** The workspace a path belongs to: the innermost folder that holds it. */
export function memberOf(members: readonly Member[], path: string): Member | undefined {
  const inside = members.filter(({ folder }) => folder === '' || path.startsWith(`${folder}/`));
  return inside.toSorted((a, b) => b.folder.length - a.folder.length)[0];
}

/** The file an import leads to, inside this house; undefined for builtins, foreign packages and hidden subpaths. */
export function fileOf(house: House, target: Target): string | undefined {
  if (target.kind === 'file') return target.path;
  if (target.kind === 'builtin') return undefined;
  return house.members.find(({ name }) => name === target.name)?.exports.get(target.subpath);
}

function readMember(path: string, text: string): Member {
  // npm has validated the manifest; only the fields named in Manifest are read.
  const manifest = JSON.parse(text) as Manifest;
  const folder = path === 'package.json' ? '' : posix.dirname(path);
  const exported = Object.entries(manifest.exports ?? {}).flatMap(([subpath, conditions]) => {
    const source = conditions['@mabeam/source'];
    return source === undefined ? [] : [[subpath, posix.join(folder, source)] as const];
  });
  return {
    folder,
    name: manifest.name ?? folder,
    level: levelOf(folder),
    dependencies: new Set(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })),
    devDependencies: new Set(Object.keys(manifest.devDependencies ?? {})),
    exports: new Map(exported),
  };
}

function readSource(path: string, text: string, member: Member): SourceFile {
  const source = scanSource(text);
  const imports = importsOf(source).map((one) => ({ ...one, target: targetOf(path, one.specifier) }));
  const rest = path.slice(member.folder.length + 1);
  const test = /\.test\.m?ts$/.test(path) || rest.startsWith('test/') || member.folder === '';
  return { path, member, source, imports, test };
}

function targetOf(from: string, specifier: string): Target {
  if (specifier.startsWith('.')) return { kind: 'file', path: posix.join(posix.dirname(from), specifier) };
  if (specifier.startsWith('node:')) return { kind: 'builtin' };
  const segments = specifier.split('/');
  const name = segments.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  const rest = specifier.slice(name.length);
  // A builtin without `node:` counts as an undeclared package: the prefix is house style.
  return {
    kind: 'package',
    name: isBuiltin(specifier) ? `${specifier} (write node:${specifier})` : name,
    subpath: `.${rest}`,
  };
}
