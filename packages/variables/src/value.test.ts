import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  agentSelection,
  communicationTopology,
  customVariable,
  performanceThreshold,
} from './constructors.ts';
import { validateValue } from './value.ts';
import type { VariableDefinition } from './variable.ts';

const team = ['words', 'headers', 'links', 'judge'];

const selection = agentSelection('specialists', {
  agents: team,
  constraints: {
    minActive: 1,
    maxConcurrent: 3,
    exclusive: [['links', 'headers']],
    requires: { words: ['judge'] },
  },
  initial: ['judge'],
});
const threshold = performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1, step: 0.05 });
const topology = communicationTopology('wiring', { agents: team });
const anyTopology = communicationTopology('wiring', {});
const word = customVariable('mode', { initial: 'calm', pattern: '[a-z]+' });
const choice = customVariable('choice', { initial: { a: 1 }, enum: [{ a: 1 }, [2], 'x'] });

function refusal(
  definition: VariableDefinition,
  value: unknown,
): { code: string; field: string; message: string } {
  const verdict = validateValue(definition, value);
  if (verdict.kind === 'valid') throw new Error(`${JSON.stringify(value)} was found valid`);
  return verdict;
}

describe('an agent-selection', () => {
  it('keeps the order given and turns a single id into a list', () => {
    expect(validateValue(selection, ['judge', 'words'])).toEqual({
      kind: 'valid',
      value: ['judge', 'words'],
    });
    expect(validateValue(selection, 'links')).toEqual({ kind: 'valid', value: ['links'] });
  });

  it.each([
    ['a stranger', ['wrods'], 'out-of-domain', 'value[0]', 'choose from words, headers'],
    ['an agent named twice', ['judge', 'judge'], 'out-of-domain', 'value[1]', 'name each agent once'],
    ['something that is no list', 7, 'out-of-domain', 'value', 'give a list'],
    ['a member that is no id', [null], 'out-of-domain', 'value[0]', 'choose from'],
    ['too few', [], 'constraint-violation', 'constraints.minActive', 'add agents'],
    ['too many', team, 'constraint-violation', 'constraints.maxConcurrent', 'remove agents'],
    [
      'an exclusive pair',
      ['headers', 'links'],
      'constraint-violation',
      'constraints.exclusive',
      'remove one',
    ],
    ['a missing companion', ['words'], 'constraint-violation', 'constraints.requires.words', 'judge'],
  ])('refuses %s and names the cure', (_, value, code, field, cure) => {
    const refused = refusal(selection, value);
    expect(refused).toMatchObject({ kind: 'invalid', code, field });
    expect(refused.message).toContain(cure);
  });

  it('is not fooled by names that every object has', () => {
    const odd = agentSelection('odd', { agents: ['constructor', 'tostring'], constraints: { requires: {} } });
    expect(validateValue(odd, ['constructor'])).toEqual({ kind: 'valid', value: ['constructor'] });
  });
});

describe('a number', () => {
  it('may stand on both limits and on every step between', () => {
    for (const value of [0, 0.05, 0.15, 0.3, 0.7, 1]) {
      expect(validateValue(threshold, value)).toEqual({ kind: 'valid', value });
    }
  });

  it.each([
    [1.05, 'between 0 and 1'],
    [-0.05, 'between 0 and 1'],
    [0.51, 'round it'],
    ['0.5', 'not a number'],
    [Number.NaN, 'JSON'],
    [undefined, 'JSON'],
  ])('is refused when it is %s', (value, cure) => {
    expect(refusal(threshold, value)).toMatchObject({ code: 'out-of-domain', field: 'value' });
    expect(refusal(threshold, value).message).toContain(cure);
  });
});

