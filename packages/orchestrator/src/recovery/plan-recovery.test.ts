import { emptyView, type VariableState } from '@mabeam/variables';
import type { ObservedInstance } from '@mabeam/cluster';
import { agentSelection } from '@mabeam/variables';
import { describe, expect, test } from 'vitest';
import { agentOf, selection, valued } from '../../test/team.ts';
import { desiredGraph, type DefinedAgent } from '../instances/desired.ts';
import type { InstanceLease } from '../instances/reconcile.ts';
import { planRecovery, type AgentRecovery, type RecoveryInput } from './plan-recovery.ts';
import type { StoredRecovery } from './recovery-record.ts';
import { standingOf, withStanding } from './standing.ts';

const start = Date.parse('2026-01-01T00:00:00.000Z');

/** An instance as its host saw it; the incarnation is `<agent>-<run>`. */
function seen(
  agent: string,
  status: ObservedInstance['status'],
  run = 0,
  more: Partial<ObservedInstance> = {},
): ObservedInstance {
  const since = new Date(start).toISOString();
  const about = { v: 1, agent, ordinal: 0, node: 'n1', definitionRevision: 1, restarts: run, since } as const;
  return { ...about, status, incarnation: `${agent}-${run}`, ...more };
}

const leaseFor = ({ agent, incarnation, ordinal }: ObservedInstance): InstanceLease => ({
  agent,
  ordinal,
  incarnation,
  node: 'n1',
});

interface Team {
  readonly agents: readonly DefinedAgent[];
  readonly observed: readonly ObservedInstance[];
  readonly variables?: readonly VariableState[];
  readonly records?: ReadonlyMap<string, StoredRecovery>;
  readonly lost?: readonly string[];
  readonly now?: number;
  readonly space?: RecoveryInput['space'];
}

function inputOf({
  agents,
  observed,
  variables = [],
  records = new Map(),
  lost = [],
  now = start,
  space,
}: Team) {
  return {
    agents,
    active: new Set(agents.map(({ spec }) => spec.id)),
    desired: new Set(agents.map(({ spec }) => `${spec.id}.0`)),
    observed,
    leases: observed.filter(({ incarnation }) => !lost.includes(incarnation)).map(leaseFor),
    lost: new Set(lost),
    records,
    space,
    view: { ...emptyView(), variables: new Map(variables.map((each) => [each.id, each])) },
    now,
  };
}

/** The records after a plan was written. */
function after(
  plan: readonly AgentRecovery[],
  before: Team['records'] = new Map(),
): Map<string, StoredRecovery> {
  const written = plan.map(({ agent, record }) => [agent, { revision: 7, record }] as const);
  return new Map([...before, ...written]);
}

const policy = {
  strategy: 'one-for-one',
  maxFailures: 3,
  windowMs: 60_000,
  backoffMs: 100,
  backoffMaxMs: 30_000,
};
const governed = (more: object): RecoveryInput['space'] =>
  ({
    v: 1,
    supervision: { ...policy, recovery: 'restart', escalation: 'notify', ...more },
  }) as RecoveryInput['space'];
const outcomes = (plan: readonly AgentRecovery[]): readonly string[] =>
  plan.flatMap(({ news }) =>
    news.flatMap((each) => (each.kind === 'failed' ? [each.failure.outcome] : [each.kind])),
  );

