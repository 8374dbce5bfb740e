/** What a definition would change in a space: part by part, field by field. Pure. */
import { sameJson } from '@mabeam/variables';
import { definitionBodies } from './bodies.ts';
import type { SpaceDefinition } from './space-definition.ts';

/** A field that differs; `from` or `to` is undefined where it is absent. */
export interface FieldDifference {
  /** `replicas`, `domain.max`. */
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** A part of a space that differs: it is added, removed, or some of its fields change. */
export interface PartDifference {
  readonly kind: 'added' | 'removed' | 'changed';
  /** Its key: `definition.agent.words`. */
  readonly key: string;
  /** What it is called in a definition file: `agents.words`, `variables.threshold`, or `space` for the record of the whole. */
  readonly part: string;
  readonly fields: readonly FieldDifference[];
}

/** The parts that differ between the bodies a bucket has under its keys and those of a definition; none when they are alike. */
export function diffSpace(
  present: ReadonlyMap<string, unknown>,
  definition: SpaceDefinition,
): readonly PartDifference[] {
  const wanted = definitionBodies(definition);
  const keys = [...new Set([...present.keys(), ...wanted.keys()])].toSorted();
  return keys.flatMap((key): readonly PartDifference[] => {
    const from = present.get(key);
    const to = wanted.get(key);
    if (sameJson(from, to)) return [];
    const kind = !present.has(key) ? 'added' : wanted.has(key) ? 'changed' : 'removed';
    return [{ kind, key, part: partName(key), fields: fieldsBetween(from, to, '') }];
  });
}

const sections: Readonly<Record<string, string>> = { agent: 'agents', rule: 'rules', scaling: 'scaling' };

function partName(key: string): string {
  const [, first = '', second] = key.split('.');
  if (second !== undefined) return `${sections[first] ?? first}.${second}`;
  return first === 'space' ? first : `variables.${first}`;
}

function fieldsBetween(from: unknown, to: unknown, field: string): readonly FieldDifference[] {
  if (sameJson(from, to)) return [];
  if (field !== '' && !(isObject(from) && isObject(to))) return [{ field, from, to }];
  const former = isObject(from) ? from : {};
  const next = isObject(to) ? to : {};
  const names = [...new Set([...Object.keys(former), ...Object.keys(next)])];
  const below = (name: string): string => (field === '' ? name : `${field}.${name}`);
  return names.flatMap((name) => fieldsBetween(former[name], next[name], below(name)));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
