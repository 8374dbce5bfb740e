import type { AgentSpecInput, AgentStatus } from '@mabeam/agents';
import {
  adaptationRate,
  agentSelection,
  communicationTopology,
  coordinationPattern,
  countEdges,
  customVariable,
  performanceThreshold,
  resourceAllocation,
  topologyPatterns,
  variableKinds,
  type Json,
  type VariableDefinition,
} from '@mabeam/variables';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { specOf } from '../../test/team.ts';
import { coordinate } from './coordinate.ts';
import { graphFor } from './coordinate-topology.ts';
import type { AgentStanding, Coordination, CoordinationContext } from './coordination.ts';
import { rankAgents, rankPatterns, shareOut } from './choose.ts';

const five = ['a', 'b', 'c', 'd', 'e'];

function standing(
  id: string,
  status: AgentStatus = 'active',
  more: Partial<AgentStanding> & { readonly agent?: Partial<AgentSpecInput> } = {},
): [string, AgentStanding] {
  const { agent, ...rest } = more;
  return [id, { spec: specOf(id, agent), status, ...rest }];
}

function context(
  agents: readonly [string, AgentStanding][],
  more: Partial<CoordinationContext> = {},
): CoordinationContext {
  return { availableResources: {}, systemLoad: 0, timestamp: 1, epoch: 7, agents: new Map(agents), ...more };
}

const run = (definition: VariableDefinition, value: unknown, given: CoordinationContext): Coordination =>
  coordinate({ definition }, value, given);

const said = (outcome: Coordination): readonly string[] =>
  outcome.kind === 'failed'
    ? [outcome.error.code]
    : outcome.directives.map(({ action, agent, priority }) => `${action} ${agent} ${priority}`);

describe('a selection', () => {
  const team = agentSelection('team', { agents: five });
  it('starts who is selected, stops who is not, and leaves the others alone; who stops goes first', () => {
    const given = context([
      standing('a'),
      standing('b', 'inactive'),
      standing('c'),
      standing('d', 'inactive'),
    ]);
    expect(said(run(team, ['a', 'b'], given))).toEqual(['stop c 2', 'start b 1']);
  });
  it('says nothing when it is so already', () => {
    const given = context([standing('a'), standing('b', 'inactive')]);
    expect(run(team, ['a'], given)).toEqual({ kind: 'directives', directives: [] });
  });
  it('larger priorities go first, then the smaller id', () => {
    const given = context([
      standing('a', 'inactive'),
      standing('b', 'inactive', { agent: { priority: 5 } }),
      standing('c', 'inactive', { agent: { priority: 5 } }),
    ]);
    expect(said(run(team, ['a', 'c', 'b'], given))).toEqual(['start b 6', 'start c 6', 'start a 1']);
  });
  it.each([
    ['permanent', 'normal', true],
    ['permanent', 'abnormal', true],
    ['transient', 'normal', false],
    ['transient', 'abnormal', true],
    ['temporary', 'normal', false],
    ['temporary', 'abnormal', false],
  ] as const)('of restart %s, ended %s: started again is %s', (restart, ended, again) => {
    const given = context([
      standing('a', ended === 'normal' ? 'inactive' : 'failed', { ended, agent: { restart } }),
    ]);
    expect(said(run(team, ['a'], given))).toEqual(again ? ['start a 1'] : []);
  });
  it('an agent that is started elsewhere is not started', () => {
    expect(
      said(run(team, ['a'], context([standing('a', 'inactive', { agent: { run: undefined } })]))),
    ).toEqual([]);
  });
  it('takes no more than there is, counting what it frees', () => {
    const resources = { memory: 100, cpuWeight: 1 };
    const given = [
      standing('a', 'active', { agent: { resources } }),
      standing('b', 'inactive', { agent: { resources, replicas: 2 } }),
    ];
    const left = (memory: number): CoordinationContext => context(given, { availableResources: { memory } });
    expect(said(run(team, ['a', 'b'], left(199)))).toEqual(['resource-exhausted']);
    expect(said(run(team, ['a', 'b'], left(200)))).toEqual(['start b 1']);
    expect(said(run(team, ['b'], left(100)))).toEqual(['stop a 2', 'start b 1']);
  });
  describe('when one of it has failed', () => {
    const given = context([
      standing('a'),
      standing('b', 'failed'),
      standing('c', 'inactive', { performance: 0.2 }),
      standing('d', 'inactive', { performance: 0.9 }),
    ]);
    it.each([
      ['restart', undefined, ['start b 1']],
      ['fail-fast', undefined, ['agent-unavailable']],
      ['graceful-degradation', 1, []],
      ['graceful-degradation', 2, ['agent-unavailable']],
      ['failover', undefined, ['start d 1']],
    ] as const)('its answer %s (minActive %s) leads to %j', (onFailure, minActive, expected) => {
      const definition = agentSelection('team', {
        agents: five,
        onFailure,
        constraints: minActive === undefined ? {} : { minActive },
      });
      expect(said(run(definition, ['a', 'b'], given))).toEqual(expected);
    });
    it('a spare that may not be together with the others is not taken', () => {
      const definition = agentSelection('team', {
        agents: five,
        onFailure: 'failover',
        constraints: { exclusive: [['a', 'd']] },
        initial: ['a', 'b'],
      });
      expect(said(run(definition, ['a', 'b'], given))).toEqual(['start c 1']);
    });
  });
});

