import { describe, expect, test } from 'vitest';
import type { RuleCondition } from './adaptation-rule.ts';
import { failedCondition } from './conditions.ts';

const body = { score: 0.4, mail: { size: 12, tags: ['spam', 'bulk'] }, note: null, kind: 'late' };

const holds = (path: string, test: RuleCondition): boolean =>
  failedCondition({ [path]: test }, { body }) === undefined;

describe('a condition', () => {
  test.each([
    ['kind', 'late', true],
    ['kind', 'early', false],
    ['note', null, true],
    ['score', { below: 0.5 }, true],
    ['score', { above: 0.4 }, false],
    ['score', { atLeast: 0.4, atMost: 0.4 }, true],
    ['mail.size', { above: 10, below: 12 }, false],
    ['mail.tags.1', 'bulk', true],
    ['mail', { equals: { tags: ['spam', 'bulk'], size: 12 } }, true],
    ['kind', { in: ['early', 'late'] }, true],
    ['kind', { not: 'late' }, false],
    ['kind', { above: 1 }, false],
    ['gone', { exists: false }, true],
    ['gone', { not: 'x' }, true],
    ['gone', { below: 5 }, false],
    ['gone', { equals: undefined }, false],
    ['note', { exists: true }, true],
    ['mail.constructor', { exists: true }, false],
  ] as const)('%s %j: %j', (path, condition, expected) => {
    expect(holds(path, condition)).toBe(expected);
  });

  test('all of several must hold, and the first that does not is named', () => {
    const where = { kind: 'late', score: { above: 0.9 }, gone: { exists: true } };
    expect(failedCondition(where, { body })).toBe('score');
  });

  test("ce.<name> is an attribute in a CloudEvent, and the body's own field in what is none", () => {
    const where = { 'ce.type': 'mail.scored' };
    expect(failedCondition(where, { body, attributes: { type: 'mail.scored' } })).toBeUndefined();
    expect(failedCondition(where, { body, attributes: {} })).toBe('ce.type');
    expect(failedCondition(where, { body: { ce: { type: 'mail.scored' } } })).toBeUndefined();
  });

  test.each([[undefined], [null], [7], ['text'], [new Uint8Array(3)]])('holds for no field of %s', (odd) => {
    expect(failedCondition({ 'a.b': { exists: true } }, { body: odd })).toBe('a.b');
  });
});
