/**
 * The URL of a server, with the credentials that may stand in it, as NATS's own tools take them: `nats://user:password@host`, or
 * `nats://token@host`. What is shown – in messages, errors, logs – never has them.
 */
import { busError } from './errors.ts';

/** Where to connect, as whom, and how that may be shown. */
export interface ServerUrl {
  readonly servers: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** The URL without credentials. */
  readonly shown: string;
}

/** The scheme, and what stands before the host. */
const beginning = /^([a-z]+:\/\/)?(?:([^@/]*)@)?/;

/** Reads the URL of a server. Throws `server-unavailable` when its credentials are not percent-encoded as URLs want them. */
export function readServerUrl(url: string): ServerUrl {
  const shown = publicUrl(url);
  const credentials = beginning.exec(url)?.[2] ?? '';
  if (credentials === '') return { servers: shown, shown };
  const colon = credentials.indexOf(':');
  if (colon < 0) return { servers: shown, token: plain(credentials, shown), shown };
  const user = plain(credentials.slice(0, colon), shown);
  return { servers: shown, user, pass: plain(credentials.slice(colon + 1), shown), shown };
}

/** The URL of a server as it may be shown: without the credentials in it. */
export function publicUrl(url: string): string {
  return url.replace(beginning, '$1');
}

function plain(text: string, shown: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    const message = `the credentials in the URL of ${shown} are malformed; write "%" as %25, "@" as %40 and ":" as %3A in them`;
    throw busError('server-unavailable', message, { details: { url: shown }, cause });
  }
}
