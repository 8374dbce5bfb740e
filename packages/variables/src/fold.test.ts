import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { customVariable, performanceThreshold } from './constructors.ts';
import { changeBetween, idsBetween } from './difference.ts';
import { foldChanges, type KeyChange } from './fold.ts';
import { graphOf } from './coordination-graph.ts';
import { emptyView, valuesFor, type SpaceView } from './view.ts';

const threshold = performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1 });

function put(key: string, revision: number, body: unknown): KeyChange {
  return { key, revision, operation: 'put', data: new TextEncoder().encode(JSON.stringify(body)) };
}

function removal(key: string, revision: number): KeyChange {
  return { key, revision, operation: 'delete', data: new Uint8Array() };
}

function value(key: string, revision: number, held: unknown): KeyChange {
  const at = '2026-01-31T12:00:00.000Z';
  return put(key, revision, { v: 1, value: held, definitionRevision: 1, by: 'test', at, cause: '' });
}

function fold(view: SpaceView, ...changes: KeyChange[]): SpaceView {
  return changes.reduce(
    (seen, change) => foldChanges(seen, [{ revision: change.revision, entries: [change] }]),
    view,
  );
}

const declared = fold(emptyView(), put('definition.threshold', 1, threshold));
const words = put('definition.agent.words', 2, {
  id: 'words',
  variables: { smoothing: { initial: 1, min: 0 } },
});

describe('a value', () => {
  it('is the initial one until somebody writes', () => {
    expect(declared.variables.get('threshold')).toMatchObject({
      value: 0.5,
      revision: 0,
      keyRevision: 0,
      definitionRevision: 1,
    });
  });

  it('that is not allowed is listed, and the last valid one stays', () => {
    const view = fold(declared, value('space.threshold', 2, 0.7), value('space.threshold', 3, 7));
    expect(view.variables.get('threshold')).toMatchObject({ value: 0.7, revision: 2, keyRevision: 3 });
    expect(view.rejected.get('space.threshold')).toMatchObject({
      id: 'threshold',
      revision: 3,
      code: 'out-of-domain',
    });
  });

  it('that is no entry is listed, and a valid one clears the list', () => {
    const broken = fold(declared, put('space.threshold', 2, 'garbage'));
    expect(broken.rejected.get('space.threshold')).toMatchObject({ code: 'invalid-entry', revision: 2 });
    const mended = fold(broken, value('space.threshold', 3, 0.6));
    expect(mended.rejected.size).toBe(0);
    expect(mended.variables.get('threshold')).toMatchObject({ value: 0.6, revision: 3 });
  });

  it('that is deleted gives way to the initial one', () => {
    const view = fold(declared, value('space.threshold', 2, 0.7), removal('space.threshold', 3));
    expect(view.variables.get('threshold')).toMatchObject({ value: 0.5, revision: 0, keyRevision: 3 });
    expect(view.rejected.size).toBe(0);
  });

  it('without a definition is listed until one declares it', () => {
    const early = fold(emptyView(), value('space.threshold', 1, 0.7));
    expect(early.rejected.get('space.threshold')).toMatchObject({ code: 'unknown-variable' });
    expect(early.variables.size).toBe(0);
    const late = fold(early, put('definition.threshold', 2, threshold));
    expect(late.rejected.size).toBe(0);
    expect(late.variables.get('threshold')).toMatchObject({ value: 0.7, revision: 1 });
  });

  it('older than the one that is known is passed over', () => {
    const view = fold(declared, value('space.threshold', 5, 0.7), value('space.threshold', 3, 0.2));
    expect(view.variables.get('threshold')).toMatchObject({ value: 0.7, revision: 5 });
  });
});

