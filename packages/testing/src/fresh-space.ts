/** A space of one's own, so that tests on one server do not meet. */
import { randomUUID } from 'node:crypto';

/** A valid space id that nobody has used, beginning with `prefix`: a letter, then up to 40 of a-z, 0-9, "_" and "-". */
export function freshSpace(prefix = 'test'): string {
  return `${prefix}-${randomUUID().replaceAll('-', '').slice(0, 12)}`;
}
