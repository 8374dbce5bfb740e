import type { ObservedInstance } from '@mabeam/cluster';
import { describe, expect, test } from 'vitest';
import { agentOf } from '../../test/team.ts';
import { desiredInstances } from '../instances/desired.ts';
import { findLaggards, type Situation } from './settlement.ts';

const module = { run: { module: '/agents/words.ts' } };
const words = agentOf('words', module);

function seen(agent: string, status: ObservedInstance['status'] = 'active'): ObservedInstance {
  return {
    v: 1,
    agent,
    ordinal: 0,
    incarnation: 'i1',
    status,
    node: 'n1',
    definitionRevision: 1,
    restarts: 0,
    since: '2026-01-01T00:00:00.000Z',
  };
}

const held = (agent: string) => ({ agent, ordinal: 0, node: 'n1', incarnation: 'i1' });

function situation(more: Partial<Situation> = {}): Situation {
  return {
    agents: [words],
    active: [words],
    desired: desiredInstances([words], []),
    observed: [seen('words')],
    leases: [held('words')],
    reports: new Map([['words.0', { incarnation: 'i1', applied: 10 }]]),
    ...more,
  };
}

const reasons = (given: Situation, revision = 10) =>
  findLaggards(given, revision).map(({ agent, reason }) => `${agent} ${reason}`);

describe('a revision is applied', () => {
  test('when every desired instance is active and has it', () => {
    expect(reasons(situation())).toEqual([]);
  });
  test('not while an instance has an older one', () => {
    expect(reasons(situation(), 11)).toEqual(['words behind']);
  });
  test('not while a desired instance has no lease, or is still starting', () => {
    expect(reasons(situation({ leases: [] }))).toEqual(['words not-active']);
    expect(reasons(situation({ observed: [seen('words', 'starting')] }))).toEqual(['words not-active']);
  });
  test('not by the report of an earlier incarnation', () => {
    const reports = new Map([['words.0', { incarnation: 'i0', applied: 99 }]]);
    expect(reasons(situation({ reports }))).toEqual(['words behind']);
  });
  test('not while an instance that is not desired is still at work; one that drains is out', () => {
    const links = agentOf('links', module);
    const agents = [words, links];
    const leases = [held('words'), held('links')];
    expect(reasons(situation({ agents, leases, observed: [seen('words'), seen('links')] }))).toEqual([
      'links still-at-work',
    ]);
    expect(
      reasons(situation({ agents, leases, observed: [seen('words'), seen('links', 'stopping')] })),
    ).toEqual([]);
  });
  test('without a word from a command that never reports', () => {
    const command = agentOf('words');
    const given = situation({
      agents: [command],
      active: [command],
      desired: desiredInstances([command], []),
      reports: new Map(),
    });
    expect(reasons(given)).toEqual([]);
  });
  test('when a live instance started elsewhere has it too', () => {
    const guest = agentOf('guest', { run: undefined });
    const given = situation({
      agents: [words, guest],
      active: [words, guest],
      leases: [held('words'), held('guest')],
      observed: [seen('words'), seen('guest')],
    });
    expect(reasons(given)).toEqual(['guest behind']);
    expect(reasons({ ...given, leases: [held('words')] })).toEqual([]);
  });
});
