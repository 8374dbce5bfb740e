import { MabeamError, putKey } from '@mabeam/bus';
import {
  customVariable,
  defineConstraint,
  openVariables,
  type SpaceView,
  type VariableDefinition,
  type VariableStore,
} from '@mabeam/variables';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  bondLimit,
  checkRefusals,
  firstMax,
  replay,
  type Action,
  type Deed,
  type Snapshot,
} from './reference.ts';
import { openStage, rawEntry, type Stage } from './stage.ts';

const isLong = process.env['MABEAM_LONG'] === '1';
const numRuns = isLong ? 250 : 12;
const by = 'operator';
const constraints = [
  defineConstraint('within-limit', (value, other) => Number(value) + Number(other) <= bondLimit),
];

const ids = fc.constantFrom('x', 'y', 'z');
const value = fc.integer({ min: 0, max: 12 });
const max = fc.integer({ min: 2, max: 12 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('update' as const),
      id: ids,
      value,
      isConditional: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('apply' as const), x: value, y: value, isBased: fc.boolean() }),
  },
  fc.record({ kind: fc.constant('create' as const), value: fc.constantFrom(0, 1, 2), max }),
  fc.record({ kind: fc.constant('remove' as const) }),
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('redefine' as const), id: fc.constantFrom('y', 'z'), max }),
  },
  fc.record({ kind: fc.constant('roll-back' as const), id: ids, steps: fc.integer({ min: 0, max: 3 }) }),
);
const actions = fc.array(action, { minLength: 1, maxLength: 9 });
const rawPut = fc.record({
  id: ids,
  body: fc.constantFrom(rawEntry(99), rawEntry(-1), rawEntry(null), 'garbage'),
});

function definition(id: string, limit: number, initial = 0): VariableDefinition {
  const compatible = id === 'y' ? { constraints: { compatible: { x: 'within-limit' } } } : {};
  return customVariable(id, { initial, min: 0, max: limit, ...compatible });
}

/** Performs an action as well as it knows; what is refused is a deed too. */
async function perform(store: VariableStore, todo: Action): Promise<Deed> {
  const demanded = demandOf(store, todo);
  let target: number | undefined;
  try {
    if (todo.kind === 'roll-back') {
      const records = await store.history(todo.id);
      target = records[Math.min(todo.steps, records.length - 1)]?.revision ?? 0;
      return { action: todo, target, outcome: await store.rollBack(todo.id, target, { by }) };
    }
    return { action: todo, demanded, outcome: await write(store, todo, demanded) };
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    return { action: todo, demanded, target, outcome: { kind: 'refused', code: error.code } };
  }
}

function demandOf(store: VariableStore, todo: Action): number | undefined {
  if (todo.kind === 'apply') return todo.isBased ? store.applied : undefined;
  if (todo.kind !== 'update' || !todo.isConditional) return undefined;
  return store.view.variables.get(todo.id)?.revision ?? 0;
}

function write(
  store: VariableStore,
  todo: Exclude<Action, { kind: 'roll-back' }>,
  demanded: number | undefined,
): ReturnType<VariableStore['update']> {
  switch (todo.kind) {
    case 'update':
      return store.update(todo.id, todo.value, { by, ifRevision: demanded });
    case 'apply': {
      const wishes = [
        { id: 'x', value: todo.x },
        { id: 'y', value: todo.y },
      ];
      return store.apply(wishes, { by, basedOn: demanded });
    }
    case 'create':
      return store.create(definition('z', todo.max, todo.value), { by });
    case 'remove':
      return store.remove('z', { by });
    case 'redefine':
      return store.redefine(definition(todo.id, todo.max), { by });
  }
}

async function performAll(store: VariableStore, todos: readonly Action[]): Promise<Deed[]> {
  const deeds: Deed[] = [];
  for (const todo of todos) deeds.push(await perform(store, todo));
  return deeds;
}

/** The table the reference begins with: x and then y are there, in every store. */
async function begin({ store, other }: Stage): Promise<Snapshot[]> {
  const alone = await store.create(definition('x', firstMax), { by });
  const both = await store.create(definition('y', firstMax), { by });
  await other.waitForRevision(both.revision);
  const first = { value: 0, max: firstMax };
  const rows = ['x', 'y'].map((id) => [id, { ...first, revision: store.get(id).revision }] as const);
  return [
    { revision: alone.revision, rows: new Map([['x', { ...first, revision: alone.revision }]]) },
    { revision: both.revision, rows: new Map(rows) },
  ];
}

type Shown = Readonly<Record<string, unknown>>;

function shownIn({ variables }: SpaceView): Shown {
  return Object.fromEntries(
    [...variables].map(
      ([
        id,
        {
          value: held,
          revision,
          definition: { domain },
        },
      ]) => [id, { value: held, revision, max: domain.max }],
    ),
  );
}

function shownBy(snapshot: Snapshot | undefined): Shown {
  return Object.fromEntries(snapshot?.rows ?? []);
}

async function race(
  left: readonly Action[],
  right: readonly Action[],
  raws: readonly { readonly id: string; readonly body: unknown }[],
): Promise<void> {
  await using stage = await openStage({ constraints });
  const { bus, bucket, space, store, other } = stage;
  const soFar = await begin(stage);
  const views: SpaceView[] = [];
  await using witness = await openVariables(bus, space, { constraints });
  using _1 = witness.onChange(({ view }) => views.push(view));
  using _2 = store.onChange(({ view }) => views.push(view));
  const [ours, theirs] = await Promise.all([
    performAll(store, left),
    performAll(other, right),
    (async () => {
      for (const { id, body } of raws) await putKey(bus, bucket, `space.${id}`, body);
    })(),
  ]);
  const deeds = [...ours, ...theirs];
  checkRefusals(deeds);
  const snapshots = replay(soFar, deeds);
  for (const view of views) {
    const due = snapshots.findLast(({ revision }) => revision <= view.revision);
    expect(shownIn(view), `at revision ${view.revision}`).toEqual(shownBy(due));
  }
  await using late = await openVariables(bus, space, { constraints });
  for (const reader of [store, other, witness, late]) {
    await reader.replica.refresh();
    expect(shownIn(reader.view)).toEqual(shownBy(snapshots.at(-1)));
  }
}

it(
  'two stores that race, past invalid raw puts, do what one after the other could have done, and every reader sees just that',
  async () => {
    const property = fc.asyncProperty(actions, actions, fc.array(rawPut, { maxLength: 4 }), race);
    await fc.assert(property, { numRuns, endOnFailure: true, ...(isLong ? {} : { seed: 2026 }) });
  },
  isLong ? 300_000 : 30_000,
);
