import {
  adaptationRate,
  agentSelection,
  adaptationStrategies,
  communicationTopology,
  customVariable,
  performanceThreshold,
  resourceAllocation,
  validateValue,
  type Json,
  type VariableState,
} from '@mabeam/variables';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { valued } from '../../test/team.ts';
import { adaptVariable, type AdaptationSituation } from './adapt-variable.ts';
import { adaptationCases, handlerSubject, windowsOf } from './conformance.ts';
import { defineAdaptation } from '../handlers/serve-handler.ts';
import type { AgentMetrics, PerformanceMetrics } from '../scaling/metrics.ts';

const now = 1_000_000;
const policy = { strategy: 'reactive', metric: 'performance', direction: 'below', target: 0.7 } as const;

function dial(more: Record<string, unknown> = {}, value: Json = 5): VariableState {
  const adaptation = { ...policy, ...more };
  return valued(customVariable('dial', { initial: 5, min: 0, max: 10, step: 1, adaptation }), value);
}

function situation(more: Partial<AdaptationSituation> = {}): AdaptationSituation {
  return { variables: new Map(), history: [], now, ...more };
}

const adapt = (variable: VariableState, figures: readonly (number | undefined)[], more = {}) =>
  adaptVariable(variable, windowsOf(figures), situation(more));

describe.each(adaptationStrategies)('the strategy %s', (strategy) => {
  for (const { check, name } of adaptationCases({ strategy }))
    it(name, () => expect(check(adaptVariable)).resolves.toBeUndefined());
});

describe("a user's handler", () => {
  const upWhenBad = defineAdaptation('up-when-bad', ({ metrics, value }) => {
    const figure = metrics.at(-1)?.aggregatePerformance ?? 1;
    return figure < 0.7 ? { value: Number(value) + 1, reason: 'more helps' } : {};
  });
  for (const { check, name } of adaptationCases())
    it(name, () => expect(check(handlerSubject(upWhenBad))).resolves.toBeUndefined());
  it('that proposes what is not allowed fails the suite', async () => {
    const rash = defineAdaptation('rash', () => ({ value: 99 }));
    const failures = await Promise.all(
      adaptationCases().map(({ check }) =>
        check(handlerSubject(rash)).then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    expect(failures.filter((failure) => failure !== undefined)).not.toEqual([]);
  });
  it('cannot break a constraint: that is an error, and no change', () => {
    const variable = dial({ handler: 'rash' });
    const outcome = adapt(variable, [0.1], { suggestion: { kind: 'change', value: 99 } });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'constraint-violation' } });
  });
  it('that has not been asked is adaptation-failed', () => {
    expect(adapt(dial({ handler: 'gone' }), [0.1])).toMatchObject({
      kind: 'failed',
      error: { code: 'adaptation-failed' },
    });
  });
});

describe('the strategies differ on the same figures', () => {
  const ramp = [0.95, 0.92, 0.89, 0.86, 0.83, 0.8];
  const spike = [0.95, 0.95, 0.95, 0.95, 0.95, 0.1];
  it('reactive waits for the second bad window', () => {
    expect(adapt(dial(), [0.9, 0.9, 0.6]).kind).toBe('steady');
    expect(adapt(dial(), [0.9, 0.6, 0.6])).toMatchObject({ kind: 'change', strategy: 'reactive' });
    expect(adapt(dial(), [0.6, 0.8, 0.6]).kind).toBe('steady');
    expect(adapt(dial(), [0.6, undefined, 0.6]).kind).toBe('steady');
    expect(adapt(dial({ sustain: 3 }), [0.9, 0.6, 0.6]).kind).toBe('steady');
  });
  it('predictive moves before it is bad on a ramp, where reactive still waits', () => {
    expect(adapt(dial({ strategy: 'predictive', horizon: 5 }), ramp).kind).toBe('change');
    expect(adapt(dial({ strategy: 'reactive' }), ramp).kind).toBe('steady');
  });
  it('predictive does not move on a spike', () => {
    expect(adapt(dial({ strategy: 'predictive' }), spike).kind).toBe('steady');
    const high = dial({ strategy: 'predictive', direction: 'above', target: 2 });
    expect(adapt(high, [1, 1, 1, 1, 1, 50]).kind).toBe('steady');
  });
  it('predictive says when it has too few samples, and is reactive then', () => {
    const variable = dial({ strategy: 'predictive' });
    expect(adapt(variable, [0.9, 0.8, 0.75])).toMatchObject({
      kind: 'steady',
      reason: expect.stringContaining('too few for a forecast, so reactive'),
    });
    const four = adapt(variable, [0.9, 0.85, 0.8, 0.75]);
    expect(four).toMatchObject({ reason: expect.stringContaining('4 samples are too few') });
    expect(adapt(variable, [0.6, 0.6]).kind).toBe('change');
  });
  it('emergent moves without any central figure, to the mean weighed by reward, also when one agent is gone', () => {
    const proposals = [
      { agent: 'a', value: 2, reward: 1 },
      { agent: 'b', value: 8, reward: 3 },
    ];
    const variable = dial({ strategy: 'emergent', target: undefined });
    expect(adapt(variable, [], { proposals })).toMatchObject({ kind: 'change', change: { to: 7 } });
    expect(adapt(variable, [], { proposals: proposals.slice(0, 1) })).toMatchObject({ change: { to: 2 } });
    expect(adapt(variable, [], { proposals: [] }).kind).toBe('steady');
  });
  it('emergent does not hear whom the variable does not concern', () => {
    const of = { ...dial({ strategy: 'emergent' }) };
    const own = { ...of, definition: { ...of.definition, agents: ['a'] } };
    const proposals = [
      { agent: 'a', value: 2, reward: 1 },
      { agent: 'stranger', value: 9, reward: 99 },
    ];
    expect(adapt(own, [], { proposals })).toMatchObject({ change: { to: 2 } });
  });
  it('emergent goes elsewhere when it explores', () => {
    const proposals = [
      { agent: 'a', value: 1, reward: 1 },
      { agent: 'b', value: 9, reward: 3 },
    ];
    const draws = [0.05, 0.1];
    const outcome = adapt(dial({ strategy: 'emergent' }), [], {
      proposals,
      random: () => draws.shift() ?? 0,
    });
    expect(outcome).toMatchObject({ change: { to: 1 }, reason: 'explores what a proposed' });
  });
  it('consensus-based moves only with a vote', () => {
    expect(adapt(dial({ strategy: 'consensus-based' }), [0.5, 0.5])).toMatchObject({
      kind: 'change',
      needsVote: true,
    });
    expect(adapt(dial(), [0.5, 0.5])).toMatchObject({ needsVote: false });
  });
});

