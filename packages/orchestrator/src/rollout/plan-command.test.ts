import { customVariable, emptyView, foldChanges, type SpaceView } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { emptyParts, type SpaceState } from '../state/space-state.ts';
import type { AdaptRequest } from './adaptation-request.ts';
import { planDecision, type DecidedVerdict } from './decide-rollout.ts';
import type { Evidence } from './evidence.ts';
import { planChangeSet, planPromotion, planUndo, type PlannedRecord } from './plan-command.ts';
import { isEvaluating } from './plan-rollout.ts';

const now = new Date('2026-01-31T12:00:00.000Z');
const guard = {
  metric: 'quality',
  direction: 'below',
  windowMs: 1_000,
  windows: 3,
  tolerance: 0.05,
  alpha: 0.01,
};
const evidence: Evidence = {
  metric: 'quality',
  mode: 'canary',
  incumbent: { samples: 9, mean: 1, median: 1 },
  candidate: { samples: 9, mean: 1, median: 1 },
  eValues: [1],
  threshold: 100,
  windows: 1,
  windowsPlanned: 3,
  decidedAt: now.toISOString(),
  reason: 'so far',
};
const chosen = { by: 'ada' };

function stateOf(max = 10): SpaceState {
  const put = (key: string, revision: number, body: unknown) => ({
    revision,
    entries: [
      { key, revision, operation: 'put' as const, data: new TextEncoder().encode(JSON.stringify(body)) },
    ],
  });
  const pace = customVariable('pace', { initial: 1, min: 0, max });
  return { ...emptyParts(), view: foldChanges(emptyView(), [put('definition.pace', 1, pace)]) };
}

function wishOf(value: number, share?: number): AdaptRequest {
  return {
    changes: [{ variable: 'pace', value }],
    guard: { ...guard, direction: 'below', share },
    id: 'one',
    by: 'ada',
  };
}

/** The state after what was planned is committed. */
function committed(state: SpaceState, plan: PlannedRecord): SpaceState {
  const revision = state.view.revision + 10;
  const entries = plan.writes.map(({ body, key }) => ({
    key,
    revision,
    operation: 'put' as const,
    data: new TextEncoder().encode(JSON.stringify(body)),
  }));
  const view = foldChanges(state.view, [{ revision, entries }]);
  const stored = { hash: plan.hash, revision, record: plan.record };
  return { ...state, view, adaptations: new Map([[`adaptation.${plan.hash}`, stored]]) };
}

const paceIn = (view: SpaceView) => view.variables.get('pace');

test('a canary by hand leaves the value, and a second change of the variable is refused meanwhile', () => {
  const plan = planChangeSet(stateOf(), wishOf(4, 0.1), now);
  expect(plan).toMatchObject({
    kind: 'written',
    expect: 0,
    record: { outcome: 'evaluating', trigger: 'operator' },
  });
  const state = committed(stateOf(), plan);
  expect(paceIn(state.view)).toMatchObject({
    value: 1,
    candidate: { value: 4, share: 0.1, salt: plan.hash },
  });
  expect(() => planChangeSet(state, { ...wishOf(5), id: 'two' }, now)).toThrow(
    expect.objectContaining({ code: 'change-in-flight' }),
  );
  expect(planChangeSet(state, wishOf(5), now)).toMatchObject({
    kind: 'duplicate',
    hash: plan.hash,
    writes: [],
  });
});

test('what is so already is nothing to do', () => {
  expect(planChangeSet(stateOf(), wishOf(1), now)).toMatchObject({ kind: 'noop', writes: [] });
});

test('an undone canary leaves the value and no candidate, and is not undone twice', () => {
  const plan = planChangeSet(stateOf(), wishOf(4, 0.1), now);
  const state = committed(stateOf(), plan);
  const undo = planUndo(state, { ...chosen, adaptation: plan.hash }, { evidence, now });
  const after = committed(state, undo);
  expect(paceIn(after.view)).toMatchObject({ value: 1 });
  expect(paceIn(after.view)).not.toHaveProperty('candidate');
  expect(undo.record).toMatchObject({
    outcome: 'rolled-back',
    reason: 'undone by ada',
    undoneAt: now.toISOString(),
    announcedAt: undefined,
  });
  expect(() => planUndo(after, { ...chosen, adaptation: plan.hash }, { evidence: undefined, now })).toThrow(
    expect.objectContaining({ code: 'not-undoable' }),
  );
});

