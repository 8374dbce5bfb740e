/**
 * Identities: who said something, provable to whoever knows a public key. Ed25519 (RFC 8032) over the canonical text of a JSON
 * value; the keys are written as NATS writes its user keys (nkeys), so that a connection and a signature may name the same one.
 *
 * Promise: two values have the same canonical bytes exactly when they mean the same JSON, whatever the order of keys; a signature
 * made for one purpose is worth nothing for another; each key and each signature has one spelling, any other is not valid.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { busError } from './errors.ts';
import { decodeNkey, encodeNkey } from './nkey.ts';

/** A key pair that signs. */
export interface Identity {
  /** 56 characters beginning with `U`. */
  readonly publicKey: string;
  /** Signs a JSON value for a purpose; 86 characters of base64url. Throws `malformed-message` when the value is not JSON. */
  readonly sign: (purpose: string, value: unknown) => string;
}

/** DER before the 32 bytes of a key: RFC 8410, sections 7 and 4. */
const privateHead = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicHead = Buffer.from('302a300506032b6570032100', 'hex');
const signaturePattern = /^[A-Za-z0-9_-]{86}$/;
const text = new TextEncoder();

/** A new secret from the system's random source: 58 characters beginning with `SU`. Keep it where secrets are kept. */
export function createSeed(): string {
  return encodeNkey('seed', randomBytes(32));
}

/** The identity that a seed is the secret of. Throws `invalid-identity` when it is none; the message does not show it. */
export function openIdentity(seed: string): Identity {
  const secret = decodeNkey('seed', seed);
  if (secret === undefined) {
    throw busError(
      'invalid-identity',
      'this is not the seed of a user key: 58 characters beginning with "SU"',
    );
  }
  const key = createPrivateKey({ key: Buffer.concat([privateHead, secret]), format: 'der', type: 'pkcs8' });
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const publicKey = encodeNkey('public', der.subarray(publicHead.length));
  return {
    publicKey,
    sign: (purpose, value) => sign(null, signedBytes(purpose, value), key).toString('base64url'),
  };
}

/** A new identity that nobody can open again. */
export function createIdentity(): Identity {
  return openIdentity(createSeed());
}

/** Is this how a public key is written? */
export function isPublicKey(value: unknown): value is string {
  return typeof value === 'string' && decodeNkey('public', value) !== undefined;
}

/** Did the owner of the key sign this value for this purpose? Whatever is malformed is false; nothing is thrown. */
export function isSignedBy(publicKey: string, purpose: string, value: unknown, signature: string): boolean {
  const key = keyOf(publicKey);
  if (key === undefined || !signaturePattern.test(signature)) return false;
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.toString('base64url') !== signature) return false;
  const body = signableBytes(purpose, value);
  return body !== undefined && verify(null, body, key, bytes);
}

/**
 * A JSON value as the one text that everybody writes for it: no spaces, keys in the order of their UTF-16 units, numbers as
 * ECMAScript writes them (RFC 8785). A key whose value is undefined is absent. Throws `malformed-message` when it is not JSON.
 */
export function canonicalText(value: unknown): string {
  return textOf(value, 0);
}

/** The canonical text as bytes. Throws `malformed-message` when the value is not JSON. */
export function canonicalBytes(value: unknown): Uint8Array {
  return text.encode(canonicalText(value));
}

/** SHA-256 of the canonical bytes: 43 characters of base64url. Throws `malformed-message` when the value is not JSON. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalBytes(value)).digest('base64url');
}

const maxDepth = 64;

function textOf(value: unknown, depth: number): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string' && value.isWellFormed()) return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value !== 'object' || depth >= maxDepth) throw notJson(value, depth);
  return Array.isArray(value) ? listText(value, depth) : objectText(value, depth);
}

function listText(values: readonly unknown[], depth: number): string {
  let written = '';
  for (const value of values) written += `${written === '' ? '' : ','}${textOf(value, depth + 1)}`;
  return `[${written}]`;
}

/** Loops and no intermediate lists: a ballot paper is written once by each of its voters, and again for each that is checked. */
function objectText(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notJson(value, depth);
  // A plain object is read by its own keys alone.
  const fields = value as Readonly<Record<string, unknown>>;
  let written = '';
  // The usual order of strings is the one of their UTF-16 units.
  for (const key of Object.keys(fields).toSorted()) {
    const field = fields[key];
    if (field === undefined) continue;
    written += `${written === '' ? '' : ','}${textOf(key, depth)}:${textOf(field, depth + 1)}`;
  }
  return `{${written}}`;
}

function notJson(value: unknown, depth: number): Error {
  const what = depth >= maxDepth ? `deeper than ${maxDepth} levels` : `a value of type ${typeof value}`;
  return busError('malformed-message', `only JSON has a canonical text; this is ${what}`);
}

function signedBytes(purpose: string, value: unknown): Uint8Array {
  return text.encode(`${canonicalText(purpose)}${canonicalText(value)}`);
}

function signableBytes(purpose: string, value: unknown): Uint8Array | undefined {
  try {
    return signedBytes(purpose, value);
  } catch {
    return undefined;
  }
}

/** Keys met before: to read one costs as much as to verify with it. */
const known = new Map<string, KeyObject>();
const maxKnown = 1_024;

function keyOf(publicKey: string): KeyObject | undefined {
  const met = known.get(publicKey);
  if (met !== undefined) return met;
  const raw = decodeNkey('public', publicKey);
  if (raw === undefined) return undefined;
  const key = createPublicKey({ key: Buffer.concat([publicHead, raw]), format: 'der', type: 'spki' });
  if (known.size >= maxKnown) known.clear();
  known.set(publicKey, key);
  return key;
}
