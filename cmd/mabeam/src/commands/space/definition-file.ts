/** The file a definition is read from, and the module that brings the predicates it names. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseSpaceDefinition, type SpaceDefinition } from '@mabeam/orchestrator';
import type { ConstraintHandler } from '@mabeam/variables';
import { commandError } from '../../errors.ts';
import { decodeText, readInput, readNamedFile } from '../../input.ts';

/** The definition in the file of `-f`, or on standard input (`-`). Throws `invalid-usage`, `input-unreadable`, and its mistakes. */
export async function readDefinitionFile(file: string | undefined): Promise<SpaceDefinition> {
  const { path, text } = await readNamedText(file);
  return parseSpaceDefinition(text, { path });
}

/** The text in the file of `-f`, and the path it is known by: for standard input one in the folder of now. */
export async function readNamedText(
  file: string | undefined,
): Promise<{ readonly path: string; readonly text: string }> {
  if (file === undefined)
    throw commandError('invalid-usage', 'which file? name it with -f, or -f - for standard input');
  const bytes = file === '-' ? await readInput('-') : await readNamedFile(file, 'correct the path');
  const text = decodeText(bytes);
  if (text === undefined) {
    const message = `${file} is not text in UTF-8; save it as UTF-8`;
    throw commandError('input-unreadable', message, { details: { file } });
  }
  return { path: resolve(file === '-' ? 'stdin' : file), text };
}

/** The predicates that a module exports; none without a module. Throws `input-unreadable`. */
export async function loadConstraints(module: string | undefined): Promise<readonly ConstraintHandler[]> {
  if (module === undefined) return [];
  try {
    const loaded: unknown = await import(pathToFileURL(resolve(module)).href);
    return Object.values(Object(loaded)).flat().filter(isHandler);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw commandError('input-unreadable', `${module} cannot be loaded (${why}); correct the path`, {
      cause,
      details: { file: module },
    });
  }
}

function isHandler(value: unknown): value is ConstraintHandler {
  if (typeof value !== 'object' || value === null || !('name' in value && 'predicate' in value)) return false;
  return typeof value.name === 'string' && typeof value.predicate === 'function';
}
