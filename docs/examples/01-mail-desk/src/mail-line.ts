/** One line of a .jsonl input: `{"id": "…", "raw": "…", "label": "ham" | "spam"}`; other fields are ignored. A line that is wrong is refused by name. */
import { mailDeskError } from './errors.ts';
import type { Label } from './mail-entry.ts';

/** What a line says. */
export interface MailLine {
  readonly id: string;
  readonly raw: string;
  readonly label?: Label;
}

/** Where a line stands; lines count from 1. */
export interface LinePlace {
  readonly file: string;
  readonly line: number;
}

/** Reads a line. Throws `input-line-malformed` when it is not a JSON object, `input-field-invalid` when a field is missing or wrong. */
export function parseMailLine(text: string, place: LinePlace): MailLine {
  const fields = parseObject(text, place);
  const id = textField(fields, 'id', place, 'give every mail an id, a string');
  const raw = textField(fields, 'raw', place, 'put the whole message with its headers there, as one string');
  const label = fields['label'];
  if (label === undefined || label === null) return { id, raw };
  if (label === 'ham' || label === 'spam') return { id, raw, label };
  throw fieldError('label', place, `is ${shown(label)}`, 'write "ham" or "spam", or leave it out');
}

function parseObject(text: string, place: LinePlace): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw lineError(place, cause instanceof Error ? cause.message : 'not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw lineError(place, `found ${shown(value)}`);
  return { ...value };
}

function textField(
  fields: Readonly<Record<string, unknown>>,
  field: string,
  place: LinePlace,
  cure: string,
): string {
  const value = fields[field];
  if (typeof value === 'string') return value;
  throw fieldError(field, place, value === undefined ? 'is missing' : `is ${shown(value)}`, cure);
}

function lineError(place: LinePlace, problem: string, cause?: unknown): Error {
  const message = `${place.file} line ${place.line}: not a JSON object (${problem}); write one {"id", "raw"} a line`;
  return mailDeskError('input-line-malformed', message, { cause, details: { ...place } });
}

function fieldError(field: string, place: LinePlace, problem: string, cure: string): Error {
  const message = `${place.file} line ${place.line}: "${field}" ${problem}; ${cure}`;
  return mailDeskError('input-field-invalid', message, { details: { ...place, field } });
}

/** A value as it stands in the file, cut to a length that fits a message. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
