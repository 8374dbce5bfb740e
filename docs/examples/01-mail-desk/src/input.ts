/**
 * The user's own mail: an mbox file, a folder of .eml files, or a .jsonl file with `{id, raw, label?}` on each line. The whole input is
 * looked through before the first mail is judged; what is wrong is refused with file, line, field and cure, and then nothing is judged.
 */
import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { mailDeskError } from './errors.ts';
import type { MailEntry } from './mail-entry.ts';
import { mailIdOf } from './mail-id.ts';
import { parseMailLine } from './mail-line.ts';
import { splitMbox } from './mbox.ts';

/** An entry and the place to name when something is wrong with it. */
interface Located {
  readonly entry: MailEntry;
  readonly where: string;
}

/**
 * Lists the mails of the input in their order: a folder by file name, a file from top to bottom. Throws `input-not-found`,
 * `mail-unreadable`, `input-kind-unknown`, `input-empty`, `input-line-malformed`, `input-field-invalid`, `input-id-duplicate`.
 */
export async function openInput(path: string): Promise<MailEntry[]> {
  const found = await readAt(path, () => stat(path));
  const located = await locateMails(path, found);
  if (located.length === 0) throw emptyInput(path, found);
  assertDistinct(located);
  return located.map(({ entry }) => entry);
}

async function locateMails(path: string, found: Stats): Promise<Located[]> {
  if (found.isDirectory()) return readFolder(path);
  const kind = extname(path).toLowerCase();
  if (found.isFile() && kind === '.mbox') return readMbox(path);
  if (found.isFile() && (kind === '.jsonl' || kind === '.ndjson')) return readLines(path);
  const message = `${path} is neither a folder nor a .mbox or .jsonl file; name one of these (a single .eml: name its folder)`;
  throw mailDeskError('input-kind-unknown', message, { details: { file: path } });
}

async function readFolder(path: string): Promise<Located[]> {
  const names = await readAt(path, () => readdir(path));
  return names
    .filter((name) => extname(name).toLowerCase() === '.eml')
    .sort()
    .map((name) => {
      const file = join(path, name);
      const title = basename(name, extname(name));
      return {
        entry: { ...named(title), group: basename(path), content: { kind: 'file', path: file } },
        where: file,
      };
    });
}

async function readMbox(path: string): Promise<Located[]> {
  const bytes = await readAt(path, () => readFile(path));
  const mails = splitMbox(bytes);
  if (mails.length === 0 && bytes.length > 0) {
    const message = `${path} line 1: not the start of an mbox file, which is "From <sender> <date>"; use a folder of .eml for single mails`;
    throw mailDeskError('input-line-malformed', message, { details: { file: path, line: 1 } });
  }
  const group = basename(path, extname(path));
  return mails.map((raw, index) => {
    const title = `${group}-${String(index + 1).padStart(5, '0')}`;
    return {
      entry: { ...named(title), group, content: { kind: 'inline', raw } },
      where: `${path} mail ${index + 1}`,
    };
  });
}

async function readLines(path: string): Promise<Located[]> {
  const text = await readAt(path, () => readFile(path, 'utf8'));
  const group = basename(path, extname(path));
  const located: Located[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (line.trim() === '') continue;
    const { id, raw, label } = parseMailLine(line, { file: path, line: index + 1 });
    const entry: MailEntry = {
      ...named(id),
      group,
      content: { kind: 'inline', raw },
      ...(label === undefined ? {} : { label }),
    };
    located.push({ entry, where: `${path} line ${index + 1}` });
  }
  return located;
}

/** The id of a mail, and the user's name for it where that is another. */
function named(title: string): Pick<MailEntry, 'id' | 'name'> {
  const id = mailIdOf(title);
  return id === title ? { id } : { id, name: title };
}

function assertDistinct(located: readonly Located[]): void {
  const first = new Map<string, string>();
  for (const { entry, where } of located) {
    const earlier = first.get(entry.id);
    if (earlier !== undefined) {
      const message = `${where}: the id "${entry.name ?? entry.id}" was already used at ${earlier}; every mail needs an id of its own`;
      throw mailDeskError('input-id-duplicate', message, { details: { id: entry.id, where, earlier } });
    }
    first.set(entry.id, where);
  }
}

function emptyInput(path: string, found: Stats): Error {
  const message = found.isDirectory()
    ? `${path} holds no .eml file; name the folder that contains them`
    : `${path} holds no mail; it is empty`;
  return mailDeskError('input-empty', message, { details: { file: path } });
}

/** Reads from the path and says which of the two usual things went wrong. */
async function readAt<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const missing =
      cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR');
    const details = { file: path };
    if (missing)
      throw mailDeskError('input-not-found', `${path} does not exist; check the path given to --input`, {
        cause,
        details,
      });
    throw mailDeskError('mail-unreadable', `${path} cannot be read; check its permissions`, {
      cause,
      details,
    });
  }
}
