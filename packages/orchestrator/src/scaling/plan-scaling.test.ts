import { describe, expect, it } from 'vitest';
import { agentOf } from '../../test/team.ts';
import { parseScalingPolicy } from '../definition/scaling-policy.ts';
import type { ScaleEntry } from '../state/scale-entry.ts';
import { foldMetrics } from './metrics.ts';
import { planScaling, type ScalingInput } from './plan-scaling.ts';

const now = Date.parse('2026-01-01T00:00:00.000Z');
const bounds = { min: 1, max: 9 };
const policy = (target: { agent: string } | { role: 'executor' | 'evaluator' }, id = 'more') =>
  parseScalingPolicy({ v: 1, id, target, metric: 'queue' });
const scaled = (replicas: number, at = now - 90_000): ScaleEntry => ({
  v: 1,
  replicas,
  by: 'test',
  at: new Date(at).toISOString(),
  cause: 'test',
});
/** Work enough for many replicas. */
const busy = { pending: 400, unacknowledged: 0 };

const plan = (more: Partial<ScalingInput>) =>
  planScaling({
    policies: [policy({ role: 'executor' })],
    agents: [],
    scales: new Map(),
    ready: new Map(),
    metrics: foldMetrics(
      { reports: [], scores: [], live: [], demands: new Map(), pool: {} },
      { now, windowMs: 10_000 },
    ),
    backlogs: new Map(),
    available: { memory: 0, cpu: 0 },
    states: new Map(),
    now,
    ...more,
  }).decisions.map(({ agent, policy: by, reason, to }) => `${agent} ${by} ${reason} ${to}`);

describe('the policies of a space', () => {
  it('govern each agent of a role by itself, and none that may not be scaled', () => {
    const agents = [
      agentOf('b', { bounds }),
      agentOf('a', { bounds }),
      agentOf('fixed'),
      agentOf('judge', { bounds, role: 'evaluator' }),
      agentOf('guest', { bounds, run: undefined }),
    ];
    expect(plan({ agents })).toEqual(['a more unknown 1', 'b more unknown 1']);
  });

  it('give what is left of the pool to the agent of the larger priority first', () => {
    const needs = { bounds, resources: { cpuWeight: 1 } };
    const agents = [agentOf('a', needs), agentOf('b', { ...needs, priority: 1 })];
    const backlogs = new Map([
      ['a', busy],
      ['b', busy],
    ]);
    expect(plan({ agents, backlogs, available: { memory: 0, cpu: 10 } })).toEqual([
      'b more scale 9',
      'a more scale 3',
    ]);
    expect(plan({ agents, backlogs, available: { memory: 0, cpu: 8 } })).toEqual([
      'b more scale 9',
      'a more no-capacity 1',
    ]);
  });

  it('begin from what is wanted now, within the bounds of the definition', () => {
    const agents = [agentOf('a', { bounds: { min: 1, max: 4 } })];
    const scales = new Map([['scale.a', scaled(7)]]);
    expect(plan({ agents, scales, backlogs: new Map([['a', busy]]) })).toEqual(['a more at-max 4']);
  });

  it('let a writer whose clock is ahead delay nothing for longer than two cooldowns', () => {
    const agents = [agentOf('a', { bounds })];
    const backlogs = new Map([['a', { pending: 0, unacknowledged: 0 }]]);
    const states = new Map([['more a', { since: now - 60_000, wishes: [] }]]);
    const written = (at: number) => new Map([['scale.a', scaled(4, at)]]);
    expect(plan({ agents, backlogs, states, scales: written(now + 29_000) })).toEqual(['a more cooldown 4']);
    expect(plan({ agents, backlogs, states, scales: written(now + 31_000) })).toEqual(['a more scale 1']);
  });
});