describe('a failure', () => {
  const agents = [agentOf('words'), agentOf('links')];

  test('is recorded once, however often it is seen', () => {
    const team = { agents, observed: [seen('words', 'failed'), seen('links', 'active')] };
    const plan = planRecovery(inputOf(team));
    expect(outcomes(plan)).toEqual(['restarting']);
    expect(planRecovery(inputOf({ ...team, records: after(plan) }))).toEqual([]);
  });

  test('that its host has mended before anybody looked is one all the same', () => {
    const plan = planRecovery(inputOf({ agents, observed: [seen('words', 'active', 2)] }));
    expect(plan[0]?.record.failures.map(({ incarnation }) => incarnation)).toEqual(['words-0', 'words-1']);
    expect(plan[0]?.record.open).toEqual([]);
    expect(plan[0]?.news.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'recovered', 'recovered']);
  });

  test('is over when another life is up, and the time it took is that from its detection', () => {
    const failed = planRecovery(inputOf({ agents, observed: [seen('words', 'failed')] }));
    const records = after(failed);
    const plan = planRecovery(
      inputOf({ agents, observed: [seen('words', 'active', 1)], records, now: start + 800 }),
    );
    expect(plan[0]?.record.last).toMatchObject({
      recoveryMs: 800,
      incarnation: 'words-0',
      successor: 'words-1',
    });
  });

  test('of an instance that has been started anew under another lease begins at its first run', () => {
    const records = after(planRecovery(inputOf({ agents, observed: [seen('words', 'failed', 2)] })));
    const anew = [seen('words', 'active', 0, { incarnation: 'other-0' })];
    const plan = planRecovery(inputOf({ agents, observed: anew, records }));
    expect(plan[0]?.news.map(({ kind }) => kind)).toEqual(['recovered', 'recovered', 'recovered']);
  });

  test('beyond those allowed in the window escalates; older ones do not count, nor does a lost host', () => {
    const space = governed({ maxFailures: 1, escalation: 'remove-agent' });
    const first = planRecovery(inputOf({ agents, observed: [seen('words', 'failed')], space }));
    expect(outcomes(first)).toEqual(['restarting']);
    const again = { agents, space, observed: [seen('words', 'failed', 1)], records: after(first) };
    const later = (now: number) => [seen('words', 'failed', 1, { since: new Date(now).toISOString() })];
    expect(outcomes(planRecovery(inputOf(again)))).toEqual(['escalated']);
    const late = start + 60_001;
    expect(outcomes(planRecovery(inputOf({ ...again, observed: later(late), now: late })))).toContain(
      'restarting',
    );
    const lost = { ...again, observed: [seen('words', 'active', 1)], lost: ['words-1'] };
    expect(outcomes(planRecovery(inputOf(lost)))).toEqual(['restarting']);
  });

  test('of its own counts alone: what was lost with a host before is not held against it', () => {
    const space = governed({ maxFailures: 1, escalation: 'remove-agent' });
    const up = [seen('words', 'active')];
    const lost = planRecovery(inputOf({ agents, observed: up, lost: ['words-0'], space }));
    const anew = [seen('words', 'failed', 0, { incarnation: 'other-0' })];
    expect(
      outcomes(planRecovery(inputOf({ agents, observed: anew, records: after(lost), space }))),
    ).toContain('restarting');
  });

  test('that is the loss of its host does not escalate, though there were too many before', () => {
    const space = governed({ maxFailures: 1, escalation: 'notify' });
    const twice = planRecovery(inputOf({ agents, observed: [seen('words', 'failed', 1)], space }));
    expect(outcomes(twice)).toEqual(['restarting', 'escalated']);
    const up = [seen('words', 'active', 2)];
    const records = after(planRecovery(inputOf({ agents, observed: up, space, records: after(twice) })));
    const lost = { agents, space, observed: up, lost: ['words-2'], records };
    expect(outcomes(planRecovery(inputOf(lost)))).toEqual(['restarting']);
  });

  test('of a temporary agent takes nobody along and is given no successor', () => {
    const temporary = [agentOf('words', { restart: 'temporary' }), agentOf('links')];
    const observed = [seen('words', 'failed'), seen('links', 'active')];
    const plan = planRecovery(
      inputOf({ agents: temporary, observed, space: governed({ strategy: 'one-for-all' }) }),
    );
    expect(outcomes(plan)).toEqual(['ended']);
    expect(plan[0]?.record.renew).toEqual([]);
  });
});

