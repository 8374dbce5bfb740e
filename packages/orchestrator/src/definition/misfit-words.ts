/**
 * A misfit between a written field and the form, in words for whoever wrote it: what is there, and what to write instead. Pure.
 *
 * What a schema says in words of its own is left as it says it.
 */
import type { z } from 'zod';
import { nearestWord } from './nearest-word.ts';

/** What is wrong with one field. */
export function misfitWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return unknownWord(issue.input, issue.values);
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (issue.code === 'invalid_union' && issue.input === undefined) return 'is missing; give a value';
  if (!isStock(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing; give ${noun(issue.expected)}`
        : `is ${shown(issue.input)}; give ${noun(issue.expected)}`;
    case 'too_small':
      return `${sizeOf(issue.input)}; give ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `${sizeOf(issue.input)}; give ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    case 'not_multiple_of':
      return `is ${shown(issue.input)}; give a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return `is ${shown(issue.input)}; write it in the form ${issue.pattern ?? issue.format}`;
    case 'custom':
    case 'invalid_element':
    case 'invalid_union':
    case 'unrecognized_keys':
      return issue.message;
  }
}

/** A field that the form does not know, with the one that was likely meant; or knows, but not beside the others. */
export function unknownField(key: string, known: readonly string[]): string {
  if (known.includes(key)) return `"${key}" does not go with what stands beside it; keep one of them`;
  const near = nearestWord(key, known);
  const cure = near === undefined ? `known here: ${known.join(', ')}` : `did you mean "${near}"?`;
  return `unknown field "${key}"; ${cure}`;
}

function unknownWord(input: unknown, words: readonly unknown[]): string {
  const near = typeof input === 'string' ? nearestWord(input, words.map(String)) : undefined;
  const cure = near === undefined ? '' : `; did you mean "${near}"?`;
  return `is ${JSON.stringify(input) ?? 'missing'}, not one of ${words.join(', ')}${cure}`;
}

/** Is it what the library says by itself, of types and not of spaces? */
function isStock(message: string): boolean {
  return /^(?:Invalid (?:input|string|number)|Too (?:small|big)): /.test(message);
}

const nouns: Readonly<Record<string, string>> = {
  array: 'a list',
  int: 'a whole number',
  object: 'a mapping of fields',
  record: 'a mapping of fields',
  tuple: 'a list',
};

function noun(expected: string): string {
  return nouns[expected] ?? (/^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`);
}

function shown(input: unknown): string {
  if (input === null) return 'empty';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a mapping';
  // Not a number and the infinities are no JSON.
  return typeof input === 'number' ? String(input) : JSON.stringify(input);
}

/** A list and a text by how much is in them. */
function sizeOf(input: unknown): string {
  if (Array.isArray(input)) return `has ${input.length} of them`;
  if (typeof input === 'string') return input === '' ? 'is empty' : `has ${input.length} characters`;
  return `is ${shown(input)}`;
}
