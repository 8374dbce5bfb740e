// The workspaces of this repository that are compiled, and those that are published: named by the root's package.json.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The fields of a package.json that packaging looks at. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly type?: string;
  readonly sideEffects?: boolean | readonly string[];
  readonly engines?: { readonly node?: string };
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface Workspace {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The root of the repository. */
export const repositoryRoot: string = fileURLToPath(new URL('../..', import.meta.url));

/** Reads the package.json of a folder. */
export function readManifest(folder: string): Manifest {
  // npm has validated the file; only the fields named in Manifest are read.
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** All workspaces with a tsconfig.json, in the order of their folders. */
export function compiledWorkspaces(root: string = repositoryRoot): readonly Workspace[] {
  const patterns = readManifest(root).workspaces ?? [];
  return globSync([...patterns], { cwd: root })
    .toSorted()
    .map((path) => join(root, path))
    .filter((folder) => existsSync(join(folder, 'tsconfig.json')))
    .map((folder) => ({ folder, manifest: readManifest(folder) }));
}

/** Those that others can install. */
export function publishedWorkspaces(root: string = repositoryRoot): readonly Workspace[] {
  return compiledWorkspaces(root).filter(({ manifest }) => manifest.private !== true);
}
