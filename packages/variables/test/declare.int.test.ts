import { keySubject, putKey } from '@mabeam/bus';
import {
  agentSelection,
  customVariable,
  defineConstraint,
  openVariables,
  performanceThreshold,
  viewAfter,
} from '@mabeam/variables';
import { describe, expect, it } from 'vitest';
import { code, openStage, rawEntry } from './stage.ts';

const by = 'operator';
const threshold = performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1 });
const withinTen = defineConstraint('within-ten', (value, other) => Number(value) + Number(other) <= 10);
const left = customVariable('left', { initial: 4, min: 0 });
const right = customVariable('right', {
  initial: 1,
  min: 0,
  constraints: { compatible: { left: 'within-ten' } },
});

describe('redefining', () => {
  it('keeps the value, affirms it, and is seen by everybody', async () => {
    await using stage = await openStage();
    const { store, other } = stage;
    await store.create(threshold, { by });
    await store.update('threshold', 0.7, { by });
    const wider = performanceThreshold('threshold', { initial: 0.5, min: 0, max: 5 });
    const { revision } = await store.redefine(wider, { by: 'ada' });
    await other.waitForRevision(revision);
    expect(other.get('threshold')).toMatchObject({
      value: 0.7,
      revision,
      definitionRevision: revision - 1,
      definition: { domain: { min: 0, max: 5 } },
      entry: { by: 'ada', cause: 'redefined' },
    });
    expect(await store.redefine(wider, { by })).toMatchObject({ kind: 'noop' });
    await other.update('threshold', 4, { by });
  });

  it('that the value does not fit is refused and changes nothing', async () => {
    await using stage = await openStage();
    const { store } = stage;
    await store.create(threshold, { by });
    const before = store.applied;
    const narrow = performanceThreshold('threshold', { initial: 0.1, min: 0, max: 0.2 });
    await expect(store.redefine(narrow, { by })).rejects.toThrowError(code('out-of-domain'));
    await expect(store.redefine({ ...narrow, id: 'other' }, { by })).rejects.toThrowError(
      code('unknown-variable'),
    );
    await store.replica.refresh();
    expect(store.applied).toBe(before);
  });

  it('wins or loses against an update that its domain forbids, but never lets both through', async () => {
    await using stage = await openStage();
    const { store, other } = stage;
    await other.waitForRevision((await store.create(threshold, { by })).revision);
    const narrow = performanceThreshold('threshold', { initial: 0.5, min: 0, max: 0.6 });
    const [redefined, updated] = await Promise.allSettled([
      store.redefine(narrow, { by }),
      other.update('threshold', 0.9, { by }),
    ]);
    expect([redefined.status, updated.status].toSorted()).toEqual(['fulfilled', 'rejected']);
    await Promise.all([store.replica.refresh(), other.replica.refresh()]);
    expect(store.view.rejected.size).toBe(0);
    expect(store.get('threshold')).toEqual(other.get('threshold'));
  });
});

