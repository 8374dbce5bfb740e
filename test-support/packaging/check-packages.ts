// The gate `npm run check:packages`: packs every published workspace and has publint, attw and the rules of this house look
// at the tarballs. A warning counts as a mistake. Exits 1 and names every mistake.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packageMistakes } from './package-rules.ts';
import { packWorkspaces, type Packed } from './pack-workspaces.ts';
import { readManifest, repositoryRoot } from './workspaces.ts';

const attwWithinMs = 60_000;

/** Its command, which is all that it exports. */
const attw = join(
  dirname(fileURLToPath(import.meta.resolve('@arethetypeswrong/cli/package.json'))),
  'dist/index.js',
);

/** What publint says, its suggestions too. */
async function publintMistakes({ tarball }: Packed): Promise<readonly string[]> {
  const bytes = await readFile(tarball);
  const packed = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ strict: true, pack: { tarball: packed } });
  return messages.map(
    (message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
  );
}

/** What attw says; the packages are ES modules only, so what CommonJS would meet does not count. */
function attwMistakes({ tarball }: Packed): Promise<readonly string[]> {
  const args = [attw, tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: attwWithinMs }, (error, stdout, stderr) => {
      resolve(error === null ? [] : [`attw: ${stdout.trim() || stderr.trim() || error.message}`]);
    });
  });
}

async function mistakesOf(packed: Packed): Promise<readonly string[]> {
  const node = readManifest(repositoryRoot).engines?.node ?? '';
  const own = packageMistakes({ ...packed, node });
  const [linted, typed] = await Promise.all([publintMistakes(packed), attwMistakes(packed)]);
  return [...own, ...linted, ...typed];
}

/** Two at a time: what looks at them are processes that use one core each. */
const atOnce = 2;

const destination = await mkdtemp(join(tmpdir(), 'mabeam-check-packages-'));
try {
  const all = await packWorkspaces(destination);
  for (let next = 0; next < all.length; next += atOnce) {
    const some = all.slice(next, next + atOnce);
    const mistakes = await Promise.all(some.map(mistakesOf));
    for (const [at, packed] of some.entries()) tell(packed, mistakes[at] ?? []);
  }
} finally {
  await rm(destination, { recursive: true, force: true });
}

function tell({ files, manifest: { name } }: Packed, mistakes: readonly string[]): void {
  for (const mistake of mistakes) console.error(`${name}: ${mistake}`);
  if (mistakes.length > 0) process.exitCode = 1;
  else console.log(`${name}: sound, ${files.length} files`);
}
