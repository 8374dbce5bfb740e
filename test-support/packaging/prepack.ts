// What npm runs before it packs a package: refuses one that is not built, and lays the license beside it.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareOutput } from './build-output.ts';
import { repositoryRoot } from './workspaces.ts';

const folder = process.cwd();
const { orphans, missing } = compareOutput(folder);
if (missing.length + orphans.length > 0) {
  const wrong = [
    ...missing.map((path) => `${path} is missing`),
    ...orphans.map((path) => `${path} is left over`),
  ];
  console.error(
    `${folder} is not built as its sources are; run "npm run build" first: ${wrong.slice(0, 5).join(', ')}`,
  );
  process.exitCode = 1;
} else {
  copyFileSync(join(repositoryRoot, 'LICENSE'), join(folder, 'LICENSE'));
}
