import type { NodeRecord, ObservedInstance } from '@mabeam/cluster';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { specOf } from '../../test/team.ts';
import type { DesiredInstance } from './desired.ts';
import { defaultRetryAfterMs, reconcile, type InstanceLease, type ReconcileInput } from './reconcile.ts';

const now = Date.parse('2026-01-01T00:01:00.000Z');
const iso = (ms: number): string => new Date(ms).toISOString();

function desire(agent: string, more: Partial<DesiredInstance> = {}): DesiredInstance {
  return { agent, ordinal: 0, spec: specOf(agent), definitionRevision: 1, ...more };
}

function observe(agent: string, more: Partial<ObservedInstance> = {}): ObservedInstance {
  return {
    v: 1,
    agent,
    ordinal: 0,
    incarnation: 'i1',
    status: 'active',
    node: 'n1',
    definitionRevision: 1,
    restarts: 0,
    since: iso(now - 1_000),
    ...more,
  };
}

const lease = (agent: string, more: Partial<InstanceLease> = {}): InstanceLease => ({
  agent,
  ordinal: 0,
  node: 'n1',
  incarnation: 'i1',
  ...more,
});

const node = (id: string, instances = 0): NodeRecord => ({
  v: 1,
  id,
  pid: 1,
  host: 'h',
  startedAt: iso(0),
  capacity: { cpu: 2, memory: 1 },
  instances,
});

function look(input: Partial<ReconcileInput>) {
  return reconcile({
    desired: [],
    observed: [],
    leases: [],
    nodes: [node('n1')],
    inFlight: [],
    now,
    ...input,
  });
}

const short = ({ actions, waiting }: ReturnType<typeof look>): string[] =>
  [...actions, ...waiting].map((each) => `${each.kind} ${each.agent}.${each.ordinal}: ${each.reason}`);

describe('reconciliation', () => {
  test('a desired instance without a lease is started on the emptiest node', () => {
    const { actions } = look({ desired: [desire('words')], nodes: [node('n1', 3), node('n2', 1)] });
    expect(actions).toMatchObject([{ kind: 'start', agent: 'words', node: 'n2', reason: 'desired' }]);
  });
  test('starts of one round are spread over the nodes', () => {
    const desired = ['a', 'b', 'c', 'd'].map((agent) => desire(agent));
    const { actions } = look({ desired, nodes: [node('n1'), node('n2')] });
    expect(actions.map((action) => action.node)).toEqual(['n1', 'n2', 'n1', 'n2']);
  });
  test('a running instance is left alone', () => {
    expect(
      short(look({ desired: [desire('words')], leases: [lease('words')], observed: [observe('words')] })),
    ).toEqual([]);
  });
  test('an instance that says it is active but has no lease is started again', () => {
    expect(short(look({ desired: [desire('words')], observed: [observe('words')] }))).toEqual([
      'start words.0: lost',
    ]);
  });
  test('a lost instance is given time for its host to return, and then goes where it was', () => {
    const lost = {
      desired: [desire('words')],
      observed: [observe('words', { node: 'n2' })],
      nodes: [node('n1'), node('n2', 5)],
    };
    expect(short(look({ ...lost, lostAfter: now + 1 }))).toEqual(['waiting words.0: host-may-return']);
    expect(look({ ...lost, lostAfter: now }).actions).toMatchObject([{ kind: 'start', node: 'n2' }]);
    expect(look({ ...lost, nodes: [node('n1')] }).actions).toMatchObject([{ kind: 'start', node: 'n1' }]);
  });
  test('an instance that is not desired is stopped', () => {
    expect(short(look({ leases: [lease('words')] }))).toEqual(['stop words.0: not-desired']);
  });
  test('a stopping instance is not told again, and not started before it is gone', () => {
    const stopping = { leases: [lease('words')], observed: [observe('words', { status: 'stopping' })] };
    expect(short(look(stopping))).toEqual([]);
    expect(short(look({ ...stopping, desired: [desire('words')] }))).toEqual(['waiting words.0: stopping']);
  });
  test('a host that is no live node is not asked to stop', () => {
    expect(short(look({ leases: [lease('words', { node: 'terminal' })] }))).toEqual([]);
  });
  test('a changed definition is a stop first', () => {
    const desired = [desire('words', { definitionRevision: 2 })];
    const before = look({ desired, leases: [lease('words')], observed: [observe('words')] });
    expect(short(before)).toEqual(['stop words.0: definition-changed']);
    const after = look({ desired, observed: [observe('words', { status: 'inactive' })] });
    expect(short(after)).toEqual(['start words.0: desired']);
  });
  test("an observed state of another incarnation does not speak for the lease's", () => {
    const observed = [observe('words', { incarnation: 'i0', definitionRevision: 0 })];
    expect(short(look({ desired: [desire('words')], leases: [lease('words')], observed }))).toEqual([]);
  });
  test('what is under way is waited for', () => {
    const inFlight = [{ agent: 'words', ordinal: 0 }];
    expect(short(look({ desired: [desire('words')], inFlight }))).toEqual(['waiting words.0: in-flight']);
    expect(short(look({ leases: [lease('words')], inFlight }))).toEqual([]);
  });
  test('without a node it waits', () => {
    expect(short(look({ desired: [desire('words')], nodes: [] }))).toEqual(['waiting words.0: no-node']);
  });
});

