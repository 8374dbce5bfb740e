// The text files of the repository, in memory: what the rules look at. Tests plant trees of their own.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Text by path, relative to the root, with forward slashes. */
export type Tree = ReadonlyMap<string, string>;

export interface Violation {
  readonly rule: string;
  readonly file: string;
  /** 1-based; absent when the whole file is meant. */
  readonly line?: number;
  readonly message: string;
}

const skipped = new Set(['node_modules', '.git', '.nx', 'dist', 'coverage']);

/**
 * Reads what git tracks or would track. Where there is no git (an unpacked archive) it walks the folders, leaving out
 * what is installed or built. Files that hold a zero byte are not text and are left out.
 */
export function readTree(root: string): Tree {
  const paths = listTracked(root) ?? listFolders(root, '');
  const tree = new Map<string, string>();
  for (const path of paths) {
    const full = join(root, path);
    if (!existsSync(full) || !statSync(full).isFile()) continue;
    const text = readFileSync(full, 'utf8');
    if (!text.includes('\0')) tree.set(path, text);
  }
  return tree;
}

function listTracked(root: string): readonly string[] | undefined {
  try {
    const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const out = execFileSync('git', options, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const paths = out.split('\0').filter((path) => path !== '');
    return paths.length > 0 ? paths : undefined;
  } catch {
    // No git, or a folder git does not trust: the walk gives the same answer for a clean checkout.
    return undefined;
  }
}

function listFolders(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? listFolders(root, path) : [path];
  });
}