describe('where it goes', () => {
  const moved = (at: number, from: number, to: number): AdaptationSituation['history'] => {
    const iso = new Date(at).toISOString();
    const changes = [{ rule: 'policy.dial', variable: 'dial', from, to }];
    const about = { v: 1, source: '', id: iso, trigger: '', rule: 'policy.dial', changes } as const;
    return [{ ...about, outcome: 'applied', at: iso, triggeredAt: iso, committedAt: iso }];
  };
  const wait = { cooldownMs: 0 };
  it('on, when the last change has helped', () => {
    const history = moved(now - 2_500, 4, 5);
    expect(adapt(dial(wait), [0.3, 0.3, 0.5, 0.5], { history })).toMatchObject({ change: { to: 6 } });
  });
  it('back, when it has not', () => {
    const history = moved(now - 2_500, 4, 5);
    expect(adapt(dial(wait), [0.5, 0.5, 0.3, 0.3], { history })).toMatchObject({ change: { to: 4 } });
  });
  it('not back and forth: a turn that comes too soon is left out', () => {
    const history = moved(now - 400, 9, 10);
    expect(adapt(dial(wait, 10), [0.5, 0.5, 0.3], { history })).toMatchObject({
      kind: 'steady',
      reason: expect.stringContaining('oscillation'),
    });
    expect(adapt(dial(wait, 10), [0.5, 0.5, 0.3], { history: moved(now - 1_001, 9, 10) }).kind).toBe(
      'change',
    );
  });
  it('a rate lengthens no step and a cooldown is kept', () => {
    const rate = valued(adaptationRate('rate'), 0.1);
    const variables = new Map([['rate', rate]]);
    expect(adapt(dial({ step: 4 }), [0.5, 0.5], { variables })).toMatchObject({ change: { to: 6 } });
    expect(adapt(dial({ step: 4 }), [0.5, 0.5])).toMatchObject({ change: { to: 9 } });
    const history = moved(now - 29_999, 4, 5);
    expect(adapt(dial(), [0.5, 0.5], { history })).toMatchObject({ reason: 'rests for another 1 ms' });
  });
  it('a target may be the value of a threshold', () => {
    const variables = new Map([['limit', valued(performanceThreshold('limit', { initial: 0.4 }), 0.4)]]);
    expect(adapt(dial({ target: 'limit' }), [0.5, 0.5], { variables }).kind).toBe('steady');
    expect(adapt(dial({ target: 'limit' }), [0.3, 0.3], { variables }).kind).toBe('change');
    expect(adapt(dial({ target: 'gone' }), [0.1, 0.1]).kind).toBe('steady');
  });
  it('with no neighbour that is allowed it is constraint-violation', () => {
    const only = valued(
      agentSelection('team', { agents: ['a'], constraints: { minActive: 1 }, adaptation: policy }),
      ['a'],
    );
    const windows = windowsOf([0.5, 0.5]).map((each) => ({ ...each, agents: { a: agentMetrics('a', 0.5) } }));
    expect(adaptVariable(only, windows, situation())).toMatchObject({
      kind: 'failed',
      error: { code: 'constraint-violation' },
    });
  });
});