describe('removing', () => {
  it('takes definition and value at once, and the id begins anew', async () => {
    await using stage = await openStage();
    const { store, other } = stage;
    await store.create(threshold, { by });
    const old = await store.update('threshold', 0.9, { by });
    const removed = await store.remove('threshold', { by });
    await other.waitForRevision(removed.revision);
    expect(other.list()).toEqual([]);
    expect(other.view.rejected.size).toBe(0);
    const again = await other.create(threshold, { by });
    expect(other.get('threshold').value).toBe(0.5);
    expect(await other.history('threshold')).toMatchObject([{ kind: 'value', revision: again.revision }]);
    await expect(other.rollBack('threshold', old.revision, { by })).rejects.toThrowError(
      code('unknown-revision'),
    );
    await using late = await openVariables(stage.bus, stage.space);
    expect(late.get('threshold')).toEqual(other.get('threshold'));
    expect(await late.history('threshold')).toHaveLength(1);
  });

  it('records who did it', async () => {
    await using stage = await openStage();
    await stage.store.create(threshold, { by });
    await stage.store.remove('threshold', { by: 'ada', cause: 'of no use' });
    const record = stage.store.replica.get('fence');
    expect(JSON.parse(new TextDecoder().decode(record?.data))).toMatchObject({
      by: 'ada',
      cause: 'of no use',
    });
  });

  it('is refused for what is not there, is an agent’s, or another one is bound to', async () => {
    await using stage = await openStage({ constraints: [withinTen] });
    const { bus, bucket, store } = stage;
    await store.create(left, { by });
    await store.create(right, { by });
    const spec = { id: 'words', variables: { smoothing: { initial: 1 } } };
    await store.waitForRevision(await putKey(bus, bucket, 'definition.agent.words', spec));
    await expect(store.remove('nothing', { by })).rejects.toThrowError(code('unknown-variable'));
    await expect(store.remove('words.smoothing', { by })).rejects.toThrowError(code('declared-by-agent'));
    await expect(store.remove('left', { by })).rejects.toThrowError(code('constraint-violation'));
    await store.remove('right', { by });
    await store.remove('left', { by });
    expect(store.list().map(({ id }) => id)).toEqual(['words.smoothing']);
  });
});

describe('bound variables', () => {
  it('are never broken together by two writers of whom each kept the bond', async () => {
    await using stage = await openStage({ constraints: [withinTen] });
    const { store, other } = stage;
    await store.create(left, { by });
    await other.waitForRevision((await store.create(right, { by })).revision);
    const outcomes = await Promise.allSettled([
      store.update('left', 9, { by }),
      other.update('right', 6, { by }),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'constraint-violation' },
    });
    await Promise.all([store.replica.refresh(), other.replica.refresh()]);
    expect(Number(store.get('left').value) + Number(store.get('right').value)).toBeLessThanOrEqual(10);
  });

  it('are not broken by an update that began before the bond was there', async () => {
    await using stage = await openStage({ constraints: [withinTen] });
    const { bus, space, store } = stage;
    await store.create(left, { by });
    let binding: Promise<unknown> | undefined;
    const clock = (): Date => {
      // After planning, before the commit: the other store binds the two.
      binding ??= store.create(right, { by });
      return new Date();
    };
    await using writer = await openVariables(bus, space, { clock, constraints: [withinTen] });
    const updating = writer.update('left', 10, { by });
    const outcomes = await Promise.allSettled([
      updating,
      updating.catch(() => undefined).then(() => binding),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'constraint-violation' },
    });
  });

  it('need each other to be there, and the predicate to be known', async () => {
    await using stage = await openStage({ constraints: [withinTen] });
    await expect(stage.store.create(right, { by })).rejects.toThrowError(code('unknown-variable'));
    await stage.store.create(left, { by });
    await stage.store.create(right, { by });
    await using ignorant = await openVariables(stage.bus, stage.space);
    await expect(ignorant.update('left', 5, { by })).rejects.toThrowError(code('handler-not-registered'));
    await ignorant.update('left', 4, { by });
  });

  it('cover roles as the agents’ definitions of that moment give them', async () => {
    await using stage = await openStage();
    const { bus, bucket, store } = stage;
    await putKey(bus, bucket, 'definition.agent.a', { id: 'a', role: 'coordinator' });
    await store.waitForRevision(await putKey(bus, bucket, 'definition.agent.b', { id: 'b' }));
    const team = agentSelection('team', {
      agents: ['a', 'b'],
      constraints: { roleCoverage: ['coordinator'] },
    });
    await store.create(team, { by });
    await expect(store.update('team', ['b'], { by })).rejects.toThrowError(code('constraint-violation'));
    await store.waitForRevision(
      await putKey(bus, bucket, 'definition.agent.b', { id: 'b', role: 'coordinator' }),
    );
    await store.update('team', ['b'], { by });
  });
});

