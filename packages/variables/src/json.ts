/**
 * JSON values: what a variable may hold, and when two of them are the same.
 *
 * Promise: nothing here overflows the stack, whatever a stranger put into the bucket; nesting is bounded.
 */

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How deep a value may nest. */
export const maxJsonDepth = 64;

/** Is this a JSON value: finite numbers, plain objects, nothing undefined, at most {@link maxJsonDepth} levels? */
export function isJson(value: unknown, depth: number = maxJsonDepth): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth <= 0) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth - 1));
  return isPlainObject(value) && Object.values(value).every((item) => isJson(item, depth - 1));
}

/** Is this an object literal (not an array, a date, a class)? */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Do two values mean the same JSON? The order of keys does not count; a key whose value is undefined is absent. */
export function sameJson(left: unknown, right: unknown, depth: number = maxJsonDepth): boolean {
  if (left === right) return true;
  if (depth <= 0) return false;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => sameJson(item, right[i], depth - 1));
  }
  if (!isPlainObject(left) || !isPlainObject(right)) return false;
  const keys = presentKeys(left);
  return (
    keys.length === presentKeys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && sameJson(left[key], right[key], depth - 1))
  );
}

function presentKeys(value: Record<string, unknown>): string[] {
  return Object.keys(value).filter((key) => value[key] !== undefined);
}

/** A short text of a value for a message: at most 80 characters. */
export function showJson(value: unknown): string {
  const text = isJson(value) ? JSON.stringify(value) : nameOf(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function nameOf(value: unknown): string {
  return typeof value === 'number' ? String(value) : `a value of type ${typeof value}`;
}