describe('an allocation', () => {
  const amounts = resourceAllocation('limits', { agents: ['a', 'b'], resourceLimit: { memory: 100 } });
  const held = (memory: number) => ({ allocation: { memory, cpuWeight: 1 } });
  it('shrinks before it grows, and counts only what is taken besides', () => {
    const given = context([standing('a', 'active', held(60)), standing('b', 'active', held(40))], {
      availableResources: { memory: 0 },
    });
    const value = { a: { memory: 30, cpuWeight: 1 }, b: { memory: 70, cpuWeight: 1 } };
    expect(said(run(amounts, value, given))).toEqual(['reconfigure a 2', 'reconfigure b 1']);
    const more = { a: { memory: 60, cpuWeight: 1 }, b: { memory: 40.5 + 0.5, cpuWeight: 1 } };
    const wide = resourceAllocation('limits', { agents: ['a', 'b'] });
    expect(said(run(wide, more, given))).toEqual(['resource-exhausted']);
  });
  it('shares are shares of what there is in all', () => {
    const shares = resourceAllocation('shares', { agents: ['a', 'b'] });
    const given = context([standing('a'), standing('b', 'inactive')], {
      totalResources: { memory: 1_001, cpuWeight: 4 },
    });
    expect(run(shares, { a: 0.5, b: 0.5 }, given)).toMatchObject({
      directives: [
        { agent: 'a', parameters: { resources: { memory: 500, cpuWeight: 2 } }, timeoutMs: 5_000 },
      ],
    });
  });
});

describe('a topology', () => {
  const talk = communicationTopology('talk', { agents: five });
  const team = five.map((id) => standing(id));
  it.each([
    ['broadcast', 5],
    ['ring', 5],
    ['star', 8],
    ['mesh', 20],
  ] as const)('of five agents, %s has %i edges, and all are told', (pattern, edges) => {
    const graph = graphFor(talk, { pattern }, context(team));
    expect(countEdges(graph)).toBe(edges);
    expect(said(run(talk, { pattern }, context(team)))).toHaveLength(5);
    expect(said(run(talk, { pattern }, context(team, { graph })))).toEqual([]);
  });
  it('only those whose neighbourhood changes are told', () => {
    const edges: [string, string][] = [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
      ['d', 'e'],
    ];
    const before = { pattern: 'custom', edges };
    const after = { pattern: 'custom', edges: [...edges.slice(0, 3), ['a', 'e']] };
    const free = communicationTopology('talk', { agents: five, allowPartition: true });
    const graph = graphFor(free, before as Json, context(team));
    expect(said(run(free, after, context(team, { graph })))).toEqual([
      'update-communication a 1',
      'update-communication d 1',
      'update-communication e 1',
    ]);
  });
});

describe('a value to read', () => {
  it('of scope global reaches every running agent, listed or not; of scope cluster those it lists', () => {
    const given = context([standing('a'), standing('b'), standing('c', 'inactive')]);
    expect(said(run(performanceThreshold('t', { initial: 0.5, agents: ['a'] }), 0.7, given))).toEqual([
      'adjust-parameters a 1',
      'adjust-parameters b 1',
    ]);
    const near = performanceThreshold('t', { initial: 0.5, agents: ['a'], scope: 'cluster' });
    expect(said(run(near, 0.7, given))).toEqual(['adjust-parameters a 1']);
    const own = { ...customVariable('x', { initial: 1 }), id: 'b.pace', scope: 'local' as const };
    expect(said(run(own, 2, given))).toEqual(['adjust-parameters b 1']);
  });
  it('who works with it already is not told again', () => {
    const given = context([
      standing('a', 'active', { values: { t: 0.7 } }),
      standing('b', 'active', { values: { t: 0.5 } }),
    ]);
    expect(said(run(performanceThreshold('t', { initial: 0.5 }), 0.7, given))).toEqual([
      'adjust-parameters b 1',
    ]);
  });
});

it('gives 30 s to a life, 5 s to a configuration, 1 s to a parameter', () => {
  const timesOf = (outcome: Coordination): readonly string[] =>
    outcome.kind === 'failed'
      ? [outcome.error.code]
      : outcome.directives.map(({ action, timeoutMs }) => `${action} ${timeoutMs}`);
  const given = context([standing('a'), standing('b', 'inactive')]);
  expect(timesOf(run(agentSelection('team', { agents: five }), ['b'], given))).toEqual([
    'stop 30000',
    'start 30000',
  ]);
  const threshold = performanceThreshold('t', { initial: 0.5 });
  expect(timesOf(run(threshold, 0.7, given))).toEqual(['adjust-parameters 1000']);
  const wiring = communicationTopology('w', { agents: five });
  expect(timesOf(run(wiring, 'mesh', given))).toEqual(['update-communication 5000']);
});

