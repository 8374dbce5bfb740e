/** Why something was written, for people: words as they are, a trigger by its source and id. Pure. */
import { oneLine } from './table.ts';

/** The identity of a trigger. */
export function shownIdentity({ source, id }: { readonly source: string; readonly id: string }): string {
  return oneLine(source === '' ? `id ${id}` : `source ${source}, id ${id}`);
}

/** A cause: a short text, or the JSON in which an adaptation names its trigger. */
export function shownCause(cause: string): string {
  const trigger = cause.startsWith('{') ? triggerIn(cause) : undefined;
  return trigger === undefined ? oneLine(cause) : `a trigger (${shownIdentity(trigger)})`;
}

function triggerIn(cause: string): { readonly source: string; readonly id: string } | undefined {
  try {
    const { id, kind, source } = Object(JSON.parse(cause)) as Record<string, unknown>; // Whatever is JSON has fields, or none.
    const isTrigger = kind === 'trigger' && typeof source === 'string' && typeof id === 'string';
    return isTrigger ? { source, id } : undefined;
  } catch {
    return undefined;
  }
}
