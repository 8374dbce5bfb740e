import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { resourceAllocation } from './constructors.ts';
import { validateValue } from './value.ts';

const agents = ['judge', 'words'];
const limited = resourceAllocation('budget', { agents, resourceLimit: { memory: 1_000, cpuWeight: 1 } });

function amount(memory: number, cpuWeight: number): object {
  return { memory, cpuWeight, networkPriority: 'normal' };
}

describe('amounts', () => {
  it('get a normal network priority when they name none', () => {
    const value = {
      judge: { memory: 400, cpuWeight: 0.5 },
      words: { ...amount(1, 0.1), networkPriority: 'high' },
    };
    expect(validateValue(limited, value)).toEqual({
      kind: 'valid',
      value: { judge: amount(400, 0.5), words: value.words },
    });
  });

  it('may use up the limit and not more', () => {
    const full = { judge: amount(600, 0.7), words: amount(400, 0.3) };
    expect(validateValue(limited, full).kind).toBe('valid');
    expect(validateValue(limited, { ...full, words: amount(401, 0.3) })).toMatchObject({
      code: 'constraint-violation',
      field: 'constraints.resourceLimit.memory',
    });
    expect(validateValue(limited, { ...full, words: amount(400, 0.31) })).toMatchObject({
      field: 'constraints.resourceLimit.cpuWeight',
    });
  });

  it.each([
    ['a list', [], 'value'],
    ['a stranger', { nobody: amount(1, 1) }, 'value.nobody'],
    ['half an amount', { judge: { memory: 1 } }, 'value.judge.cpuWeight'],
    ['no memory', { judge: amount(0, 1) }, 'value.judge.memory'],
    ['a piece of a byte', { judge: amount(1.5, 1) }, 'value.judge.memory'],
    ['no core', { judge: amount(1, 0) }, 'value.judge.cpuWeight'],
    [
      'an unknown priority',
      { judge: { ...amount(1, 1), networkPriority: 'urgent' } },
      'value.judge.networkPriority',
    ],
    ['an unknown resource', { judge: { ...amount(1, 1), disk: 3 } }, 'value.judge.disk'],
    ['a share among amounts', { judge: amount(1, 1), words: 0.5 }, 'value.judge'],
  ])('are refused with %s', (_, value, field) => {
    expect(validateValue(limited, value)).toMatchObject({ kind: 'invalid', code: 'out-of-domain', field });
  });
});

describe('shares', () => {
  it('add up to at most the whole', () => {
    expect(validateValue(limited, { judge: 0.6, words: 0.4 }).kind).toBe('valid');
    expect(validateValue(limited, { judge: 0.6, words: 0.5 })).toMatchObject({
      code: 'constraint-violation',
      field: 'value',
    });
    expect(validateValue(limited, { judge: -0.1 })).toMatchObject({ field: 'value.judge' });
  });

  test.prop([fc.integer({ min: 1, max: 40 })])('that are equal are valid for any number of agents', (n) => {
    const team = Array.from({ length: n }, (_, i) => `a${i}`);
    const { initial } = resourceAllocation('shares', { agents: team });
    expect(validateValue(resourceAllocation('shares', { agents: team }), initial).kind).toBe('valid');
  });
});