describe('a definition', () => {
  it('that no longer allows the value puts the initial one in its place, and back when it does again', () => {
    const high = fold(declared, value('space.threshold', 2, 0.9));
    const narrow = fold(high, put('definition.threshold', 3, { ...threshold, domain: { min: 0, max: 0.6 } }));
    expect(narrow.variables.get('threshold')).toMatchObject({
      value: 0.5,
      revision: 0,
      definitionRevision: 3,
    });
    expect(narrow.rejected.has('space.threshold')).toBe(true);
    const wide = fold(narrow, put('definition.threshold', 4, threshold));
    expect(wide.variables.get('threshold')).toMatchObject({ value: 0.9, revision: 2 });
  });

  it('that cannot be read leaves the former in force', () => {
    for (const body of ['garbage', { ...threshold, id: 'other' }, { ...threshold, kind: 'mood' }]) {
      const view = fold(declared, put('definition.threshold', 2, body));
      expect(view.variables.get('threshold')?.definition).toEqual(threshold);
      expect(view.rejected.get('definition.threshold')).toMatchObject({
        code: 'invalid-definition',
        revision: 2,
      });
    }
  });

  it('that is deleted takes its variable with it', () => {
    const view = fold(declared, value('space.threshold', 2, 0.7), removal('definition.threshold', 3));
    expect(view.variables.size).toBe(0);
  });

  it('of an agent declares its local variables, faulty siblings apart', () => {
    const variables = {
      good: { initial: 2, max: 3 },
      bad: { initial: 9, max: 3 },
      'not an id': { initial: 1 },
    };
    const view = fold(emptyView(), put('definition.agent.words', 1, { variables }));
    expect([...view.variables.keys()]).toEqual(['words.good']);
    expect(view.rejected.get('definition.agent.words')).toMatchObject({ field: 'variables.bad.initial' });
  });

  it('of an agent without variables declares none and is no fault', () => {
    const view = fold(emptyView(), put('definition.agent.words', 1, { id: 'words', role: 'executor' }));
    expect([view.variables.size, view.rejected.size]).toEqual([0, 0]);
  });
});

it('an agent sees every global value and its own local ones by their bare names', () => {
  const view = fold(declared, words, value('agent.words.smoothing', 3, 4));
  expect(valuesFor(view, 'words')).toEqual({ threshold: 0.5, smoothing: 4 });
  expect(valuesFor(view, 'links')).toEqual({ threshold: 0.5 });
});

it('a local value hides a global one of the same name, for its own agent only', () => {
  const view = fold(
    declared,
    put('definition.agent.words', 2, { variables: { threshold: { initial: 'mine' } } }),
  );
  expect(valuesFor(view, 'words')).toEqual({ threshold: 'mine' });
  expect(valuesFor(view, 'links')).toEqual({ threshold: 0.5 });
});

it('a graph that cannot be read leaves the former in force; a deleted one opens all ways', () => {
  const ring = graphOf({ pattern: 'ring' }, ['a', 'b']);
  const view = fold(emptyView(), put('graph', 1, ring), put('graph', 2, { v: 1 }));
  expect(view.graph).toEqual({ graph: ring, revision: 1 });
  expect(view.rejected.get('graph')).toMatchObject({ code: 'invalid-graph', revision: 2 });
  expect(fold(view, removal('graph', 3)).graph).toBeUndefined();
});

it('the difference of two views names what changed, what was rejected and whether the graph is new', () => {
  const before = fold(declared, words);
  const after = fold(
    before,
    value('space.threshold', 3, 0.7),
    value('agent.words.smoothing', 4, -1),
    put('graph', 5, graphOf({ pattern: 'mesh' }, [])),
  );
  const change = changeBetween(before, after);
  expect(change?.changes).toEqual([
    { id: 'threshold', from: before.variables.get('threshold'), to: after.variables.get('threshold') },
  ]);
  expect(change?.rejections.map(({ id }) => id)).toEqual(['words.smoothing']);
  expect(change?.hasNewGraph).toBe(true);
  expect(changeBetween(after, fold(after, put('leader', 6, {})))).toBeUndefined();
});

const definitions = [
  threshold,
  customVariable('mode', { initial: 'a', enum: ['a', 'b', 'c'] }),
  customVariable('size', { initial: 1, min: 0, step: 1 }),
];
const held = fc.oneof(fc.constantFrom(0.1, 0.9, 'b', 'c', 3, 4), fc.jsonValue({ maxDepth: 2 }));
const latest = fc.record(
  { threshold: held, mode: held, size: held, stranger: held, smoothing: held },
  { requiredKeys: [] },
);

/** One change for each key, with revisions of their own. */
function snapshot(values: Readonly<Record<string, unknown>>): KeyChange[] {
  const declarations = definitions.map((definition, i) =>
    put(`definition.${definition.id}`, i + 10, definition),
  );
  const entries = Object.entries(values).map(([name, each], i) =>
    value(name === 'smoothing' ? 'agent.words.smoothing' : `space.${name}`, i + 20, each),
  );
  return [...declarations, words, ...entries];
}