function agentMetrics(
  agent: string,
  performance: number | undefined,
  more: Partial<AgentMetrics> = {},
): AgentMetrics {
  return {
    agent,
    instances: 1,
    isStale: false,
    performance,
    scores: {},
    handled: 10,
    failed: 0,
    successRate: 1,
    inFlight: 0,
    busy: 0.5,
    latencyMs: undefined,
    slots: undefined,
    cpu: 0.1,
    memory: 1,
    cpuUse: 0.1,
    memoryUse: undefined,
    queue: undefined,
    ...more,
  };
}

const withAgents = (agents: readonly AgentMetrics[]): readonly PerformanceMetrics[] =>
  windowsOf([0.5, 0.5]).map((each) => ({
    ...each,
    agents: Object.fromEntries(agents.map((metrics) => [metrics.agent, metrics])),
  }));

describe('values that are no numbers', () => {
  it('a selection gets the best spare, or exchanges the weakest for it', () => {
    const agents = ['a', 'b', 'c', 'd'];
    const seen = withAgents([
      agentMetrics('a', 0.6),
      agentMetrics('b', 0.2),
      agentMetrics('c', 0.5),
      agentMetrics('d', 0.9),
    ]);
    const team = valued(agentSelection('team', { agents, adaptation: policy }), ['a', 'b']);
    expect(adaptVariable(team, seen, situation())).toMatchObject({ change: { to: ['a', 'b', 'd'] } });
    const full = valued(
      agentSelection('team', { agents, constraints: { maxConcurrent: 2 }, adaptation: policy }),
      ['a', 'b'],
    );
    expect(adaptVariable(full, seen, situation())).toMatchObject({ change: { to: ['a', 'd'] } });
  });
  it('shares go to where the load is, and add up as before', () => {
    const shares = valued(resourceAllocation('shares', { agents: ['a', 'b'], adaptation: policy }), {
      a: 0.5,
      b: 0.5,
    });
    const seen = withAgents([
      agentMetrics('a', 0.5, { busy: 0, queue: 0 }),
      agentMetrics('b', 0.5, { busy: 1, queue: 9 }),
    ]);
    const outcome = adaptVariable(shares, seen, situation());
    const to = outcome.kind === 'change' ? (outcome.change.to as Record<string, number>) : {};
    expect(to['b']).toBeGreaterThan(0.9);
    expect((to['a'] ?? 0) + (to['b'] ?? 0)).toBeCloseTo(1);
  });
  it('a topology changes to the cheapest other pattern', () => {
    const talk = valued(communicationTopology('talk', { agents: ['a', 'b', 'c'], adaptation: policy }), {
      pattern: 'ring',
    });
    const seen = withAgents(['a', 'b', 'c'].map((agent) => agentMetrics(agent, 0.5)));
    expect(adaptVariable(talk, seen, situation())).toMatchObject({ change: { to: { pattern: 'mesh' } } });
  });
  it('a choice goes on to one that was not tried', () => {
    const model = valued(
      customVariable('model', { initial: 'small', enum: ['small', 'large'], adaptation: policy }),
      'small',
    );
    expect(adapt(model, [0.5, 0.5])).toMatchObject({ change: { to: 'large' } });
  });
});

const figure = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined });

describe('whatever the figures are', () => {
  test.prop([
    fc.constantFrom(...adaptationStrategies),
    fc.array(figure, { maxLength: 12 }),
    fc.integer({ min: 0, max: 10 }),
    fc.constantFrom<'above' | 'below'>('above', 'below'),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.array(
      fc.record({
        agent: fc.constantFrom('a', 'b', 'c'),
        value: fc.integer({ min: -5, max: 15 }),
        reward: fc.double({ min: -1, max: 2, noNaN: true }),
      }),
    ),
  ])(
    'what comes out is valid and another value',
    (strategy, figures, value, direction, target, proposals) => {
      const variable = dial({ strategy, direction, target }, value);
      const outcome = adapt(variable, figures, { proposals });
      if (outcome.kind !== 'change') return;
      expect(validateValue(variable.definition, outcome.change.to)).toEqual({
        kind: 'valid',
        value: outcome.change.to,
      });
      expect(outcome.change.to).not.toBe(value);
    },
  );
  test.prop([
    fc.constantFrom('reactive', 'predictive', 'consensus-based'),
    fc
      .array(fc.double({ min: 0.7, max: 1, noNaN: true }), { maxLength: 12 })
      .map((all) => all.toSorted((a, b) => a - b)),
  ])('good figures that only get better move nothing', (strategy, figures) => {
    expect(adapt(dial({ strategy }), figures).kind).toBe('steady');
  });
  test.prop([fc.constantFrom(...adaptationStrategies), fc.array(figure, { maxLength: 12 })])(
    'a rate of 0 never moves anything',
    (strategy, figures) => {
      const variables = new Map([['rate', valued(adaptationRate('rate'), 0)]]);
      const proposals = [{ agent: 'a', value: 9, reward: 1 }];
      expect(adapt(dial({ strategy }), figures, { variables, proposals }).kind).toBe('steady');
    },
  );
});