describe('a communication-topology', () => {
  it('turns a bare pattern into its full form', () => {
    expect(validateValue(topology, 'ring')).toEqual({ kind: 'valid', value: { pattern: 'ring' } });
    const star = { pattern: 'star', hub: 'judge' };
    expect(validateValue(topology, star)).toEqual({ kind: 'valid', value: star });
  });

  it('accepts custom edges that join everybody, in whatever direction', () => {
    const edges = [
      ['words', 'judge'],
      ['links', 'judge'],
      ['judge', 'headers'],
    ];
    expect(validateValue(topology, { pattern: 'custom', edges })).toEqual({
      kind: 'valid',
      value: { pattern: 'custom', edges },
    });
  });

  it.each([
    ['an unknown pattern', 'circle', 'value.pattern'],
    ['a stranger as hub', { pattern: 'star', hub: 'nobody' }, 'value.hub'],
    ['a hub without a star', { pattern: 'ring', hub: 'judge' }, 'value.hub'],
    ['edges that are not custom', { pattern: 'mesh', edges: [] }, 'value.edges'],
    ['custom without edges', 'custom', 'value.edges'],
    ['an edge to nobody', { pattern: 'custom', edges: [['words', 'nobody']] }, 'value.edges[0]'],
    ['an edge to itself', { pattern: 'custom', edges: [['words', 'words']] }, 'value.edges[0]'],
    ['half an edge', { pattern: 'custom', edges: [['words']] }, 'value.edges[0]'],
    ['an unknown field', { pattern: 'ring', speed: 3 }, 'value.speed'],
  ])('refuses %s', (_, value, field) => {
    expect(refusal(topology, value)).toMatchObject({ code: 'out-of-domain', field });
  });

  it('refuses a partition unless it is allowed', () => {
    const value = { pattern: 'custom', edges: [['words', 'judge']] };
    expect(refusal(topology, value)).toMatchObject({ code: 'constraint-violation', field: 'value.edges' });
    const loose = communicationTopology('wiring', { agents: team, allowPartition: true });
    expect(validateValue(loose, value).kind).toBe('valid');
  });

  it('without participants of its own takes any agent id', () => {
    expect(validateValue(anyTopology, { pattern: 'star', hub: 'whoever' }).kind).toBe('valid');
    expect(refusal(anyTopology, { pattern: 'star', hub: 'NOT an id' }).field).toBe('value.hub');
  });
});

describe('a custom value', () => {
  it('matches its pattern as a whole', () => {
    expect(validateValue(word, 'quick').kind).toBe('valid');
    expect(refusal(word, 'quick!').code).toBe('out-of-domain');
    expect(refusal(word, 5).code).toBe('out-of-domain');
  });

  it('is compared with the listed values by meaning, not by identity or key order', () => {
    const pair = customVariable('pair', { initial: { a: 1, b: 2 }, enum: [{ b: 2, a: 1 }] });
    expect(validateValue(pair, { a: 1, b: 2 }).kind).toBe('valid');
    expect(refusal(choice, { a: 2 }).message).toContain('choose one of those');
  });

  it('that nests without end is refused, not followed', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(refusal(customVariable('free', { initial: 0 }), deep).message).toContain('64 levels');
  });
});

const definitions = fc.constantFrom(
  selection,
  threshold,
  topology,
  anyTopology,
  word,
  choice,
  customVariable('free', { initial: 0 }),
);
const agent = fc.constantFrom(...team, 'nobody');
const values = fc.oneof(
  fc.jsonValue(),
  fc.anything(),
  fc.array(agent, { maxLength: 5 }),
  agent,
  fc.double(),
  fc.integer({ min: 0, max: 20 }).map((steps) => steps * 0.05),
  fc.constantFrom('ring', 'star', 'mesh', 'broadcast', 'custom'),
  fc.record(
    {
      pattern: fc.constantFrom('star', 'custom', 'ring'),
      hub: agent,
      edges: fc.array(fc.tuple(agent, agent)),
    },
    { requiredKeys: ['pattern'] },
  ),
);

test.prop([definitions, values])(
  'what is valid stays valid and the same when it is validated again',
  (definition, value) => {
    const verdict = validateValue(definition, value);
    if (verdict.kind === 'invalid') {
      expect(verdict.message).not.toBe('');
      return;
    }
    expect(validateValue(definition, verdict.value)).toEqual(verdict);
    const kept: unknown = JSON.parse(JSON.stringify(verdict.value));
    expect(validateValue(definition, kept).kind).toBe('valid');
  },
);

test.prop([fc.array(agent)])('a selection that is valid keeps every constraint', (value) => {
  const verdict = validateValue(selection, value);
  if (verdict.kind === 'invalid') return;
  const chosen = new Set(value);
  expect(chosen.size).toBe(value.length);
  expect(chosen.size).toBeGreaterThanOrEqual(1);
  expect(chosen.size).toBeLessThanOrEqual(3);
  expect(chosen.has('links') && chosen.has('headers')).toBe(false);
  expect(!chosen.has('words') || chosen.has('judge')).toBe(true);
});