describe('strategies', () => {
  const agents = ['a', 'b', 'c'].map((id) => agentOf(id));
  const observed = [seen('a', 'active'), seen('b', 'failed'), seen('c', 'active')];
  const renewed = (strategy: string, team: readonly DefinedAgent[] = agents): readonly string[] => {
    const plan = planRecovery(inputOf({ agents: team, observed, space: governed({ strategy }) }));
    return plan[0]?.record.renew.map(({ incarnation }) => incarnation) ?? [];
  };

  test('one-for-one ends no other life, one-for-all each sibling’s, rest-for-one those started after it', () => {
    expect(renewed('one-for-one')).toEqual([]);
    expect(renewed('one-for-all')).toEqual(['a-0', 'c-0']);
    expect(renewed('rest-for-one')).toEqual(['c-0']);
  });

  test('agents of another supervisor are no siblings', () => {
    const team = [agentOf('a', { supervisor: 'c' }), agentOf('b'), agentOf('c')];
    expect(renewed('one-for-all', team)).toEqual(['c-0']);
  });

  test('the lives that ended are not named again: each ends once, and those that followed go on', () => {
    const space = governed({ strategy: 'one-for-all' });
    const records = after(planRecovery(inputOf({ agents, observed, space })));
    const next = [
      seen('a', 'active', 0, { incarnation: 'x-0' }),
      seen('b', 'active', 1),
      seen('c', 'active'),
    ];
    const plan = planRecovery(inputOf({ agents, observed: next, records, space }));
    expect(plan[0]?.record.renew.map(({ incarnation }) => incarnation)).toEqual(['c-0']);
    const { renewed: toEnd } = standingOf({ agents, variables: [], space, records: after(plan) });
    expect([...toEnd]).toEqual(['c-0']);
  });
});

describe('what a variable says of the failure of its agents', () => {
  const agents = ['a', 'b', 'c'].map((id) => agentOf(id));
  const observed = [seen('a', 'failed'), seen('b', 'active')];
  const team = (onFailure: 'graceful-degradation' | 'fail-fast' | 'restart' | 'failover', minActive = 1) =>
    valued(
      agentSelection('team', {
        agents: ['a', 'b', 'c'],
        initial: ['a', 'b'],
        onFailure,
        constraints: { minActive },
      }),
      ['a', 'b'],
    );
  const decide = (variable: VariableState): AgentRecovery | undefined =>
    planRecovery(inputOf({ agents, observed, variables: [variable] }))[0];

  test('failover: a spare takes the place of the failed one, in the same commit', () => {
    const plan = decide(team('failover'));
    expect(plan?.wishes).toEqual([{ id: 'team', value: ['c', 'b'] }]);
    expect(plan?.record.open).toMatchObject([{ incarnation: 'a-0', replacement: 'c' }]);
  });

  test('failover: of two that fail together one is replaced, and the other when that can be seen', () => {
    const four = ['a', 'b', 'c', 'd'].map((id) => agentOf(id));
    const agreed = (value: string[]) =>
      valued(agentSelection('team', { agents: ['a', 'b', 'c', 'd'], onFailure: 'failover' }), value);
    const both = { agents: four, observed: [seen('a', 'failed'), seen('b', 'failed')] };
    const first = planRecovery(inputOf({ ...both, variables: [agreed(['a', 'b'])] }));
    expect(first.map(({ agent, wishes }) => [agent, wishes[0]?.value])).toEqual([['a', ['c', 'b']]]);
    const next = { ...both, variables: [agreed(['c', 'b'])], records: after(first) };
    const second = planRecovery(inputOf(next)).filter(({ wishes }) => wishes.length > 0);
    expect(second.map(({ agent, wishes }) => [agent, wishes[0]?.value])).toEqual([['b', ['c', 'd']]]);
  });

  test('failover: two instances of one agent are replaced by one spare, and once', () => {
    const pair = [agentOf('a', { replicas: 2 }), agentOf('b'), agentOf('c')];
    const down = [
      seen('a', 'failed'),
      seen('a', 'failed', 0, { ordinal: 1, incarnation: 'a1-0' }),
      seen('b', 'active'),
    ];
    const plan = planRecovery(inputOf({ agents: pair, observed: down, variables: [team('failover')] }));
    expect(plan.map(({ wishes }) => wishes.length)).toEqual([1]);
    expect(outcomes(plan)).toEqual(['failed-over', 'restarting']);
  });

  test('failover: it is over when the spare is up', () => {
    const records = after([decide(team('failover'))].filter((each) => each !== undefined));
    const up = [...observed, seen('c', 'active')];
    const plan = planRecovery(inputOf({ agents, observed: up, variables: [team('failover')], records }));
    expect(plan[0]?.record.last).toMatchObject({ incarnation: 'a-0', successor: 'c-0' });
  });

  test('graceful degradation: it is given up while enough are left, else started again', () => {
    expect(decide(team('graceful-degradation'))?.record.givenUp?.why).toBe('degraded');
    expect(outcomes([decide(team('graceful-degradation', 2))].filter((each) => each !== undefined))).toEqual([
      'restarting',
    ]);
  });

  test('graceful degradation: two that fail together do not both go when one is demanded', () => {
    const both = [seen('a', 'failed'), seen('b', 'failed')];
    const plan = planRecovery(inputOf({ agents, observed: both, variables: [team('graceful-degradation')] }));
    expect(outcomes(plan)).toEqual(['degraded', 'restarting']);
  });

  test('fail-fast: it is given up, however few are left; a new choice of it is a new attempt', () => {
    const variable = team('fail-fast', 2);
    const records = after([decide(variable)].filter((each) => each !== undefined));
    const standing = (chosenAt: string) => {
      const entry = { ...variable.entry, at: chosenAt } as VariableState['entry'];
      return standingOf({ agents, variables: [{ ...variable, entry }], space: undefined, records }).givenUp;
    };
    expect(standing('2025-12-31T00:00:00.000Z').get('a')).toBe('failed-fast');
    expect(standing('2026-01-02T00:00:00.000Z').size).toBe(0);
  });
});

