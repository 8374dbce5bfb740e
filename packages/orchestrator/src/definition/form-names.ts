/**
 * Names in a written definition: the seed's snake_case becomes ours, wherever the published schema knows the field or the word. The
 * schema leads the way, so no list of aliases is kept. Pure.
 */
import { camelCase, type FieldPath } from './definition-document.ts';

/** As much of a JSON Schema as is looked at here. */
export interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode | boolean>> | undefined;
  readonly additionalProperties?: SchemaNode | boolean | undefined;
  readonly items?: SchemaNode | boolean | readonly (SchemaNode | boolean)[] | undefined;
  readonly prefixItems?: readonly (SchemaNode | boolean)[] | undefined;
  readonly anyOf?: readonly (SchemaNode | boolean)[] | undefined;
  readonly enum?: readonly unknown[] | undefined;
}

/** The value with our names in place of snake_case; where both are there, both stay. */
export function withOurNames(value: unknown, schema: SchemaNode): unknown {
  return renamed(value, alternatives(schema));
}

/** The fields that are known at a place of the schema, in its order. */
export function knownFields(schema: SchemaNode, path: FieldPath): readonly string[] {
  const nodes = path.reduce<readonly SchemaNode[]>((at, step) => below(at, step), alternatives(schema));
  return [...new Set(nodes.flatMap(({ properties = {} }) => Object.keys(properties)))];
}

function renamed(value: unknown, nodes: readonly SchemaNode[]): unknown {
  if (typeof value === 'string') return ourWord(value, nodes);
  if (Array.isArray(value)) return value.map((item, index) => renamed(item, below(nodes, index)));
  if (typeof value !== 'object' || value === null) return value;
  const known = new Set(nodes.flatMap(({ properties = {} }) => Object.keys(properties)));
  const entries = Object.entries(value).map(([key, member]) => {
    const alias = camelCase(key);
    const name = !known.has(key) && known.has(alias) && !(alias in value) ? alias : key;
    return [name, renamed(member, below(nodes, name))] as const;
  });
  return Object.fromEntries(entries);
}

/** `one_for_all` for `one-for-all`, where that is one of the words that may stand here. */
function ourWord(value: string, nodes: readonly SchemaNode[]): string {
  const words = nodes.flatMap((node) => node.enum ?? []);
  const ours = value.replaceAll('_', '-');
  return !words.includes(value) && words.includes(ours) ? ours : value;
}

/** What the schema says of a member, by its key or its index. */
function below(nodes: readonly SchemaNode[], step: string | number): readonly SchemaNode[] {
  return nodes.flatMap(({ properties = {}, additionalProperties, items, prefixItems = [] }) => {
    if (typeof step === 'number')
      return alternatives(prefixItems[step] ?? (isNode(items) ? items : undefined));
    return alternatives(Object.hasOwn(properties, step) ? properties[step] : additionalProperties);
  });
}

function alternatives(node: SchemaNode | boolean | undefined): readonly SchemaNode[] {
  if (typeof node !== 'object') return [];
  return [node, ...(node.anyOf ?? []).flatMap(alternatives)];
}

function isNode(items: SchemaNode['items']): items is SchemaNode {
  return typeof items === 'object' && !Array.isArray(items);
}
