import { describe, expect, it } from 'vitest';
import { bondProblem, brokenBonds } from './bond.ts';
import { planChanges, viewAfter, withoutEqual, type WishedValue } from './change-set.ts';
import { agentSelection, customVariable } from './constructors.ts';
import { foldChanges, type KeyChange } from './fold.ts';
import { defineConstraint, predicatesOf, type Predicates } from './predicate.ts';
import { emptyView, type SpaceView } from './view.ts';

const authorship = { by: 'operator', cause: 'test', at: new Date('2026-01-31T12:00:00Z') };
const even = defineConstraint('is-even', (value) => Number(value) % 2 === 0 || `${Number(value)} is odd`);
const within = defineConstraint('within-ten', (value, other) => Number(value) + Number(other) <= 10);
const broken = defineConstraint('breaks', () => {
  throw new Error('cannot count');
});
const all = predicatesOf([even, within, broken]);

const left = customVariable('left', { initial: 4, constraints: { predicates: ['is-even'] } });
const right = customVariable('right', { initial: 1, constraints: { compatible: { left: 'within-ten' } } });
const strange = customVariable('strange', { initial: 1, constraints: { predicates: ['breaks'] } });
const team = agentSelection('team', {
  agents: ['a', 'b', 'c'],
  initial: ['a', 'b'],
  constraints: { roleCoverage: ['coordinator', 'executor'] },
});

function put(key: string, revision: number, body: unknown): KeyChange {
  return { key, revision, operation: 'put', data: new TextEncoder().encode(JSON.stringify(body)) };
}

function viewWith(predicates: Predicates): SpaceView {
  const entries = [
    put('definition.left', 1, left),
    put('definition.right', 2, right),
    put('definition.strange', 3, strange),
    put('definition.team', 4, team),
    put('definition.agent.a', 5, { id: 'a', role: 'coordinator' }),
    put('definition.agent.b', 6, { id: 'b' }),
    put('definition.agent.c', 7, { id: 'c', role: 'coordinator' }),
  ];
  return foldChanges(emptyView(predicates), [{ revision: 7, entries }]);
}

const view = viewWith(all);

function refusal(seen: SpaceView, ...wishes: WishedValue[]): unknown {
  try {
    return planChanges(seen, wishes, authorship);
  } catch (error) {
    return error;
  }
}

describe('a predicate', () => {
  it('refuses with its own words', () => {
    expect(refusal(view, { id: 'left', value: 3 })).toMatchObject({
      code: 'constraint-violation',
      message: 'left: is-even: 3 is odd',
    });
    expect(refusal(view, { id: 'left', value: 6 })).toMatchObject({ writes: [{ key: 'space.left' }] });
  });

  it('that fails refuses, and is named', () => {
    expect(refusal(view, { id: 'strange', value: 2 })).toMatchObject({
      code: 'constraint-violation',
      message: expect.stringContaining('breaks: the predicate failed (cannot count)'),
    });
  });

  it('that a process does not have leaves values unjudged there, and new ones unwritten', () => {
    const ignorant = viewWith(new Map());
    expect(ignorant.variables.get('strange')?.value).toBe(1);
    expect(refusal(ignorant, { id: 'left', value: 6 })).toMatchObject({ code: 'handler-not-registered' });
    expect(refusal(ignorant, { id: 'left', value: 4 })).toMatchObject({ changes: [{ isDifferent: false }] });
  });

  it('judges what stands in the bucket where it is known', () => {
    const entry = { v: 1, value: 7, definitionRevision: 1, by: 'x', at: '2026-01-31T12:00:00Z', cause: '' };
    const raw = [{ revision: 8, entries: [put('space.left', 8, entry)] }];
    expect(foldChanges(view, raw).variables.get('left')?.value).toBe(4);
    expect(foldChanges(viewWith(new Map()), raw).variables.get('left')?.value).toBe(7);
  });

  it('has one name and no other has it', () => {
    expect(() => predicatesOf([even, even])).toThrowError(
      expect.objectContaining({ code: 'invalid-constraint' }),
    );
    expect(() => defineConstraint('Is Even', () => true)).toThrowError(
      expect.objectContaining({ code: 'invalid-id' }),
    );
  });
});

