/**
 * Identifiers: what may stand in a subject, a key or a name.
 *
 * An id names something lasting (space, agent, variable, node, rule); a token names an occurrence (task, event) and may
 * begin with a digit. Neither has a dot, so that the position of a token in a subject is its meaning.
 */
import { busError } from './errors.ts';
import { isTakenName } from './space-names.ts';

/** Names no space, agent or variable may take: they are words of the wire. */
export const reservedIds: ReadonlySet<string> = new Set(['space', 'all', 'orchestrator']);

const idPattern = /^[a-z][a-z0-9_-]{0,62}$/;
const tokenPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** Is this text a valid id that is not reserved? */
export function isId(text: string): boolean {
  return idPattern.test(text) && !reservedIds.has(text);
}

/** Is this text a valid token of a subject? */
export function isToken(text: string): boolean {
  return tokenPattern.test(text);
}

/** Returns the text when it is a valid id; throws `invalid-id`, naming the kind of thing (`space`, `agent`, …). */
export function parseId(kind: string, text: string): string {
  const isReserved = reservedIds.has(text) || (kind === 'space' && isTakenName(text));
  if (isId(text) && !isReserved) return text;
  const why = isReserved
    ? `"${text}" is reserved`
    : `"${text}" is not a lower-case letter followed by up to 62 of a-z, 0-9, "_" and "-"`;
  throw busError('invalid-id', `${kind} id: ${why}; choose another id`, { details: { kind, id: text } });
}

/** Returns the text when it may be one token of a subject; throws `invalid-id` otherwise. */
export function parseToken(kind: string, text: string): string {
  if (isToken(text)) return text;
  throw busError(
    'invalid-id',
    `${kind}: "${text}" is not 1 to 63 of a-z, 0-9, "_" and "-" beginning with a letter or digit; choose another name`,
    { details: { kind, id: text } },
  );
}
