import type { ObservedInstance } from '@mabeam/cluster';
import { expect, test } from 'vitest';
import { agentOf } from '../../test/team.ts';
import type { Waiting } from '../instances/actions.ts';
import { desiredInstances } from '../instances/desired.ts';
import { judgeStarts, type StartScene } from './start-verdict.ts';
import type { SpaceStanding } from './standing.ts';

const waits = (agent: string, reason: Waiting['reason'], on?: string): Waiting => {
  return { kind: 'waiting', agent, ordinal: 0, reason, ...(on === undefined ? {} : { on }) };
};

/** A team of which these run, and these wait; of the others nothing is known. */
function scene(
  ids: readonly string[],
  { running = [], waiting = [], ...more }: Partial<SpaceStanding & StartScene> = {},
): StartScene {
  const wanted = ids.map((id) => agentOf(id));
  const desired = desiredInstances(wanted, []);
  const up = new Set(running);
  const standing = {
    revision: 9,
    desired: desired.map(({ agent }) => `${agent}.0`),
    running,
    laggards: ids
      .filter((id) => !up.has(`${id}.0`))
      .map((agent) => ({ agent, ordinal: 0, reason: 'not-active' as const })),
    actions: [],
    waiting,
    isWired: true,
    open: [],
    problems: new Map(),
  };
  return { wanted, desired, standing, leases: [], observed: [], isFrozen: false, isOver: false, ...more };
}

const failed = (agent: string, reason: string, restarts = 3): ObservedInstance => ({
  v: 1,
  agent,
  ordinal: 0,
  incarnation: `${agent}-1`,
  status: 'failed',
  node: 'n1',
  definitionRevision: 1,
  restarts,
  since: '2026-01-01T00:00:00.000Z',
  reason,
});

test('who is on the way is waited for, and has failed at the deadline', () => {
  const here = { running: ['a.0'], waiting: [waits('b', 'in-flight')] };
  expect(judgeStarts(scene(['a', 'b'], here))).toEqual({ instances: ['a.0'], errors: [], coming: 1 });
  expect(judgeStarts(scene(['a', 'b'], { ...here, isOver: true }))).toMatchObject({
    errors: [{ agent: 'b', code: 'start-timeout', reason: 'in-flight', attempts: 0 }],
    coming: 0,
  });
});

test('whom its host gave up has crashed, and with it whoever waits for it, through however many', () => {
  const waiting = [waits('a', 'back-off'), waits('b', 'dependency', 'a'), waits('c', 'dependency', 'b')];
  const { coming, errors } = judgeStarts(
    scene(['c', 'b', 'a'], { waiting, observed: [failed('a', 'exit code 3')] }),
  );
  expect(coming).toBe(0);
  expect(errors.toSorted((x, y) => (x.agent < y.agent ? -1 : 1))).toEqual([
    { agent: 'a', code: 'crashed', reason: 'exit code 3', attempts: 4 },
    { agent: 'b', code: 'dependency-failed', reason: 'it waits for a', attempts: 0 },
    { agent: 'c', code: 'dependency-failed', reason: 'it waits for b', attempts: 0 },
  ]);
});

test.each(['spawn /nowhere ENOENT', "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/x.ts'"])(
  'what is not there to run is told from what crashed: %s',
  (reason) => {
    const waiting = [waits('a', 'ended')];
    const { errors } = judgeStarts(scene(['a'], { waiting, observed: [failed('a', reason, 0)] }));
    expect(errors).toEqual([{ agent: 'a', code: 'module-not-found', reason, attempts: 1 }]);
  },
);

test('a lack of room is a failure only when nobody is ending or starting who may make room', () => {
  const waiting = [waits('a', 'resource-exhausted')];
  const lease = { agent: 'z', ordinal: 0, node: 'n1', incarnation: 'z-1' };
  expect(judgeStarts(scene(['a'], { waiting, leases: [lease] }))).toMatchObject({ errors: [], coming: 1 });
  expect(judgeStarts(scene(['a'], { waiting }))).toMatchObject({
    errors: [{ code: 'resource-exhausted' }],
    coming: 0,
  });
});

test('an agent that was given up is not waited for, though nothing of it is desired', () => {
  const given = { ...agentOf('a'), standing: 'given-up' as const };
  const { errors } = judgeStarts(scene([], { wanted: [given] }));
  expect(errors).toMatchObject([{ agent: 'a', code: 'crashed' }]);
});