describe('a bond between two variables', () => {
  it('is judged when either side is written', () => {
    const misfit = { code: 'constraint-violation', details: { subject: 'right' } };
    expect(refusal(view, { id: 'right', value: 7 })).toMatchObject(misfit);
    expect(refusal(view, { id: 'left', value: 10 })).toMatchObject(misfit);
  });

  it('is judged on what a change set makes of both', () => {
    const both = [
      { id: 'left', value: 10 },
      { id: 'right', value: 0 },
    ];
    expect(refusal(view, ...both)).toMatchObject({ isBound: true, basedOn: 7 });
  });

  it('makes the first write expect the whole space, also when equal ones are left out', () => {
    const plan = planChanges(
      view,
      [
        { id: 'left', value: 4 },
        { id: 'right', value: 2 },
      ],
      authorship,
    );
    expect(plan.writes).toMatchObject([
      { key: 'space.left', expect: 7, expectKey: '>' },
      { key: 'space.right', expect: 0 },
    ]);
    expect(withoutEqual(plan).writes).toMatchObject([{ key: 'space.right', expect: 7, expectKey: '>' }]);
  });

  it('leaves variables that are bound to nothing with their own expectation', () => {
    const plan = planChanges(view, [{ id: 'strange', value: 1 }], authorship);
    expect(plan).toMatchObject({ isBound: false, writes: [{ expect: 0 }] });
    expect(plan.writes[0]).not.toHaveProperty('expectKey');
  });

  it('that somebody broke past the rules is told of, and is not in the way of mending it', () => {
    const entry = { v: 1, value: 9, definitionRevision: 2, by: 'x', at: '2026-01-31T12:00:00Z', cause: '' };
    const raw = foldChanges(view, [{ revision: 8, entries: [put('space.right', 8, entry)] }]);
    expect(brokenBonds(view)).toEqual([]);
    expect(brokenBonds(raw)).toMatchObject([{ id: 'right', field: 'constraints.compatible.left' }]);
    expect(refusal(raw, { id: 'right', value: 2 })).toMatchObject({ changes: [{ to: 2 }] });
    expect(refusal(raw, { id: 'strange', value: 1 })).toMatchObject({ changes: [{ to: 1 }] });
  });

  it('to a variable that is not there is kept', () => {
    const lonely = foldChanges(emptyView(all), [
      { revision: 1, entries: [put('definition.right', 1, right)] },
    ]);
    expect(bondProblem(lonely, new Map([['right', { definition: right, value: 99 }]]))).toBeUndefined();
  });
});

describe('a coverage of roles', () => {
  it('is kept by the roles that the definitions of the selected agents give them', () => {
    expect(refusal(view, { id: 'team', value: ['c', 'b'] })).toMatchObject({ isBound: true });
    expect(refusal(view, { id: 'team', value: ['a', 'c'] })).toMatchObject({
      code: 'constraint-violation',
      details: { field: 'constraints.roleCoverage' },
      message: expect.stringContaining('executor'),
    });
  });

  it('is not kept by an agent without a definition', () => {
    const removal: KeyChange = {
      key: 'definition.agent.b',
      revision: 8,
      operation: 'delete',
      data: new Uint8Array(),
    };
    const shrunk = foldChanges(view, [{ revision: 8, entries: [removal] }]);
    expect(refusal(shrunk, { id: 'team', value: ['c', 'b'] })).toMatchObject({
      code: 'constraint-violation',
    });
    expect(brokenBonds(shrunk)).toMatchObject([{ id: 'team' }]);
  });
});

it('the view after a plan is as if it were written', () => {
  const plan = planChanges(view, [{ id: 'left', value: 6 }], authorship);
  const after = viewAfter(view, plan);
  expect(after.variables.get('left')).toMatchObject({ value: 6, entry: { by: 'operator' } });
  expect(view.variables.get('left')?.value).toBe(4);
});
