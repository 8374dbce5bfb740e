import { describe, expect, it } from 'vitest';
import { adaptationRate, coordinationPattern, performanceThreshold } from './constructors.ts';
import { validateValue } from './value.ts';

const band = { metric: 'error-rate', warning: 0.05, critical: 0.1, direction: 'above' } as const;
const bands = performanceThreshold('errors', { initial: band, min: 0, max: 1 });
const pace = { step: 0.1, minIntervalMs: 30_000 };
const paces = adaptationRate('pace', { initial: pace, max: 0.5 });

describe('a threshold with two limits', () => {
  it('has both inside the domain and in the order of its direction', () => {
    expect(validateValue(bands, band)).toEqual({ kind: 'valid', value: band });
    expect(validateValue(bands, { ...band, warning: 0.9, critical: 0.2, direction: 'below' }).kind).toBe(
      'valid',
    );
  });

  it.each([
    ['limits in the wrong order', { ...band, warning: 0.2 }, 'value.critical'],
    ['limits in the wrong order below', { ...band, direction: 'below' }, 'value.critical'],
    ['a limit outside the domain', { ...band, critical: 2 }, 'value.critical'],
    ['no direction', { ...band, direction: undefined }, 'value'],
    ['an unknown direction', { ...band, direction: 'up' }, 'value.direction'],
    ['no metric', { ...band, metric: ' ' }, 'value.metric'],
    ['a field too many', { ...band, colour: 'red' }, 'value.colour'],
  ])('is refused with %s', (_, value, field) => {
    expect(validateValue(bands, value)).toMatchObject({ kind: 'invalid', field });
  });

  it('never becomes a number, nor a number one with two limits', () => {
    expect(validateValue(bands, 0.5)).toMatchObject({ code: 'out-of-domain', field: 'value' });
    expect(validateValue(performanceThreshold('x', { initial: 0.5 }), band)).toMatchObject({
      code: 'out-of-domain',
      field: 'value',
    });
  });
});

describe('an adaptation rate', () => {
  it.each([0, 0.5, 1])('may be %s', (value) => {
    expect(validateValue(adaptationRate('rate'), value)).toEqual({ kind: 'valid', value });
  });

  it.each([-0.1, 1.1, 'fast', null])('is refused when it is %s', (value) => {
    expect(validateValue(adaptationRate('rate'), value)).toMatchObject({ kind: 'invalid', field: 'value' });
  });

  it('with a pace keeps its step in the domain and its interval whole', () => {
    expect(validateValue(paces, { step: 0.2, min_interval_ms: 5 })).toEqual({
      kind: 'valid',
      value: { step: 0.2, minIntervalMs: 5 },
    });
    expect(validateValue(paces, { ...pace, step: 0.6 })).toMatchObject({ field: 'value.step' });
    expect(validateValue(paces, { ...pace, minIntervalMs: -1 })).toMatchObject({
      field: 'value.minIntervalMs',
    });
    expect(validateValue(paces, { ...pace, extra: 1 })).toMatchObject({ field: 'value.extra' });
  });
});

describe('a coordination pattern', () => {
  const pattern = coordinationPattern('reach', { agents: ['a', 'b'], patterns: ['ring', 'star', 'custom'] });

  it('is bare where that says all, and in full where it has a hub or edges', () => {
    expect(pattern.initial).toBe('ring');
    expect(validateValue(pattern, { pattern: 'star' })).toEqual({ kind: 'valid', value: 'star' });
    const star = { pattern: 'star', hub: 'a' };
    expect(validateValue(pattern, star)).toEqual({ kind: 'valid', value: star });
    const custom = { pattern: 'custom', edges: [['a', 'b']] };
    expect(validateValue(pattern, custom)).toEqual({ kind: 'valid', value: custom });
  });

  it('is one of those to choose from', () => {
    expect(validateValue(pattern, 'mesh')).toMatchObject({ code: 'out-of-domain', field: 'value.pattern' });
    expect(validateValue(pattern, 'custom')).toMatchObject({ field: 'value.edges' });
  });
});
