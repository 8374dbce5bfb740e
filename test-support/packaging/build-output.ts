// What `tsc -b` has left in a package's dist, against its sources. The compiler neither deletes the output of a source that
// is gone nor writes one again that somebody deleted; both would go into a tarball unseen.
import { existsSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export interface BuildOutput {
  /** Outputs in dist that no source has made. */
  readonly orphans: readonly string[];
  /** Outputs that a source ought to have made. */
  readonly missing: readonly string[];
}

const outputEndings = ['.js', '.js.map', '.d.ts', '.d.ts.map'];
/** The compiler's own notes of what it has built, in dist. */
export const buildNotes = '.tsbuildinfo';

/** Compares `dist` with `src` in the folder of a package; paths in the answer start from dist, with forward slashes. */
export function compareOutput(packageFolder: string): BuildOutput {
  const sources = filesBelow(join(packageFolder, 'src')).filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
  );
  const wanted = new Set(
    sources.flatMap((path) => outputEndings.map((ending) => path.replace(/\.ts$/, ending))),
  );
  const present = filesBelow(join(packageFolder, 'dist')).filter((path) => path !== buildNotes);
  return {
    orphans: present.filter((path) => !wanted.has(path)),
    missing: [...wanted].filter((path) => !present.includes(path)).toSorted(),
  };
}

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .toSorted();
}
