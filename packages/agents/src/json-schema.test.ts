import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { edgeHandler } from './define.ts';
import { jsonSchemas, schemasOf } from './json-schema.ts';

const parsed = (text: string | undefined): unknown => JSON.parse(text ?? 'null');

describe('JSON Schema for who looks an agent up', () => {
  it('says of the question what the asker writes, and of the answer what he reads', () => {
    const input = z.object({ text: z.string(), marks: z.number().default(1) });
    const output = z.object({ length: z.string().transform(Number).pipe(z.number()) });
    const { input: question, output: answer } = jsonSchemas({ input, output });
    expect(parsed(question)).toMatchObject({ type: 'object', required: ['text'] });
    expect(parsed(answer)).toMatchObject({ properties: { length: { type: 'number' } } });
  });

  it('leaves out what JSON Schema has no word for, and libraries that give none', () => {
    const input = z.object({ at: z.date() });
    const silent: StandardSchemaV1 = {
      '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value }) },
    };
    expect(jsonSchemas({ input, output: silent })).toEqual({});
    expect(jsonSchemas({})).toEqual({});
  });

  it('is made once for each schema, also where there is none to make', () => {
    const jsonSchema = {
      input: vi.fn<() => Record<string, unknown>>(() => ({ type: 'string' })),
      output: vi.fn<() => Record<string, unknown>>(raise),
    };
    const standard = {
      version: 1,
      vendor: 'own',
      validate: (value: unknown) => ({ value }),
      jsonSchema,
    } as const;
    const schema: StandardSchemaV1 = { '~standard': standard };
    for (let turn = 0; turn < 2; turn++) {
      expect(jsonSchemas({ input: schema, output: schema })).toEqual({ input: '{"type":"string"}' });
    }
    expect(jsonSchema.input).toHaveBeenCalledOnce();
    expect(jsonSchema.output).toHaveBeenCalledOnce();
  });

  it('is known of a handler that was made between schemas, and of no other', () => {
    const input = z.object({ text: z.string() });
    const handler = edgeHandler({ input, run: () => undefined });
    expect(schemasOf(handler).input).toBe(input);
    expect(schemasOf(() => undefined)).toEqual({});
    expect(schemasOf(undefined)).toEqual({});
  });
});

function raise(): never {
  throw new Error('there is no word for this');
}
