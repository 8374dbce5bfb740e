import type { ObservedInstance } from '@mabeam/cluster';
import fc from 'fast-check';
import { emptyView } from '@mabeam/variables';
import { describe, expect, test } from 'vitest';
import { agentOf } from '../../test/team.ts';
import { planRecovery } from './plan-recovery.ts';
import type { StoredRecovery } from './recovery-record.ts';
import { standingOf } from './standing.ts';

const start = Date.parse('2026-01-01T00:00:00.000Z');

/** One second in the life of an agent: it goes on as it is, fails, or is up again. */
type Step = 'on' | 'fail' | 'up';

/** Plays an agent's life under a leader that looks each second; the changes of the graph, and the failures there were. */
function play(steps: readonly Step[]) {
  const agents = [agentOf('a')];
  let records = new Map<string, StoredRecovery>();
  let status: ObservedInstance['status'] = 'active';
  let run = 0;
  let since = start;
  let [changes, failures] = [0, 0];
  let isAbsent = false;
  steps.forEach((step, second) => {
    const now = start + second * 1_000;
    if (step === 'fail' && status === 'active') {
      [status, since] = ['failed', now];
      failures += 1;
    }
    if (step === 'up' && status === 'failed') {
      status = 'active';
      run += 1;
    }
    const seen: ObservedInstance = {
      v: 1,
      agent: 'a',
      ordinal: 0,
      incarnation: `l-${run}`,
      status,
      node: 'n1',
      definitionRevision: 1,
      restarts: run,
      since: new Date(since).toISOString(),
    };
    const plan = planRecovery({
      agents,
      active: new Set(['a']),
      desired: new Set(['a.0']),
      observed: [seen],
      leases: [{ agent: 'a', ordinal: 0, incarnation: seen.incarnation, node: 'n1' }],
      lost: new Set(),
      records,
      space: undefined,
      view: emptyView(),
      now,
    });
    records = new Map([
      ...records,
      ...plan.map(({ agent, record }) => [agent, { revision: 1, record }] as const),
    ]);
    const { absent } = standingOf({ agents, variables: [], space: undefined, records });
    if (absent.has('a') !== isAbsent) changes += 1;
    isAbsent = absent.has('a');
  });
  return { changes, failures, recorded: records.get('a')?.record.failures.length ?? 0, isAbsent, status };
}

describe('over any life of an agent', () => {
  const lives = fc.array(fc.constantFrom<Step>('on', 'on', 'on', 'fail', 'up'), { maxLength: 80 });

  test('the graph changes at most twice for each failure, and who is up is in it', () => {
    fc.assert(
      fc.property(lives, (steps) => {
        const { changes, failures, isAbsent, status } = play(steps);
        expect(changes).toBeLessThanOrEqual(2 * failures);
        expect(status === 'active' && isAbsent).toBe(false);
      }),
    );
  });

  test('every failure of the last minute is recorded, and none twice', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<Step>('fail', 'up', 'on'), { maxLength: 59 }), (steps) => {
        const { failures, recorded } = play(steps);
        expect(recorded).toBe(failures);
      }),
    );
  });

  test('an agent that stays down leaves the graph once', () => {
    expect(play(['fail', ...Array.from({ length: 30 }, (): Step => 'on')])).toMatchObject({
      changes: 1,
      isAbsent: true,
    });
  });
});

describe('where and when a failed instance is started again', () => {
  const failed = (at: number, incarnation = 'l-0') => ({
    ordinal: 0,
    incarnation,
    node: 'n1',
    at: new Date(at).toISOString(),
    kind: 'ended' as const,
    reason: 'exit code 1',
    outcome: 'migrating' as const,
    strategy: 'one-for-one' as const,
    renewed: [],
  });
  const supervision = {
    strategy: 'one-for-one',
    maxFailures: 2,
    windowMs: 60_000,
    recovery: 'migrate',
    escalation: 'notify',
    backoffMs: 100,
    backoffMaxMs: 150,
  } as const;
  const seen: ObservedInstance = {
    v: 1,
    agent: 'a',
    ordinal: 0,
    incarnation: 'l-0',
    status: 'failed',
    node: 'n1',
    definitionRevision: 1,
    restarts: 0,
    since: new Date(start).toISOString(),
  };
  const standing = (failures: readonly ReturnType<typeof failed>[]) =>
    standingOf({
      agents: [agentOf('a')],
      variables: [],
      space: { v: 1, supervision },
      records: new Map([
        ['a', { revision: 1, record: { v: 1, failures: [...failures], open: [], renew: [] } }],
      ]),
    });

  test('on another node, after the pauses of the policy, and its host leaves it to the leader', () => {
    const once = standing([failed(start)]);
    expect([once.nodeToAvoid(seen), once.restMs(seen)]).toEqual(['n1', 100]);
    expect(once.restartsOf('a')).toMatchObject({ maxFailures: 0 });
    expect(standing([failed(start - 10, 'k-0'), failed(start)]).restMs(seen)).toBe(150);
  });

  test('after the usual rest when there were too many', () => {
    const often = standing([failed(start - 20, 'j-0'), failed(start - 10, 'k-0'), failed(start)]);
    expect(often.restMs(seen)).toBeUndefined();
  });
});
