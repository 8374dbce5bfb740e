/** Arguments that hold a body: the text itself, `@file`, or `-` for standard input; and what the text means. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { VariableDefinition } from '@mabeam/variables';
import { commandError } from './errors.ts';

/** The bytes an argument stands for. Throws `input-unreadable`. */
export async function readInput(argument: string): Promise<Uint8Array> {
  if (argument === '-') return buffer(process.stdin);
  if (!argument.startsWith('@')) return new TextEncoder().encode(argument);
  const file = argument.slice(1);
  if (file === '') {
    throw commandError('input-unreadable', 'there is no name of a file after "@"; write @file', {
      details: { file },
    });
  }
  return readNamedFile(file, 'correct the path after "@"');
}

/** The bytes of a file. Throws `input-unreadable`, with the cure. */
export async function readNamedFile(file: string, cure: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw commandError('input-unreadable', `${file} cannot be read (${why}); ${cure}`, {
      cause,
      details: { file },
    });
  }
}

/** The JSON an argument stands for; `what` names it in the error. Throws `input-unreadable`, `invalid-json`. */
export async function readJsonInput(what: string, argument: string): Promise<unknown> {
  return parseJsonText(what, decodeText(await readInput(argument)) ?? '\uFFFD');
}

/** Reads JSON text. Throws `invalid-json` with the parser's complaint and the cure. */
export function parseJsonText(what: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const cure = `write JSON, for instance '{"text":"hello"}' (quote the whole for the shell), @file, or - for standard input`;
    throw commandError('invalid-json', `${what} is not JSON (${why}); ${cure}`, { cause, details: { what } });
  }
}

/** Bytes as text when they are UTF-8, undefined otherwise. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The value meant by the text of `variable set`: JSON when it is JSON, else the text. For a selection of agents a list with
 * commas is a list. With `mustBeJson` nothing is guessed; throws `invalid-json`.
 */
export function readSetting(
  definition: Pick<VariableDefinition, 'kind' | 'id'>,
  text: string,
  { mustBeJson = false }: { readonly mustBeJson?: boolean } = {},
): unknown {
  if (mustBeJson) return parseJsonText(`the value of ${definition.id}`, text);
  const parsed = jsonOf(text);
  if (definition.kind === 'agent-selection') {
    if (Array.isArray(parsed?.value)) return parsed.value;
    return text
      .split(',')
      .map((agent) => agent.trim())
      .filter((agent) => agent !== '');
  }
  return parsed === undefined ? text : parsed.value;
}

/** Puts an identity into a trigger's body, which is then a JSON object. Throws `invalid-usage` when it is something else. */
export function withIdentity(
  body: unknown,
  identity: { readonly id?: string; readonly source?: string },
): unknown {
  if (identity.id === undefined && identity.source === undefined) return body;
  if (identity.id === undefined) {
    throw commandError('invalid-usage', '--source alone identifies nothing; give --id as well');
  }
  const fields = body === undefined ? {} : body;
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw commandError('invalid-usage', 'a trigger with --id needs a JSON object as its body, or none');
  }
  const given = new Map<string, unknown>(Object.entries(fields)).get('id');
  if (given !== undefined && given !== identity.id) {
    throw commandError(
      'invalid-usage',
      `the body has the id ${JSON.stringify(given)} already; leave --id out`,
    );
  }
  return { ...fields, ...identity };
}

function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
