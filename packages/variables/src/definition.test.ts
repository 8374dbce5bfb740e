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

describe('how a variable behaves beside its value', () => {
  const policy = { strategy: 'reactive', metric: 'quality', direction: 'below' };
  const threshold = { id: 'threshold', kind: 'performance-threshold', initial: 0.5 };

  it('is absent unless it is said, so that definitions from before stay what they were', () => {
    expect(Object.keys(parseVariableDefinition(threshold)).toSorted()).toEqual([
      'agents',
      'constraints',
      'domain',
      'id',
      'initial',
      'kind',
      'scope',
      'v',
    ]);
  });

  it('has defaults, and parses to itself', () => {
    const made = performanceThreshold('threshold', {
      initial: 0.5,
      adaptation: { strategy: 'predictive', metric: 'quality', direction: 'below', target: 'goal' },
      coordination: 'own-way',
      onFailure: 'failover',
      resources: { memory: 1_000 },
      priority: 3,
      distribution: { nodes: ['n1'] },
    });
    expect(made).toMatchObject({
      adaptation: { sustain: 2, horizon: 3, confidence: 0.7, cooldownMs: 30_000, explore: 0.1 },
      distribution: { replicas: 3, consistency: 'strong', conflict: 'last-writer-wins' },
    });
    expect(parseVariableDefinition(JSON.parse(JSON.stringify(made)))).toEqual(made);
  });

  it('may be written as the seed does, and memory with a unit', () => {
    const seed = {
      ...threshold,
      on_failure: 'graceful_degradation',
      adaptation: { ...policy, strategy: 'consensus_based', cooldown_ms: 5 },
      resources: { memory: '256MiB', cpu_weight: 0.5 },
      distribution: { conflict: 'last_writer_wins' },
    };
    expect(parseVariableDefinition(seed)).toMatchObject({
      onFailure: 'graceful-degradation',
      adaptation: { strategy: 'consensus-based', cooldownMs: 5 },
      resources: { memory: 268_435_456, cpuWeight: 0.5 },
      distribution: { conflict: 'last-writer-wins' },
    });
  });

  it.each([
    ['adaptation.strategy', { adaptation: { ...policy, strategy: 'hopeful' } }],
    ['adaptation.metric', { adaptation: { strategy: 'reactive', direction: 'below' } }],
    ['adaptation.confidence', { adaptation: { ...policy, confidence: 1.1 } }],
    ['adaptation.sustain', { adaptation: { ...policy, sustain: 0 } }],
    ['adaptation.target', { adaptation: { ...policy, target: 'threshold' } }],
    ['onFailure', { onFailure: 'panic' }],
    ['resources.memory', { resources: { memory: '12 parsecs' } }],
    ['resources.cpuWeight', { resources: { cpuWeight: 0 } }],
    ['priority', { priority: 0.5 }],
    ['coordination', { coordination: 'No Name' }],
    ['distribution.replicas', { distribution: { replicas: 0 } }],
    ['distribution.nodes', { distribution: { nodes: ['n1', 'n1'] } }],
  ])('is refused when it makes no sense: %s', (field, wrong) => {
    expect(failure(() => parseVariableDefinition({ ...threshold, ...wrong }))).toMatchObject({
      code: 'invalid-definition',
      field,
    });
  });

  it('has no options but its own', () => {
    const stranger = { ...threshold, adaptation: { ...policy, speed: 1 } };
    expect(failure(() => parseVariableDefinition(stranger))).toMatchObject({
      code: 'unknown-option',
      field: 'adaptation.speed',
    });
  });
});

it('a reader of newer data passes over fields it does not know', () => {
  const newer = { ...selection, mood: 'emergent' };
  expect(parseVariableDefinition(newer, { unknownFields: 'ignore' }).id).toBe('specialists');
  expect(failure(() => parseVariableDefinition(newer)).code).toBe('unknown-option');
});