describe('the graph', () => {
  const ids = ['a', 'b', 'c', 'd'];
  const agents = ids.map((id) => agentOf(id, { priority: id === 'c' ? 5 : 0 }));
  const down = [seen('a', 'failed'), ...['b', 'c', 'd'].map((id) => seen(id, 'active'))];
  const failed = after(planRecovery(inputOf({ agents, observed: down })));
  const graphAt = (pattern: 'ring' | 'star', records: ReadonlyMap<string, StoredRecovery>) => {
    const definition = {
      ...agentSelection('talk', { agents: ids, initial: [] }),
      kind: 'communication-topology' as const,
    };
    const variables = [
      selection(ids, ids),
      valued(definition, { pattern, ...(pattern === 'star' ? { hub: 'a' } : {}) }),
    ];
    const byKey = new Map(agents.map((agent) => [agent.spec.id, agent]));
    const standing = standingOf({ agents, variables, space: undefined, records });
    return desiredGraph([...withStanding(byKey, standing).values()], variables);
  };
  const patient = planRecovery(inputOf({ agents, observed: down, records: failed, now: start + 4_999 }));
  const absent = after(
    planRecovery(inputOf({ agents, observed: down, records: failed, now: start + 5_000 })),
  );

  test('is left alone while an agent is down for a moment', () => {
    expect(patient).toEqual([]);
    expect(graphAt('ring', failed)?.nodes).toEqual(ids);
  });

  test('bridges a ring over one that is down for long, and takes it in again when it is up', () => {
    expect(graphAt('ring', absent)?.nodes).toEqual(['b', 'c', 'd']);
    const up = [seen('a', 'active', 1), ...down.slice(1)];
    const back = planRecovery(inputOf({ agents, observed: up, records: absent, now: start + 9_000 }));
    expect(back[0]?.news.map(({ kind }) => kind)).toEqual(['recovered', 'rejoined']);
    expect(graphAt('ring', after(back, absent))?.nodes).toEqual(ids);
  });

  test('elects the hub of a star by priority while the hub is down, and gives it back', () => {
    expect(graphAt('star', absent)?.hub).toBe('c');
    expect(graphAt('star', failed)?.hub).toBe('a');
  });
});
