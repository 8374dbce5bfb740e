// Packs the published workspaces as npm would publish them.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publishedWorkspaces, repositoryRoot, type Workspace } from './workspaces.ts';

export interface Packed extends Workspace {
  /** Absolute path of the tarball. */
  readonly tarball: string;
  /** What is in it, from the package's root. */
  readonly files: readonly string[];
}

interface PackReport {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const packsWithinMs = 60_000;

/** Packs them below a folder, within seconds; they must be built. Throws with npm's words when one is not. */
export async function packWorkspaces(destination: string): Promise<readonly Packed[]> {
  const workspaces = publishedWorkspaces();
  // npm calls the tarballs of `@mabeam/x` and `mabeam-x` by one name: each scope has a folder of its own.
  const isScoped = ({ manifest }: Workspace): boolean => manifest.name.startsWith('@');
  return [
    ...(await packInto(join(destination, 'scoped'), workspaces.filter(isScoped))),
    ...(await packInto(
      join(destination, 'plain'),
      workspaces.filter((workspace) => !isScoped(workspace)),
    )),
  ];
}

async function packInto(folder: string, workspaces: readonly Workspace[]): Promise<readonly Packed[]> {
  await mkdir(folder);
  const chosen = workspaces.flatMap(({ manifest }) => ['--workspace', manifest.name]);
  const args = ['pack', '--json', '--pack-destination', folder, ...chosen];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: repositoryRoot, timeout: packsWithinMs });
  // npm's own report; what prepack says goes to standard error.
  const reports = JSON.parse(stdout) as readonly PackReport[];
  return workspaces.map((workspace) => {
    const report = reports.find(({ name }) => name === workspace.manifest.name);
    if (report === undefined) throw new Error(`npm packed no ${workspace.manifest.name}`);
    const files = report.files.map(({ path }) => path);
    return { ...workspace, tarball: join(folder, report.filename), files };
  });
}