test('a promoted canary is undone to exactly what was before', () => {
  const plan = planChangeSet(stateOf(), wishOf(4, 0.1), now);
  const state = committed(stateOf(), plan);
  const promoted = committed(
    state,
    planPromotion(state, { ...chosen, adaptation: plan.hash }, { evidence, now }),
  );
  expect(paceIn(promoted.view)).toMatchObject({ value: 4 });
  expect(() => planPromotion(promoted, { ...chosen, adaptation: plan.hash }, { evidence, now })).toThrow(
    expect.objectContaining({ code: 'not-undoable' }),
  );
  const undone = planUndo(promoted, { ...chosen, adaptation: plan.hash }, { evidence: undefined, now });
  expect(paceIn(committed(promoted, undone).view)).toMatchObject({ value: 1 });
});

test('what somebody else has written since is neither undone nor promoted', () => {
  const plan = planChangeSet(stateOf(), wishOf(4), now);
  const state = committed(stateOf(), plan);
  const theirs = {
    v: 1,
    value: 4,
    definitionRevision: 1,
    by: 'eve',
    at: now.toISOString(),
    cause: 'mine now',
  };
  const entries = [
    { key: 'space.pace', revision: 90, operation: 'put' as const, data: Buffer.from(JSON.stringify(theirs)) },
  ];
  const since = { ...state, view: foldChanges(state.view, [{ revision: 90, entries }]) };
  for (const decide of [planUndo, planPromotion])
    expect(() => decide(since, { ...chosen, adaptation: plan.hash }, { evidence, now })).toThrow(
      expect.objectContaining({ code: 'written-since', message: expect.stringContaining('eve') }),
    );
});

test('a promotion that the definition has come to forbid ends as a failure, with the former value', () => {
  const plan = planChangeSet(stateOf(), wishOf(4, 0.1), now);
  const { record } = plan;
  const narrow = committed(stateOf(3), plan);
  const verdict: DecidedVerdict = {
    kind: 'promote',
    outcome: 'success',
    evidence,
    writes: [{ variable: 'pace', value: 4, expect: narrow.view.revision }],
  };
  if (!isEvaluating(record)) throw new TypeError('it is to be judged');
  const decision = planDecision(narrow.view, record, verdict, { now });
  expect(decision.record).toMatchObject({
    outcome: 'failure',
    reason: expect.stringContaining('out-of-domain'),
  });
  const writes = decision.writes.map(({ body }) => body);
  expect(writes).toMatchObject([{ value: 1 }]);
  expect(writes[0]).not.toHaveProperty('candidate');
});

test('a roll-back that the definition has come to forbid ends as a failure and writes nothing', () => {
  const whole = { ...wishOf(4), changes: [{ variable: 'pace', value: 4 }] };
  const plan = planChangeSet(stateOf(), whole, now);
  const { record } = plan;
  if (!isEvaluating(record)) throw new TypeError('it is to be judged');
  const state = committed(stateOf(), plan);
  const pace = customVariable('pace', { initial: 4, min: 2, max: 10 });
  const data = new TextEncoder().encode(JSON.stringify(pace));
  const entries = [{ key: 'definition.pace', revision: 80, operation: 'put' as const, data }];
  const view = foldChanges(state.view, [{ revision: 80, entries }]);
  const verdict: DecidedVerdict = {
    kind: 'roll-back',
    outcome: 'rolled-back',
    evidence,
    writes: [{ variable: 'pace', value: 1, expect: 11 }],
  };
  const decision = planDecision(view, record, verdict, { now });
  expect(decision.writes).toEqual([]);
  expect(decision.record).toMatchObject({
    outcome: 'failure',
    reason: expect.stringContaining('out-of-domain'),
  });
});
