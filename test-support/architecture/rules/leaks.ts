// What must not get into the repository: paths of one machine, hosts of package registries, a lock file that lacks
// platforms.
import type { House } from '../house.ts';
import type { Violation } from '../tree.ts';

// Spelt as alternatives, so that this file does not hold what it forbids. Ada is nobody: examples may use her folders.
const machinePath =
  /(?<![\w.~$}*-])\/(?:home|Users|root|work|mnt|private)\/(?!ada\b)[\w.-]+|\b[A-Z]:\\{1,2}Users\\(?!\\?ada\b)/;
const scratchPath = /(?<![\w.~$}*-])\/(?:var\/)?tmp\/[\w.-]+/;
const registryHost =
  /\bhttps?:\/\/[^\s/"'`)]*(?:registry|npmjs|verdaccio|nexus|artifactory|jfrog|pypi)[^\s/"'`)]*/i;
const prose = /\.md$/;

/** Absolute paths of somebody's machine and hosts of registries, in any text file; scratch paths outside prose. */
export function machineTraces(house: House): readonly Violation[] {
  return [...house.tree].flatMap(([file, text]) =>
    text.split('\n').flatMap((line, index) => {
      const path =
        machinePath.exec(line)?.[0] ?? (prose.test(file) ? undefined : scratchPath.exec(line)?.[0]);
      const host = registryHost.exec(line)?.[0];
      const found = [
        path === undefined ? [] : [`machine path ${path}`],
        host === undefined ? [] : [`registry host ${host}`],
      ];
      return found.flat().map((message) => ({ rule: 'traces', file, line: index + 1, message }));
    }),
  );
}

interface Lock {
  readonly packages?: Record<string, { readonly optionalDependencies?: Record<string, string> }>;
}

/**
 * Every optional dependency that the lock file names has an entry in it. npm drops the ones it could not find without a
 * word, and the install then fails, or runs on the wrong binary, on another platform only.
 */
export function droppedPlatforms(house: House): readonly Violation[] {
  const file = 'package-lock.json';
  // npm wrote the file; only the fields named in Lock are read.
  const { packages = {} } = JSON.parse(house.tree.get(file) ?? '{}') as Lock;
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !placesOf(path, name).some((place) => place in packages))
      .map((name) => ({
        rule: 'lock',
        file,
        message: `${path || 'the root'} names ${name}, which has no entry`,
      })),
  );
}

/** Where Node would look for `name` from a package at `path`: its own node_modules, then each one further out. */
function placesOf(path: string, name: string): readonly string[] {
  const parts = path.split('/node_modules/');
  const nested = parts.map(
    (_, index) => `${parts.slice(0, index + 1).join('/node_modules/')}/node_modules/${name}`,
  );
  return [...nested, `node_modules/${name}`];
}
