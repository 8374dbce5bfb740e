// Before a build: deletes what no source of today has made, and where something is missing makes the compiler forget that
// it has built, so that it builds again. `npm run build` begins with it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildNotes, compareOutput } from './build-output.ts';
import { compiledWorkspaces } from './workspaces.ts';

for (const { folder } of compiledWorkspaces()) {
  const dist = join(folder, 'dist');
  const { orphans, missing } = compareOutput(folder);
  for (const path of orphans) rmSync(join(dist, path));
  if (missing.length > 0) rmSync(join(dist, buildNotes), { force: true });
}
