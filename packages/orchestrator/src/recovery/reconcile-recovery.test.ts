import type { ObservedInstance } from '@mabeam/cluster';
import { describe, expect, test } from 'vitest';
import { agentOf } from '../../test/team.ts';
import { desiredInstances } from '../instances/desired.ts';
import { reconcile, type ReconcileInput } from '../instances/reconcile.ts';
import type { AgentFailure, RecoveryRecord } from './recovery-record.ts';
import { standingOf } from './standing.ts';

const now = Date.parse('2026-01-01T00:01:00.000Z');
const node = (id: string) => ({
  v: 1 as const,
  id,
  pid: 1,
  host: 'h',
  startedAt: '2026-01-01T00:00:00.000Z',
  capacity: { cpu: 2, memory: 1e9 },
  instances: 0,
});

const seen = (status: ObservedInstance['status']): ObservedInstance => ({
  v: 1,
  agent: 'a',
  ordinal: 0,
  incarnation: 'l-0',
  status,
  node: 'n1',
  definitionRevision: 1,
  restarts: 0,
  since: new Date(now - 1_000).toISOString(),
});

type Restart = 'permanent' | 'transient' | 'temporary';

/** What is done about an instance of the agent `a`, by what its host saw and the records say. */
function outcome(
  status: ObservedInstance['status'],
  records: Readonly<Record<string, Partial<RecoveryRecord>>>,
  more: {
    readonly isHeld?: boolean;
    readonly restart?: Restart;
    readonly recovery?: 'restart' | 'migrate';
  } = {},
) {
  const { isHeld = false, restart = 'permanent', recovery = 'restart' } = more;
  const agents = [agentOf('a', { restart }), agentOf('b', { run: undefined })];
  const supervision = {
    strategy: 'one-for-one',
    maxFailures: 3,
    windowMs: 60_000,
    recovery,
    escalation: 'notify',
    backoffMs: 100,
    backoffMaxMs: 30_000,
  } as const;
  const complete = Object.entries(records).map(([agent, record]) => {
    const whole: RecoveryRecord = { v: 1, failures: [], open: [], renew: [], ...record };
    return [agent, { revision: 1, record: whole }] as const;
  });
  const input: ReconcileInput = {
    desired: desiredInstances(agents, []),
    observed: [seen(status)],
    leases: isHeld ? [{ agent: 'a', ordinal: 0, incarnation: 'l-0', node: 'n1' }] : [],
    nodes: [node('n1'), node('n2')],
    inFlight: [],
    now,
    recovery: standingOf({ agents, variables: [], space: { v: 1, supervision }, records: new Map(complete) }),
  };
  const { actions, waiting } = reconcile(input);
  return [...actions, ...waiting][0];
}

const failure: AgentFailure = {
  ordinal: 0,
  incarnation: 'l-0',
  node: 'n1',
  at: new Date(now - 1_000).toISOString(),
  kind: 'ended',
  reason: 'exit code 1',
  outcome: 'restarting',
  strategy: 'one-for-one',
  renewed: [],
};
const renew = [{ agent: 'a', ordinal: 0, incarnation: 'l-0' }];

describe('a life that ends with a sibling', () => {
  test('is stopped by its name, and one that has followed it is not', () => {
    expect(outcome('active', { b: { renew } }, { isHeld: true })).toMatchObject({
      kind: 'stop',
      reason: 'supervision',
      incarnation: 'l-0',
    });
    const former = [{ agent: 'a', ordinal: 0, incarnation: 'k-0' }];
    expect(outcome('active', { b: { renew: former } }, { isHeld: true })).toBeUndefined();
  });

  test('is followed by another, unless the agent is temporary', () => {
    expect(outcome('inactive', { b: { renew } }, { restart: 'transient' })?.kind).toBe('start');
    expect(outcome('inactive', {}, { restart: 'transient' })).toMatchObject({ reason: 'ended' });
    expect(outcome('inactive', { b: { renew } }, { restart: 'temporary' })).toMatchObject({
      reason: 'ended',
    });
  });
});

describe('a lost instance', () => {
  test('is started when its loss is written down, and not before', () => {
    expect(outcome('active', {})).toMatchObject({ kind: 'waiting', reason: 'host-may-return' });
    expect(outcome('active', { a: { failures: [{ ...failure, kind: 'lost' }] } })).toMatchObject({
      kind: 'start',
      node: 'n1',
    });
  });
});

describe('an instance that its host has given up', () => {
  test('rests long where it was restarted, and moves soon where it is to migrate', () => {
    const records = { a: { failures: [failure] } };
    expect(outcome('failed', records)).toMatchObject({ reason: 'back-off' });
    expect(outcome('failed', records, { recovery: 'migrate' })).toMatchObject({
      kind: 'start',
      node: 'n2',
      restarts: { maxFailures: 0 },
    });
  });
});
