/**
 * What was signed, as it was written. A JSON value has many spellings – spaces, escapes, keys twice – and a verifier that parses
 * first cannot see an edit that leaves the value alone. So what comes as text or bytes must be the canonical text of its value.
 */
import { canonicalText } from '@mabeam/bus';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The value to verify: what a text or bytes say, if they are its canonical text; anything else as it is, if it has one. Undefined
 * when it is not: nobody can have signed that.
 */
export function exactValue(written: unknown): unknown {
  try {
    if (typeof written !== 'string' && !(written instanceof Uint8Array))
      return canonicalText(written) === '' ? undefined : written;
    const text = typeof written === 'string' ? written : utf8.decode(written);
    const value: unknown = JSON.parse(text);
    return canonicalText(value) === text ? value : undefined;
  } catch {
    // What cannot be read or written says nothing.
    return undefined;
  }
}
