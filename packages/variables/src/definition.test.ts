import { describe, expect, it } from 'vitest';
import {
  agentSelection,
  communicationTopology,
  customVariable,
  performanceThreshold,
} from './constructors.ts';
import { parseVariableDefinition } from './definition.ts';

const selection = { id: 'specialists', kind: 'agent-selection', agents: ['words', 'links'] };

function failure(make: () => unknown): { code: string; field: unknown; message: string } {
  try {
    make();
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'details' in error) {
      const details = Object(error.details) as Record<string, unknown>; // Object() gives an object of any value
      return { code: String(error.code), field: details['field'], message: error.message };
    }
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('what comes out of parsing', () => {
  it('is complete: defaults filled in and the initial value in full form', () => {
    expect(parseVariableDefinition({ ...selection, initial: 'links' })).toEqual({
      v: 1,
      id: 'specialists',
      kind: 'agent-selection',
      scope: 'global',
      agents: ['words', 'links'],
      domain: {},
      constraints: {},
      initial: ['links'],
    });
  });

  it('parses to itself', () => {
    const once = communicationTopology('wiring', {
      agents: ['a', 'b'],
      initial: 'star',
      patterns: ['star', 'mesh'],
    });
    expect(parseVariableDefinition(JSON.parse(JSON.stringify(once)))).toEqual(once);
  });

  it('is ours where the seed says it in snake_case', () => {
    const seed = {
      type: 'agent_selection',
      id: 'team',
      agents: ['a', 'b'],
      constraints: { min_active: 1, max_concurrent: 1 },
    };
    expect(parseVariableDefinition(seed)).toMatchObject({
      kind: 'agent-selection',
      constraints: { minActive: 1, maxConcurrent: 1 },
      initial: ['a'],
    });
  });

  it('does not change what came in', () => {
    const given = Object.freeze({
      ...selection,
      kind: 'agent_selection',
      constraints: Object.freeze({ min_active: 1 }),
    });
    parseVariableDefinition(given);
    expect(given.kind).toBe('agent_selection');
    expect(given.constraints).toEqual({ min_active: 1 });
  });
});

describe('defaults of the initial value', () => {
  it('a selection begins with the first candidates that may be active together', () => {
    expect(
      agentSelection('team', { agents: ['a', 'b', 'c'], constraints: { maxConcurrent: 2 } }).initial,
    ).toEqual(['a', 'b']);
    expect(agentSelection('team', { agents: ['a', 'b'] }).initial).toEqual(['a', 'b']);
  });

  it('a topology begins as a mesh, or as the first of its patterns', () => {
    expect(communicationTopology('wiring').initial).toEqual({ pattern: 'mesh' });
    expect(communicationTopology('wiring', { patterns: ['ring', 'star'] }).initial).toEqual({
      pattern: 'ring',
    });
  });
});

describe('what is refused, by code and field', () => {
  it.each([
    ['nothing at all', undefined, 'invalid-definition', ''],
    ['an unknown kind', { ...selection, kind: 'mood' }, 'invalid-definition', 'kind'],
    ['an unknown scope', { ...selection, scope: 'galaxy' }, 'invalid-definition', 'scope'],
    ['a scope that is to come', { ...selection, scope: 'federation' }, 'unsupported-scope', 'scope'],
    ['a local scope', { ...selection, scope: 'local' }, 'unsupported-scope', 'scope'],
    ['a missing id', { kind: 'custom', initial: 1 }, 'invalid-definition', 'id'],
    ['an agent that is no id', { ...selection, agents: ['Words'] }, 'invalid-definition', 'agents.0'],
    ['a misspelt option', { ...selection, agnets: [] }, 'unknown-option', 'agnets'],
    ['an alias beside our name', { ...selection, type: 'custom' }, 'unknown-option', 'type'],
    [
      'a misspelt constraint',
      { ...selection, constraints: { minimum: 1 } },
      'unknown-option',
      'constraints.minimum',
    ],
    ['agents twice', { ...selection, agents: ['words', 'words'] }, 'duplicate-agents', 'agents'],
    ['no agents', { ...selection, agents: [] }, 'empty-agents', 'agents'],
    ['a limit of another kind', { ...selection, domain: { min: 1 } }, 'invalid-domain', 'domain.min'],
    [
      'a fraction of an agent',
      { ...selection, constraints: { minActive: 0.5 } },
      'invalid-constraint',
      'constraints.minActive',
    ],
    [
      'no agent at most',
      { ...selection, constraints: { maxConcurrent: 0 } },
      'invalid-constraint',
      'constraints.maxConcurrent',
    ],
    [
      'more at least than at most',
      { ...selection, constraints: { minActive: 2, maxConcurrent: 1 } },
      'invalid-constraint',
      'constraints.minActive',
    ],
    [
      'more at least than there are',
      { ...selection, constraints: { minActive: 3 } },
      'invalid-constraint',
      'constraints.minActive',
    ],
    [
      'a stranger among the exclusive',
      { ...selection, constraints: { exclusive: [['words', 'nobody']] } },
      'invalid-constraint',
      'constraints.exclusive',
    ],
    [
      'an agent excluding itself',
      { ...selection, constraints: { exclusive: [['words', 'words']] } },
      'invalid-constraint',
      'constraints.exclusive',
    ],
    [
      'a stranger among the required',
      { ...selection, constraints: { requires: { nobody: ['words'] } } },
      'invalid-constraint',
      'constraints.requires',
    ],
    ['an initial stranger', { ...selection, initial: ['nobody'] }, 'invalid-initial', 'initial[0]'],
    [
      'an initial value that breaks a constraint',
      { ...selection, constraints: { minActive: 1 }, initial: [] },
      'invalid-initial',
      'constraints.minActive',
    ],
    ['no initial value where there is no default', { id: 'x', kind: 'custom' }, 'invalid-initial', 'initial'],
  ])('%s', (_, input, code, field) => {
    expect(failure(() => parseVariableDefinition(input))).toMatchObject({ code, field });
  });

  it.each([
    ['min above max', { min: 2, max: 1 }, 'domain.min'],
    ['a step of nothing', { step: 0 }, 'domain.step'],
    ['an empty choice', { enum: [] }, 'domain.enum'],
    ['a choice twice', { enum: [{ a: 1 }, { a: 1 }] }, 'domain.enum'],
    ['a word among numbers', { min: 0, enum: ['x'] }, 'domain.enum'],
    ['a pattern for a number', { min: 0, pattern: 'x' }, 'domain.pattern'],
    ['a pattern that is none', { pattern: '(' }, 'domain.pattern'],
  ])('a domain with %s', (_, domain, field) => {
    expect(failure(() => customVariable('x', { initial: 1, ...domain }))).toMatchObject({
      code: 'invalid-domain',
      field,
    });
  });

  it.each(['Threshold', 'space', 'a.b', '', 'x'.repeat(64)])('the id "%s"', (id) => {
    expect(failure(() => performanceThreshold(id, { initial: 1 })).code).toBe('invalid-id');
  });

  it('with the variable named and the cure at the end', () => {
    const { message } = failure(() => performanceThreshold('threshold', { initial: 7, max: 1 }));
    expect(message).toBe('threshold: initial: 7 is not at most 1; choose a number in that range');
  });
});

it('a reader of newer data passes over fields it does not know', () => {
  const newer = { ...selection, adaptation: 'emergent' };
  expect(parseVariableDefinition(newer, { unknownFields: 'ignore' }).id).toBe('specialists');
  expect(failure(() => parseVariableDefinition(newer)).code).toBe('unknown-option');
});