test.prop([latest, fc.infiniteStream(fc.nat())])(
  'the order and grouping of different keys does not matter',
  (values, numbers) => {
    const changes = snapshot(values);
    const shuffled = changes
      .map((change) => ({ change, rank: numbers.next().value }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ change }) => change);
    const atOnce = foldChanges(emptyView(), [{ revision: 99, entries: changes }]);
    const oneByOne = foldChanges(fold(emptyView(), ...shuffled), [{ revision: 99, entries: [] }]);
    expect(oneByOne.variables).toEqual(atOnce.variables);
    expect(oneByOne.rejected).toEqual(atOnce.rejected);
    expect(oneByOne.revision).toBe(99);
  },
);

test.prop([
  fc.array(fc.tuple(fc.constantFrom('threshold', 'mode', 'size', 'stranger'), held), { maxLength: 40 }),
])('a view that was kept shows what it showed, whatever was folded after it', (writes) => {
  let view = fold(emptyView(), ...snapshot({}));
  const kept = [{ view, copy: new Map(view.variables), rejected: new Map(view.rejected) }];
  for (const [i, [name, each]] of writes.entries()) {
    view = fold(view, value(`space.${name}`, i + 100, each));
    kept.push({ view, copy: new Map(view.variables), rejected: new Map(view.rejected) });
  }
  for (const { view: then, copy, rejected } of kept) {
    expect(new Map(then.variables)).toEqual(copy);
    expect(new Map(then.rejected)).toEqual(rejected);
  }
});

test.prop([
  fc.array(fc.tuple(fc.constantFrom('threshold', 'mode', 'size', 'stranger'), held), { maxLength: 20 }),
  fc.nat(),
])('what is told of a change by its keys is what a comparison of everything finds', (writes, from) => {
  const views = [fold(emptyView(), ...snapshot({}))];
  for (const [i, [name, each]] of writes.entries())
    views.push(fold(views.at(-1)!, value(`space.${name}`, i + 100, each)));
  const [before, after] = [views[from % views.length]!, views.at(-1)!];
  const copied = (view: SpaceView): SpaceView => ({
    ...view,
    variables: new Map(view.variables),
    rejected: new Map(view.rejected),
  });
  const told = changeBetween(before, after);
  const compared = before === after ? undefined : changeBetween(copied(before), copied(after));
  expect(told === undefined ? undefined : { ...told, view: 0 }).toEqual(
    compared === undefined ? undefined : { ...compared, view: 0 },
  );
});

it('a revision of one of 2,000 variables leaves the states of the others as they are, and is known by its id', () => {
  const many = Array.from({ length: 2_000 }, (_, n) =>
    put(`definition.v${n}`, n + 1, performanceThreshold(`v${n}`, { initial: 0.5 })),
  );
  const before = foldChanges(emptyView(), [{ revision: 2_000, entries: many }]);
  const after = fold(before, value('space.v7', 2_001, 0.9));
  expect([...idsBetween(before.variables, after.variables)]).toEqual(['v7']);
  expect(after.cells.declarations).toBe(before.cells.declarations);
  expect(after.rejected).toBe(before.rejected);
  expect(after.variables.get('v8')).toBe(before.variables.get('v8'));
  expect([before.variables.get('v7')?.value, after.variables.get('v7')?.value]).toEqual([0.5, 0.9]);
});

test.prop([fc.array(fc.oneof(held, fc.constant('delete' as const)), { maxLength: 12 })])(
  'a value that is not allowed is never applied, whatever is written',
  (writes) => {
    let view = declared;
    let expected = 0.5;
    for (const [i, written] of writes.entries()) {
      const revision = i + 2;
      const isRemoval = written === 'delete';
      view = fold(
        view,
        isRemoval ? removal('space.threshold', revision) : value('space.threshold', revision, written),
      );
      if (isRemoval) expected = 0.5;
      else if (typeof written === 'number' && written >= 0 && written <= 1) expected = written + 0; // JSON has no -0
      expect(view.variables.get('threshold')?.value).toBe(expected);
    }
  },
);

test.prop([
  fc.array(
    fc.tuple(
      fc.constantFrom('space.threshold', 'definition.threshold', 'definition.agent.words', 'graph'),
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => new TextEncoder().encode(text)),
      ),
    ),
  ),
])('no bytes make the fold throw', (writes) => {
  const changes = writes.map(([key, data], i): KeyChange => ({
    key,
    revision: i + 1,
    operation: 'put',
    data,
  }));
  expect(fold(declared, ...changes).revision).toBe(Math.max(1, changes.length));
});

