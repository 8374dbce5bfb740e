/** A mail before it is parsed: where its bytes are, what is known about it, and how to fetch it when its turn comes. */
import { readFile } from 'node:fs/promises';
import { mailDeskError } from './errors.ts';

/** What a mail truly is. */
export type Label = 'ham' | 'spam';

/** A mail as it lies in its file: `raw` is the message with its headers. */
export interface Mail {
  readonly id: string;
  readonly raw: string | Uint8Array;
  /** Where the mail comes from: a group of the corpus, or the name of the input. */
  readonly group: string;
  readonly label?: Label;
  /** What the user called the mail, when that could not be its id. */
  readonly name?: string;
}

/** A mail that is not read yet. */
export interface MailEntry extends Omit<Mail, 'raw'> {
  readonly content:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'inline'; readonly raw: Mail['raw'] };
}

/** Fetches the message of an entry. Throws `mail-unreadable` when its file is gone since. */
export async function readMail(entry: MailEntry): Promise<Mail> {
  const { content, ...mail } = entry;
  if (content.kind === 'inline') return { ...mail, raw: content.raw };
  try {
    return { ...mail, raw: await readFile(content.path) };
  } catch (cause) {
    const message = `mail ${entry.id}: ${content.path} cannot be read; is the file still there?`;
    throw mailDeskError('mail-unreadable', message, {
      cause,
      details: { mail: entry.id, file: content.path },
    });
  }
}
