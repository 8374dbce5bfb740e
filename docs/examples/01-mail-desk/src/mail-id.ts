/** Mail ids: tokens that can stand in a subject and name a task (docs/protocol.md, ids). Whatever a user calls a mail, it gets one. */
import { createHash } from 'node:crypto';
import { isToken } from '@mabeam/bus';

/** How much of the original name stays readable in a derived id; a dash and 8 hexadecimal digits follow. */
const READABLE = 48;

/**
 * Returns a valid mail id for any name: the name itself when it is one, else its readable part followed by a dash and the first
 * 8 hexadecimal digits of the SHA-256 of the name, so that different names stay different.
 */
export function mailIdOf(name: string): string {
  if (isToken(name)) return name;
  const readable = name
    .slice(0, 4 * READABLE)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, READABLE);
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${readable === '' ? 'mail' : readable}-${digest}`;
}