describe('a variable that was removed', () => {
  const changes = [
    put('definition.threshold', 1, threshold),
    value('space.threshold', 2, 0.9),
    removal('space.threshold', 3),
    removal('definition.threshold', 4),
  ];

  it('is gone, and leaves no rejection behind', () => {
    const view = fold(emptyView(), ...changes);
    expect(view.variables.size).toBe(0);
    expect(view.rejected.size).toBe(0);
  });

  it('and is declared again begins with its initial value, though an old one was left in the bucket', () => {
    const left = changes.filter(({ revision }) => revision !== 3);
    const view = fold(emptyView(), ...left, put('definition.threshold', 5, threshold));
    expect(view.variables.get('threshold')).toMatchObject({ value: 0.5, revision: 0, keyRevision: 2 });
    expect(view.rejected.size).toBe(0);
    expect(fold(view, value('space.threshold', 6, 0.8)).variables.get('threshold')?.value).toBe(0.8);
  });

  it('with its agent begins anew when the agent comes back', () => {
    const view = fold(
      emptyView(),
      words,
      value('agent.words.smoothing', 3, 5),
      removal('definition.agent.words', 4),
      { ...words, revision: 5 },
    );
    expect(view.variables.get('words.smoothing')).toMatchObject({ value: 1, revision: 0 });
  });
});

describe('a freeze', () => {
  it('is whatever stands under its key, until it is deleted', () => {
    const entry = { v: 1, by: 'ada', at: '2026-01-31T12:00:00Z', reason: 'storm' };
    const frozen = fold(emptyView(), put('freeze', 1, entry));
    expect(frozen.freeze).toEqual({ revision: 1, by: 'ada', at: entry.at, reason: 'storm' });
    expect(fold(frozen, removal('freeze', 2)).freeze).toBeUndefined();
    expect(fold(emptyView(), put('freeze', 1, 'stop!')).freeze).toEqual({
      revision: 1,
      by: 'unknown',
      at: '',
      reason: '',
    });
    expect(changeBetween(emptyView(), frozen)).toMatchObject({ hasNewFreeze: true, changes: [] });
  });
});

it('of the variables in scope cluster an agent sees those that list it', () => {
  const shared = customVariable('shared', { initial: 1, scope: 'cluster', agents: ['words'] });
  const view = fold(emptyView(), put('definition.shared', 1, shared));
  expect(valuesFor(view, 'words')).toEqual({ shared: 1 });
  expect(valuesFor(view, 'links')).toEqual({});
});

describe('a candidate', () => {
  const held = (revision: number, held: unknown, candidate: unknown): KeyChange =>
    put('space.threshold', revision, {
      v: 1,
      value: held,
      definitionRevision: 1,
      by: 'test',
      at: '2026-01-31T12:00:00.000Z',
      cause: '',
      candidate: { value: candidate, share: 1, salt: 's' },
    });

  it('is seen by the conversations of its share, and gone with the next entry', () => {
    const view = fold(declared, held(2, 0.6, 0.9));
    expect(view.variables.get('threshold')).toMatchObject({ value: 0.6, candidate: { value: 0.9 } });
    expect(valuesFor(view, 'words', 'c1')).toEqual({ threshold: 0.9 });
    expect(valuesFor(view, 'words')).toEqual({ threshold: 0.6 });
    const after = fold(view, value('space.threshold', 3, 0.6));
    expect(after.variables.get('threshold')).not.toHaveProperty('candidate');
  });

  it('that is not allowed is tried by nobody and listed, and the value it came with is applied', () => {
    const view = fold(declared, held(2, 0.6, 7));
    expect(view.variables.get('threshold')).toMatchObject({ value: 0.6, revision: 2 });
    expect(valuesFor(view, 'words', 'c1')).toEqual({ threshold: 0.6 });
    expect(view.rejected.get('space.threshold')).toMatchObject({ code: 'out-of-domain', revision: 2 });
    // It is the last value applied: what is refused after it falls back to it.
    const later = fold(view, value('space.threshold', 3, 8));
    expect(later.variables.get('threshold')).toMatchObject({ value: 0.6, revision: 2, keyRevision: 3 });
  });
});