describe('the writes of one store', () => {
  it('wait for each other, so that none of forty at once is contended', async () => {
    await using stage = await openStage();
    const { store } = stage;
    await store.create(threshold, { by });
    const values = Array.from({ length: 40 }, (_, i) => (i + 1) / 100);
    const outcomes = await Promise.all(values.map((value) => store.update('threshold', value, { by })));
    expect(store.get('threshold').value).toBe(0.4);
    const revisions = outcomes.map(({ revision }) => revision);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
  });

  it('go on after one that failed', async () => {
    await using stage = await openStage();
    const { store } = stage;
    await store.create(threshold, { by });
    const [failed, written] = await Promise.allSettled([
      store.update('threshold', 7, { by }),
      store.update('threshold', 0.7, { by }),
    ]);
    expect([failed.status, written.status]).toEqual(['rejected', 'fulfilled']);
  });
});

describe('a dry run', () => {
  it('says what would be written, and writes nothing', async () => {
    await using stage = await openStage();
    const { store } = stage;
    await store.create(threshold, { by });
    const before = store.applied;
    const plan = store.plan([{ id: 'threshold', value: 0.7 }], { by, cause: 'a thought' });
    expect(plan.changes).toEqual([{ id: 'threshold', from: 0.5, to: 0.7, isDifferent: true }]);
    expect(viewAfter(store.view, plan).variables.get('threshold')).toMatchObject({
      value: 0.7,
      entry: { by, cause: 'a thought' },
    });
    expect(() => store.plan([{ id: 'threshold', value: 7 }], { by })).toThrowError(code('out-of-domain'));
    expect(() => store.plan([], { by, basedOn: before + 1 })).toThrowError(code('stale-revision'));
    await store.replica.refresh();
    expect(store.applied).toBe(before);
    expect(store.get('threshold').value).toBe(0.5);
  });
});

describe('a freeze', () => {
  it('is seen by everybody, keeps nobody from writing, and ends', async () => {
    await using stage = await openStage();
    const { store, other } = stage;
    await store.create(threshold, { by });
    const frozen = await store.freeze({ by: 'ada', reason: 'storm' });
    expect(await store.freeze({ by: 'bob', reason: 'me too' })).toMatchObject({ kind: 'noop' });
    await other.waitForRevision(frozen.revision);
    expect(other.view.freeze).toMatchObject({ by: 'ada', reason: 'storm', revision: frozen.revision });
    await other.update('threshold', 0.7, { by });
    const thawed = await other.unfreeze({ by });
    await store.waitForRevision(thawed.revision);
    expect(store.view.freeze).toBeUndefined();
    expect(await store.unfreeze({ by })).toMatchObject({ kind: 'noop' });
    await store.freeze({ by, reason: 'again' });
    expect(store.view.freeze).toMatchObject({ reason: 'again' });
  });

  it('can be pulled by a plain put', async () => {
    await using stage = await openStage();
    const { bus, bucket, store } = stage;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    using _ = store.onChange(({ hasNewFreeze }) => resolve(hasNewFreeze));
    bus.publish(keySubject(bucket, 'freeze'), 'stop');
    expect(await promise).toBe(true);
    expect(store.view.freeze).toMatchObject({ by: 'unknown' });
  });
});

it('a value whose predicate refuses it is never applied where the predicate is known', async () => {
  const even = defineConstraint('is-even', (value) => Number(value) % 2 === 0);
  await using stage = await openStage({ constraints: [even] });
  const { bus, bucket, store } = stage;
  await store.create(customVariable('n', { initial: 2, constraints: { predicates: ['is-even'] } }), { by });
  await store.waitForRevision(await putKey(bus, bucket, 'space.n', rawEntry(3)));
  expect(store.get('n').value).toBe(2);
  expect(store.view.rejected.get('space.n')).toMatchObject({ code: 'constraint-violation', id: 'n' });
});
