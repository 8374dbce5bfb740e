/** Folders for what Node runs: below the system's folder for temporary files, and writable by this user alone. */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** The folder `NAME-UID`, made when it is missing. Undefined when the name is taken by somebody else. */
export function privateFolder(name: string): string | undefined {
  const { uid } = userInfo();
  const folder = join(tmpdir(), `${name}-${uid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    if (!found.isDirectory() || (uid >= 0 && found.uid !== uid)) return undefined;
    if (uid >= 0) chmodSync(folder, 0o700);
    return folder;
  } catch {
    return undefined;
  }
}