describe('an instance that failed or ended', () => {
  const failed = (sinceMs: number) => [observe('words', { status: 'failed', since: iso(sinceMs) })];
  test('a failed one rests before it is tried again', () => {
    const desired = [desire('words')];
    expect(short(look({ desired, observed: failed(now - defaultRetryAfterMs + 1) }))).toEqual([
      'waiting words.0: back-off',
    ]);
    expect(short(look({ desired, observed: failed(now - defaultRetryAfterMs) }))).toEqual([
      'start words.0: retry',
    ]);
  });
  test('under a new definition it is tried at once', () => {
    const desired = [desire('words', { definitionRevision: 2 })];
    expect(short(look({ desired, observed: failed(now - 1) }))).toEqual(['start words.0: retry']);
  });
  test('a temporary one that ended stays ended until it is selected anew', () => {
    const spec = specOf('words', { restart: 'temporary' });
    const observed = [observe('words', { status: 'inactive', since: iso(now - 1_000) })];
    const ended = desire('words', { spec, selectedAt: iso(now - 2_000) });
    expect(short(look({ desired: [ended], observed }))).toEqual(['waiting words.0: ended']);
    const chosen = desire('words', { spec, selectedAt: iso(now - 500) });
    expect(short(look({ desired: [chosen], observed }))).toEqual(['start words.0: desired']);
  });
  test('a transient one that failed is tried again, a temporary one is not', () => {
    const observed = failed(0);
    const transient = desire('words', { spec: specOf('words', { restart: 'transient' }) });
    const temporary = desire('words', { spec: specOf('words', { restart: 'temporary' }) });
    expect(short(look({ desired: [transient], observed }))).toEqual(['start words.0: retry']);
    expect(short(look({ desired: [temporary], observed }))).toEqual(['waiting words.0: ended']);
  });
});

/** A world in which directives are performed at once, as nodes do it. */
interface World {
  leases: InstanceLease[];
  observed: ObservedInstance[];
}

const agents = ['a', 'b', 'c'];
const ordinals = [0, 1];
const names = agents.flatMap((agent) => ordinals.map((ordinal) => ({ agent, ordinal })));
const someOf = fc.subarray(names);
const status = fc.constantFrom('starting', 'active', 'stopping', 'inactive', 'failed');
const revision = fc.integer({ min: 1, max: 2 });

const worlds = fc.record({
  desired: someOf.map((some) => some.map((name) => desire(name.agent, { ...name, definitionRevision: 2 }))),
  observed: fc
    .tuple(someOf, fc.array(fc.tuple(status, revision), { minLength: 6, maxLength: 6 }))
    .map(([some, states]) =>
      some.map((name, index) => {
        const [state, definitionRevision] = states[index] ?? ['active', 1];
        return observe(name.agent, { ...name, status: state, definitionRevision, since: iso(now - 60_000) });
      }),
    ),
  leases: someOf.map((some) => some.map((name) => lease(name.agent, name))),
  nodes: fc
    .integer({ min: 1, max: 3 })
    .map((count) => Array.from({ length: count }, (_, index) => node(`n${index + 1}`))),
});

const same = (a: { agent: string; ordinal: number }, b: { agent: string; ordinal: number }): boolean =>
  a.agent === b.agent && a.ordinal === b.ordinal;

/** Performs one round's actions; a stopping instance that nobody told anything ends meanwhile. */
function perform(world: World, input: ReconcileInput, round: number): World {
  const { actions } = reconcile(input);
  const ending = world.observed.filter((each) => each.status === 'stopping');
  const stopped = [...ending, ...actions.filter(({ kind }) => kind === 'stop')];
  const leases = world.leases.filter((each) => !stopped.some((stop) => same(stop, each)));
  const observed = world.observed.map((each) =>
    stopped.some((stop) => same(stop, each)) ? { ...each, status: 'inactive' as const } : each,
  );
  for (const action of actions) {
    if (action.kind !== 'start') continue;
    expect(leases.some((held) => same(held, action))).toBe(false);
    expect(input.desired.some((wanted) => same(wanted, action))).toBe(true);
    const incarnation = `r${round}`;
    leases.push({ agent: action.agent, ordinal: action.ordinal, node: action.node, incarnation });
    const { definitionRevision } = action.instance;
    const state = observe(action.agent, {
      ...action.instance,
      incarnation,
      node: action.node,
      definitionRevision,
    });
    observed.splice(0, observed.length, ...observed.filter((each) => !same(each, action)), state);
  }
  return { leases, observed };
}

describe('from any state', () => {
  test.prop([worlds])('the same input gives the same actions', (world) => {
    const input = { ...world, inFlight: [], now };
    expect(reconcile(input)).toEqual(reconcile(structuredClone(input)));
  });
  test.prop([worlds])('the order of the input does not matter', (world) => {
    const input = { ...world, inFlight: [], now };
    const turned = {
      ...input,
      desired: input.desired.toReversed(),
      leases: input.leases.toReversed(),
      nodes: input.nodes.toReversed(),
      observed: input.observed.toReversed(),
    };
    expect(reconcile(turned).actions).toEqual(reconcile(input).actions);
  });
  test.prop([worlds])('four rounds lead to exactly the desired instances, and then to nothing', (start) => {
    let world: World = { leases: start.leases, observed: start.observed };
    const { desired, nodes } = start;
    for (let round = 1; round <= 4; round++) {
      const input = { desired, nodes, ...world, inFlight: [], now: now + round };
      const keys = reconcile(input).actions.map((action) => `${action.agent}.${action.ordinal}`);
      expect(new Set(keys).size).toBe(keys.length);
      world = perform(world, input, round);
    }
    const rest = reconcile({ desired, nodes, ...world, inFlight: [], now: now + 5 });
    expect(rest.actions).toEqual([]);
    const running = world.leases.map((each) => `${each.agent}.${each.ordinal}`).toSorted();
    expect(running).toEqual(desired.map((each) => `${each.agent}.${each.ordinal}`).toSorted());
  });
});
