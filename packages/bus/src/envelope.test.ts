import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { jsonBytes, packBytes, unpackBytes } from './codec.ts';
import {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeEnd,
  encodeErrorAnswer,
  encodePart,
  encodeQuestion,
  looksLikeEnvelope,
} from './envelope.ts';
import { MabeamError } from './error.ts';

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'nothing was thrown';
  } catch (error) {
    return error instanceof MabeamError ? error.code : String(error);
  }
};

describe('the envelope', () => {
  it.prop([
    fc.jsonValue(),
    fc.option(fc.nat(), { nil: undefined }),
    fc.option(fc.string(), { nil: undefined }),
  ])('a question comes back with its body, its remaining time and its sender', (given, remainingMs, from) => {
    // MessagePack's integers have no negative zero, and neither has JSON text.
    const body: unknown = JSON.parse(JSON.stringify(given));
    const bytes = encodeQuestion(body, { remainingMs, from, epoch: 7 });
    expect(looksLikeEnvelope(bytes)).toBe(true);
    expect(decodeQuestion(bytes)).toEqual({
      body,
      remainingMs,
      from,
      epoch: 7,
      revision: undefined,
      traceparent: undefined,
    });
  });

  it.prop([fc.jsonValue().filter((value) => value !== null)])(
    'no JSON body is taken for an envelope',
    (value) => {
      expect(looksLikeEnvelope(jsonBytes(value))).toBe(false);
    },
  );

  it.prop([fc.uint8Array({ maxLength: 64 })])(
    'any bytes are read, or refused with a code of the table',
    (bytes) => {
      for (const decode of [decodeQuestion, decodeAnswer]) {
        expect(['nothing was thrown', 'malformed-message', 'protocol-version']).toContain(
          codeOf(() => decode(bytes)),
        );
      }
    },
  );

  it('refuses another protocol version by naming both', () => {
    const bytes = packBytes([2, 'body', null, null, null, null, null]);
    expect(codeOf(() => decodeQuestion(bytes))).toBe('protocol-version');
  });

  it('refuses an envelope with too few elements', () => {
    expect(codeOf(() => decodeQuestion(packBytes([1, 'body'])))).toBe('malformed-message');
  });

  it('an error answer carries code, message, retryability and details to the asker', () => {
    const error = new MabeamError(
      'out-of-domain',
      { retryable: false, exit: 2, status: 400 },
      'threshold: 7 > 1',
      { details: { max: 1 } },
    );
    const answer = decodeAnswer(encodeErrorAnswer(error.toJSON()));
    expect(answer).toMatchObject({
      kind: 'error',
      error: { code: 'out-of-domain', exit: 2, status: 400, details: { max: 1 } },
    });
  });

  it('the parts of a streamed answer keep their place, and the end its count and error', () => {
    expect(decodeAnswer(encodePart('x', 3))).toEqual({ kind: 'part', body: 'x', index: 3 });
    expect(decodeAnswer(encodeEnd(4, undefined))).toEqual({ kind: 'end', count: 4, error: undefined });
    const failed = decodeAnswer(encodeEnd(4, { code: 'out-of-domain', message: 'm', retryable: false }));
    expect(failed).toMatchObject({ kind: 'end', error: { code: 'out-of-domain' } });
  });

  it('a root that decided not to record says so without an id', () => {
    expect(decodeQuestion(encodeQuestion(1, { traceparent: false })).traceparent).toBe(false);
  });

  it.prop([
    fc.option(fc.nat(1_000), { nil: undefined }),
    fc.option(fc.nat(40), { nil: undefined }),
    fc.option(fc.stringMatching(/^[A-Za-z0-9_.-]{1,128}$/), { nil: undefined }),
  ])('a question keeps its window, its hops and its conversation apart', (window, hops, conversation) => {
    const read = decodeQuestion(encodeQuestion('body', { window, hops, conversation }));
    expect(read).toMatchObject({ body: 'body', window, conversation });
    expect(read.hops ?? 0).toBe(hops ?? 0);
  });

  it('a peer that knows neither hops nor conversation is sent neither when there is none', () => {
    expect(unpackBytes(encodeQuestion(1, { hops: 0 }))).toHaveLength(7);
    expect(unpackBytes(encodeQuestion(1, { window: 3 }))).toHaveLength(8);
  });

  it('hops that are no count and a conversation that is no name are refused, their absence is not', () => {
    const question = (hops: unknown, conversation: unknown): Uint8Array =>
      packBytes([1, 'body', null, null, null, null, null, null, hops, conversation]);
    for (const hops of [-1, 1.5, '3', true]) {
      expect(codeOf(() => decodeQuestion(question(hops, null)))).toBe('malformed-message');
    }
    for (const conversation of ['', 'a b', 'x'.repeat(129), 7]) {
      expect(codeOf(() => decodeQuestion(question(1, conversation)))).toBe('malformed-message');
    }
    expect(decodeQuestion(question(null, null))).toMatchObject({ body: 'body' });
  });

  it('an answer without a value is null, not an error', () => {
    expect(decodeAnswer(encodeAnswer(undefined))).toEqual({ kind: 'value', body: null });
  });
});
