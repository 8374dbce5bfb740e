/**
 * Secrets (ruling R25): a value reaches every agent and stays in the history, so a secret never stands in one. What stands there is
 * a reference, `{"$secret": "mail-password"}`, at any place of a custom or local variable's value; the process that needs the
 * secret resolves it, at the moment of use, from its own surroundings.
 *
 * Promise: nothing here logs; no error and no message contains a secret.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isId } from '@mabeam/bus';
import { variableError } from './errors.ts';
import { isPlainObject, showJson, type Json } from './json.ts';
import type { Problem } from './problem.ts';

/** Knows secrets by name; undefined when it does not know this one. */
export type SecretProvider = (name: string) => string | undefined | Promise<string | undefined>;

const referenceKey = '$secret';

/** The first malformed reference in a value; undefined when there is none. */
export function malformedReference(value: Json, field = 'value'): Problem | undefined {
  if (Array.isArray(value)) return firstProblem(value.map((item, i) => [`${field}[${i}]`, item]));
  if (!isPlainObject(value)) return undefined;
  if (!Object.hasOwn(value, referenceKey))
    // The members of a JSON value are JSON values.
    return firstProblem(Object.entries(value).map(([key, item]) => [`${field}.${key}`, item as Json]));
  if (Object.keys(value).length === 1 && typeof value[referenceKey] === 'string' && isId(value[referenceKey]))
    return undefined;
  const form = `{"${referenceKey}": "<name>"}`;
  const message = `a reference to a secret is ${form} and nothing else, the name in small letters, digits, - and _; mend it`;
  return { code: 'out-of-domain', field, message };
}

/**
 * The value with every reference replaced by its secret, as a new value: for use in this process, never to be written, sent or
 * logged. Throws `secret-missing` naming the secret.
 */
export async function resolveSecrets(value: Json, provider: SecretProvider): Promise<Json> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => resolveSecrets(item, provider)));
  if (!isPlainObject(value)) return value;
  const name = value[referenceKey];
  if (typeof name === 'string') return secretOf(name, provider);
  // The members of a JSON value are JSON values.
  const members = Object.entries(value) as [string, Json][];
  const resolved = members.map(async ([key, item]) => [key, await resolveSecrets(item, provider)] as const);
  return Object.fromEntries(await Promise.all(resolved));
}

/** Secrets from the environment: `mail-password` is `MABEAM_SECRET_MAIL_PASSWORD`. */
export function environmentSecrets(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): SecretProvider {
  return (name) => environment[`MABEAM_SECRET_${name.replaceAll('-', '_').toUpperCase()}`];
}

/**
 * Secrets from a folder with a file for each, as Docker and Kubernetes mount them; one line break at the end is no part of it.
 * A folder or file that is not there knows nothing; one that cannot be read throws `secret-missing` with the cause.
 */
export function folderSecrets(folder: string): SecretProvider {
  return async (name) => {
    if (!isId(name)) return undefined;
    try {
      return (await readFile(join(folder, name), 'utf8')).replace(/\r?\n$/, '');
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
      const message = `the secret ${name} in ${folder} cannot be read; mend the permissions of the file`;
      throw variableError('secret-missing', message, { details: { secret: name }, cause });
    }
  };
}

/** The usual surroundings: `MABEAM_SECRET_<NAME>` first, then the folder `MABEAM_SECRETS_DIR`, when it is set. */
export function defaultSecrets(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): SecretProvider {
  const folder = environment['MABEAM_SECRETS_DIR'];
  const fromEnvironment = environmentSecrets(environment);
  if (folder === undefined || folder === '') return fromEnvironment;
  const fromFolder = folderSecrets(folder);
  return async (name) => (await fromEnvironment(name)) ?? (await fromFolder(name));
}

async function secretOf(name: string, provider: SecretProvider): Promise<string> {
  const secret = await provider(name);
  if (secret !== undefined) return secret;
  const message = `this process has no secret ${showJson(name)}; set MABEAM_SECRET_<NAME>, or put the file into the folder MABEAM_SECRETS_DIR`;
  throw variableError('secret-missing', message, { details: { secret: name } });
}

function firstProblem(members: readonly (readonly [field: string, item: Json])[]): Problem | undefined {
  for (const [field, item] of members) {
    const problem = malformedReference(item, field);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