it('a value that the variable may not have is invalid-configuration, with the field', () => {
  const outcome = run(adaptationRate('rate'), 7, context([standing('a')]));
  expect(outcome).toMatchObject({
    kind: 'failed',
    error: { code: 'invalid-configuration', details: { variable: 'rate' } },
  });
});

const definitions: Readonly<
  Record<(typeof variableKinds)[number], readonly [VariableDefinition, fc.Arbitrary<unknown>]>
> = {
  'agent-selection': [agentSelection('v', { agents: five }), fc.subarray(five)],
  'resource-allocation': [
    resourceAllocation('v', { agents: five }),
    fc.dictionary(
      fc.constantFrom(...five),
      fc.record({
        memory: fc.integer({ min: 1, max: 60 }),
        cpuWeight: fc.double({ min: 0.1, max: 2, noNaN: true }),
      }),
    ),
  ],
  'communication-topology': [
    communicationTopology('v', { agents: five }),
    fc.constantFrom('ring', 'star', 'mesh', 'broadcast'),
  ],
  'adaptation-rate': [adaptationRate('v'), fc.double({ min: 0, max: 1, noNaN: true })],
  'performance-threshold': [
    performanceThreshold('v', { initial: 0.5 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ],
  'coordination-pattern': [coordinationPattern('v'), fc.constantFrom('ring', 'mesh', 'broadcast')],
  custom: [customVariable('v', { initial: 'x' }), fc.string()],
};

const anyStanding = fc.record({
  status: fc.constantFrom<AgentStatus>('inactive', 'starting', 'active', 'stopping', 'failed'),
  priority: fc.integer({ min: -2, max: 3 }),
  memory: fc.integer({ min: 1, max: 60 }),
  held: fc.option(
    fc.record({
      memory: fc.integer({ min: 1, max: 60 }),
      cpuWeight: fc.double({ min: 0.1, max: 2, noNaN: true }),
    }),
    { nil: undefined },
  ),
});

describe.each(variableKinds)('whatever stands, %s', (kind) => {
  const [definition, values] = definitions[kind];
  test.prop([
    values,
    fc.array(anyStanding, { minLength: 5, maxLength: 5 }),
    fc.integer({ min: 0, max: 150 }),
  ])(
    'gives directives in order, one for each agent and action, within what there is, and the same each time',
    (value, standings, memory) => {
      const agents = standings.map(({ held, memory: needs, priority, status }, i) =>
        standing(five[i] ?? '', status, {
          allocation: held,
          agent: { priority, resources: { memory: needs } },
        }),
      );
      const given = context(agents, { availableResources: { memory } });
      const outcome = run(definition, value, given);
      expect(run(definition, structuredClone(value), given)).toEqual(outcome);
      if (outcome.kind === 'failed') {
        expect(outcome.error.code).toBe('resource-exhausted');
        return;
      }
      const { directives } = outcome;
      expect(new Set(directives.map(({ action, agent }) => `${agent} ${action}`)).size).toBe(
        directives.length,
      );
      const order = directives.map(({ agent, priority }) => `${1_000 - priority} ${agent}`);
      expect(order).toEqual(order.toSorted());
      expect(
        directives.every(
          ({ agent, priority, timeoutMs }) => five.includes(agent) && priority >= 1 && timeoutMs > 0,
        ),
      ).toBe(true);
      const taken = directives.reduce((sum, { action, agent, parameters }) => {
        const { allocation, spec } = given.agents.get(agent) ?? {};
        const resources = parameters['resources'] as { memory?: number } | undefined;
        const held =
          action === 'start'
            ? 0
            : (allocation?.memory ?? (action === 'stop' ? spec?.resources?.memory : 0) ?? 0);
        return sum + (resources?.memory ?? 0) - (resources === undefined && action !== 'stop' ? 0 : held);
      }, 0);
      expect(taken).toBeLessThanOrEqual(memory + 1e-6);
    },
  );
});

describe('what the kinds choose by themselves', () => {
  it('agents by performance, then by how they match, then by id; who is not known counts as the mean', () => {
    const candidates = [
      { id: 'a', performance: 0.4 },
      { id: 'b', performance: 0.8 },
      { id: 'c' },
      { id: 'd', performance: 0.4, spec: specOf('d', { group: 'mail' }) },
    ];
    expect(rankAgents(candidates, ['mail'])).toEqual(['b', 'c', 'd', 'a']);
  });
  it('shares in proportion, equal ones for nothing', () => {
    expect([
      ...shareOut(
        new Map([
          ['a', 3],
          ['b', 1],
          ['c', -2],
        ]),
      ).values(),
    ]).toEqual([0.75, 0.25, 0]);
    expect([
      ...shareOut(
        new Map([
          ['a', 0],
          ['b', 0],
        ]),
      ).values(),
    ]).toEqual([0.5, 0.5]);
  });
  it('a mesh for few, a star for many, and never a custom one', () => {
    expect(rankPatterns(5)[0]).toBe('mesh');
    expect(rankPatterns(50)[0]).toBe('star');
    expect(rankPatterns(5, topologyPatterns)).not.toContain('custom');
  });
});
