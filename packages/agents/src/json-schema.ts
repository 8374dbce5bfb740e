/**
 * The JSON Schema of an agent's questions and answers, for who looks the agent up: made by the author's own schema library
 * (Standard JSON Schema) when somebody asks. What the library cannot say in JSON Schema is not said.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';

/** The schemas on both sides of a handler. */
export interface HandlerSchemas {
  readonly input?: StandardSchemaV1 | undefined;
  readonly output?: StandardSchemaV1 | undefined;
}

type Side = keyof HandlerSchemas;

const target = 'draft-2020-12';
/** Made once for each schema: an INFO asks all agents of a process for theirs. */
const texts: Readonly<Record<Side, WeakMap<StandardSchemaV1, string | null>>> = {
  input: new WeakMap(),
  output: new WeakMap(),
};
const schemasOfHandlers = new WeakMap<object, HandlerSchemas>();

/** Remembers which schemas a handler works between: a function does not show it. */
export function rememberSchemas<H extends object>(handler: H, schemas: HandlerSchemas): H {
  schemasOfHandlers.set(handler, schemas);
  return handler;
}

/** The schemas a handler was made with; none for one without. */
export function schemasOf(handler: object | undefined): HandlerSchemas {
  return (handler === undefined ? undefined : schemasOfHandlers.get(handler)) ?? {};
}

/** `input` and `output` as JSON Schema in text: what is asked as the asker writes it, what is answered as he reads it. */
export function jsonSchemas(schemas: HandlerSchemas): Readonly<Record<string, string>> {
  const sides = (['input', 'output'] as const).map(
    (side) => [side, jsonSchemaOf(schemas[side], side)] as const,
  );
  return Object.fromEntries(sides.flatMap(([side, text]) => (text === undefined ? [] : [[side, text]])));
}

function jsonSchemaOf(schema: StandardSchemaV1 | undefined, side: Side): string | undefined {
  if (schema === undefined) return undefined;
  const known = texts[side].get(schema);
  if (known !== undefined) return known ?? undefined;
  const text = convert(schema, side) ?? null;
  texts[side].set(schema, text);
  return text ?? undefined;
}

function convert(schema: StandardSchemaV1, side: Side): string | undefined {
  if (!canConvert(schema)) return undefined;
  try {
    return JSON.stringify(schema['~standard'].jsonSchema[side]({ target }));
  } catch {
    // By the standard a library throws here what JSON Schema has no word for: a date, a function of the author's.
    return undefined;
  }
}

function canConvert(schema: object): schema is StandardJSONSchemaV1 {
  if (!('~standard' in schema)) return false;
  const { '~standard': standard } = schema;
  return typeof standard === 'object' && standard !== null && 'jsonSchema' in standard;
}
