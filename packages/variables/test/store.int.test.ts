import {
  commitBatch,
  connectBus,
  deleteKey,
  deleteStreams,
  ensureStreams,
  keySubject,
  putKey,
  spaceNames,
  spaceStreams,
} from '@mabeam/bus';
import type { Bus } from '@mabeam/bus';
import { freshSpace, openFaultProxy } from '@mabeam/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { agentSelection, openVariables, performanceThreshold } from '@mabeam/variables';
import type { SpaceChange, SpaceView, VariableStore } from '@mabeam/variables';

const threshold = performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1 });
const team = agentSelection('team', {
  agents: ['a', 'b', 'c'],
  constraints: { minActive: 1 },
  initial: ['a'],
});
const by = 'operator';

let bus: Bus;
let space: string;
let bucket: string;
let store: VariableStore;
let other: VariableStore;

beforeEach(async () => {
  bus = await connectBus({ url: inject('natsUrl'), name: 'variables-test' });
  space = freshSpace();
  bucket = spaceNames(space).bucket;
  await ensureStreams(bus, spaceStreams(space));
  store = await openVariables(bus, space);
  other = await openVariables(bus, space);
});

afterEach(async () => {
  await store.close();
  await other.close();
  await deleteStreams(
    bus,
    spaceStreams(space).map(({ name }) => name),
  );
  await bus[Symbol.asyncDispose]();
});

function code(expected: string): unknown {
  return expect.objectContaining({ code: expected });
}

function rawEntry(value: unknown): object {
  return { v: 1, value, definitionRevision: 1, by: 'shell', at: new Date().toISOString(), cause: 'raw put' };
}

/** A clock that writes a value when it is asked, on the same connection: after planning, before the commit. */
function interrupt(options: { times: number; key: string; value: unknown }): () => Date {
  let left = options.times;
  return () => {
    if (left-- > 0) bus.publish(keySubject(bucket, options.key), rawEntry(options.value));
    return new Date();
  };
}

/** The next change that a store tells of. */
function nextChange(source: VariableStore): Promise<SpaceChange> {
  const { promise, resolve } = Promise.withResolvers<SpaceChange>();
  const listening = source.onChange((change) => {
    listening[Symbol.dispose]();
    resolve(change);
  });
  return promise;
}

describe('creating', () => {
  it('writes definition and first value in one change set, seen at once by another process', async () => {
    const seen = nextChange(other);
    const created = await store.create(threshold, { by });
    expect(created.kind).toBe('written');
    expect(store.get('threshold')).toMatchObject({
      value: 0.5,
      revision: created.revision,
      entry: { by, cause: 'created' },
    });
    const change = await seen;
    expect(change.revision).toBe(created.revision);
    expect(change.view.variables.get('threshold')).toMatchObject({
      value: 0.5,
      definitionRevision: created.revision - 1,
    });
  });

  it('the same again does nothing, another definition under the id is refused', async () => {
    const created = await store.create(threshold, { by });
    expect(await store.create(threshold, { by })).toEqual({
      kind: 'noop',
      revision: created.revision,
      changes: [],
    });
    const wider = performanceThreshold('threshold', { initial: 0.5, max: 2 });
    await expect(store.create(wider, { by })).rejects.toThrowError(code('variable-exists'));
    expect(store.applied).toBe(created.revision);
  });

  it('takes over a key that somebody wrote or deleted before there was a definition', async () => {
    await putKey(bus, bucket, 'space.threshold', rawEntry(0.9));
    await store.waitForRevision(await deleteKey(bus, bucket, 'definition.threshold'));
    expect(store.view.rejected.get('space.threshold')).toMatchObject({ code: 'unknown-variable' });
    await store.create(threshold, { by });
    expect(store.get('threshold').value).toBe(0.5);
    expect(store.view.rejected.size).toBe(0);
    expect(store.definitions).toEqual([threshold]);
  });

  it('by two processes at once creates it once', async () => {
    const outcomes = await Promise.all([
      store.create(threshold, { by }),
      other.create(threshold, { by: 'other' }),
    ]);
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['noop', 'written']);
  });
});

describe('updating', () => {
  beforeEach(async () => {
    const { revision } = await store.create(threshold, { by });
    await other.waitForRevision(revision);
  });

  it('gives a new revision that the writer sees when the call returns', async () => {
    const outcome = await store.update('threshold', 0.7, { by, cause: 'quieter' });
    expect(outcome.changes).toEqual([{ id: 'threshold', from: 0.5, to: 0.7, isDifferent: true }]);
    expect(store.get('threshold')).toMatchObject({
      value: 0.7,
      revision: outcome.revision,
      entry: { by, cause: 'quieter' },
    });
  });

  it('of two stores that expect the same revision one wins and one is stale', async () => {
    const { revision } = store.get('threshold');
    const outcomes = await Promise.allSettled([
      store.update('threshold', 0.6, { by: 'left', ifRevision: revision }),
      other.update('threshold', 0.8, { by: 'right', ifRevision: revision }),
    ]);
    const [lost, ...more] = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(more).toEqual([]);
    expect(lost?.reason).toMatchObject({ code: 'stale-revision', exit: 3 });
    await store.waitForRevision(other.applied);
    const winner = store.get('threshold');
    expect(winner.revision).toBe(revision + 1);
    expect(lost?.reason).toMatchObject({ details: { expected: revision, current: winner.revision } });
  });

  it('without an expectation both get through, one after the other', async () => {
    await Promise.all([store.update('threshold', 0.6, { by }), other.update('threshold', 0.8, { by })]);
    const records = await store.history('threshold');
    expect(new Set(records.map((record) => (record.kind === 'value' ? record.value : record.kind)))).toEqual(
      new Set([0.5, 0.6, 0.8]),
    );
  });

  it('gives up as contended when others are quicker three times in a row', async () => {
    const clock = interrupt({ times: 3, key: 'space.threshold', value: 0.1 });
    await using writer = await openVariables(bus, space, { clock });
    await expect(writer.update('threshold', 0.9, { by })).rejects.toThrowError(code('variable-contended'));
    expect(writer.get('threshold').value).toBe(0.1);
    await writer.update('threshold', 0.9, { by });
    expect(writer.get('threshold').value).toBe(0.9);
  });

  it('expects a revision this process has not heard of yet by waiting for it', async () => {
    const { revision } = await other.update('threshold', 0.6, { by });
    await store.update('threshold', 0.8, { by, ifRevision: revision });
    expect(store.get('threshold').value).toBe(0.8);
  });

  it('with an equal value is a new revision, unless only changes are asked for', async () => {
    const affirmed = await store.update('threshold', 0.5, { by: 'someone' });
    expect(affirmed).toMatchObject({ kind: 'written', changes: [{ isDifferent: false }] });
    expect(await store.update('threshold', 0.5, { by, ifChanged: true })).toEqual({
      kind: 'noop',
      revision: affirmed.revision,
      changes: [],
    });
  });

  it.each([
    ['an unknown variable', 'treshold', 0.7, {}, 'unknown-variable'],
    ['a value out of its domain', 'threshold', 7, {}, 'out-of-domain'],
    ['a stale revision', 'threshold', 0.7, { ifRevision: 1 }, 'stale-revision'],
    ['nobody as author', 'threshold', 0.7, { by: '' }, 'invalid-author'],
  ])('with %s is refused and writes nothing', async (_, id, value, options, expected) => {
    const before = store.applied;
    await expect(store.update(id, value, { by, ...options })).rejects.toThrowError(code(expected));
    await store.replica.refresh();
    expect(store.applied).toBe(before);
  });

  it("of a local variable goes under its agent and is judged by its agent's definition", async () => {
    const spec = { v: 1, id: 'words', variables: { smoothing: { initial: 1, min: 0 } } };
    await store.waitForRevision(await putKey(bus, bucket, 'definition.agent.words', spec));
    expect(store.get('words.smoothing')).toMatchObject({ value: 1, revision: 0 });
    await store.update('words.smoothing', 3, { by, ifRevision: 0 });
    expect(store.replica.get('agent.words.smoothing')).toBeDefined();
    expect(store.get('words.smoothing').value).toBe(3);
    await expect(store.update('words.smoothing', -1, { by })).rejects.toThrowError(code('out-of-domain'));
  });

  it('of a local variable that its agent has declared anew meanwhile is judged by the new declaration', async () => {
    const declare = (max: number): Promise<number> =>
      putKey(bus, bucket, 'definition.agent.words', {
        v: 1,
        id: 'words',
        variables: { smoothing: { initial: 1, max } },
      });
    await using proxy = await openFaultProxy(inject('natsUrl'));
    await using far = await connectBus({ url: proxy.url, name: 'behind' });
    await using behind = await openVariables(far, space);
    await behind.waitForRevision(await declare(9));
    proxy.setLatency(50);
    await declare(5);
    expect(behind.get('words.smoothing').definition.domain.max).toBe(9);
    await expect(behind.update('words.smoothing', 8, { by })).rejects.toThrowError(code('out-of-domain'));
    await behind.update('words.smoothing', 4, { by });
    proxy.setLatency(0);
  });
});

describe('a change set', () => {
  beforeEach(async () => {
    await store.create(threshold, { by });
    const { revision } = await store.create(team, { by });
    await other.waitForRevision(revision);
  });

  it('is seen as a whole or not at all by every reader', async () => {
    const views: SpaceView[] = [];
    using _ = other.onChange(({ view }) => views.push(view));
    let last = 0;
    for (const step of [1, 2, 3, 4, 5]) {
      const wishes = [
        { id: 'threshold', value: step / 10 },
        { id: 'team', value: step % 2 === 0 ? ['a', 'b'] : ['c'] },
      ];
      last = (await store.apply(wishes, { by })).revision;
    }
    await other.waitForRevision(last);
    const seen = views.map(({ variables }) => [
      variables.get('threshold')?.value,
      variables.get('team')?.value,
    ]);
    expect(seen).toEqual([
      [0.1, ['c']],
      [0.2, ['a', 'b']],
      [0.3, ['c']],
      [0.4, ['a', 'b']],
      [0.5, ['c']],
    ]);
  });

  it('with one value that is not allowed writes none', async () => {
    const before = store.applied;
    const wishes = [
      { id: 'threshold', value: 0.9 },
      { id: 'team', value: [] },
    ];
    await expect(store.apply(wishes, { by })).rejects.toThrowError(code('constraint-violation'));
    await store.replica.refresh();
    expect(store.applied).toBe(before);
  });

  it('with one expectation that fails on the server writes none', async () => {
    const { revision } = store.get('threshold');
    const before = store.applied;
    const writes = [
      { key: 'space.team', body: rawEntry(['b']), expect: store.get('team').revision },
      { key: 'space.threshold', body: rawEntry(0.9), expect: revision - 1 },
    ];
    await expect(commitBatch(bus, bucket, writes)).rejects.toThrowError(code('conflict'));
    await store.replica.refresh();
    expect(store.applied).toBe(before);
    expect(store.get('team').value).toEqual(['a']);
  });

  it('decided on an older state of the space is refused, though its own keys were not touched', async () => {
    const basedOn = store.applied;
    await other.update('team', ['b'], { by: 'other' });
    const deciding = store.apply([{ id: 'threshold', value: 0.9 }], { by, basedOn });
    await expect(deciding).rejects.toThrowError(code('stale-revision'));
    expect(store.get('threshold').value).toBe(0.5);
  });

  it('is refused by the server when something is written between planning and commit', async () => {
    await using writer = await openVariables(bus, space, {
      clock: interrupt({ times: 1, key: 'space.team', value: ['b'] }),
    });
    const basedOn = writer.applied;
    const deciding = writer.apply([{ id: 'threshold', value: 0.9 }], { by, basedOn });
    await expect(deciding).rejects.toThrowError(code('stale-revision'));
    expect(writer.get('team').value).toEqual(['b']);
    expect(writer.get('threshold').value).toBe(0.5);
  });

  it('not tied to a state is planned again when something is written between planning and commit', async () => {
    await using writer = await openVariables(bus, space, {
      clock: interrupt({ times: 1, key: 'space.team', value: ['b'] }),
    });
    const before = writer.applied;
    const { revision } = await writer.apply([{ id: 'threshold', value: 0.9 }], { by });
    expect(revision).toBe(before + 3);
    expect(writer.get('threshold').value).toBe(0.9);
  });

  it('that lost a race is planned again on the newer state', async () => {
    const outcomes = await Promise.all([
      store.apply([{ id: 'threshold', value: 0.6 }], { by: 'left' }),
      other.apply([{ id: 'team', value: ['b'] }], { by: 'right' }),
    ]);
    await store.waitForRevision(Math.max(...outcomes.map(({ revision }) => revision)));
    expect(store.get('threshold').value).toBe(0.6);
    expect(store.get('team').value).toEqual(['b']);
  });

  it('without changes writes nothing', async () => {
    const before = store.applied;
    expect((await store.apply([], { by })).kind).toBe('noop');
    expect((await store.apply([{ id: 'team', value: 'a' }], { by, ifChanged: true })).kind).toBe('noop');
    expect(store.applied).toBe(before);
  });
});

describe('a raw put', () => {
  beforeEach(async () => {
    await store.create(threshold, { by });
    const { revision } = await store.update('threshold', 0.7, { by });
    await other.waitForRevision(revision);
  });

  it('that is not allowed is never applied, by those who were there nor by those who come later', async () => {
    const valid = store.get('threshold').revision;
    await putKey(bus, bucket, 'space.threshold', rawEntry(7));
    const spoilt = await putKey(bus, bucket, 'space.threshold', 'garbage');
    await store.waitForRevision(spoilt);
    await using late = await openVariables(bus, space);
    for (const reader of [store, late]) {
      expect(reader.get('threshold')).toMatchObject({ value: 0.7, revision: valid, keyRevision: spoilt });
      expect(reader.view.rejected.get('space.threshold')).toMatchObject({
        id: 'threshold',
        revision: spoilt,
      });
    }
  });

  it('that is not allowed does not stand in the way of the next update', async () => {
    const { revision } = store.get('threshold');
    await store.waitForRevision(await putKey(bus, bucket, 'space.threshold', rawEntry(7)));
    await store.update('threshold', 0.8, { by, ifRevision: revision });
    expect(store.get('threshold').value).toBe(0.8);
    expect(store.view.rejected.size).toBe(0);
  });

  it('that is allowed is applied', async () => {
    await store.waitForRevision(await putKey(bus, bucket, 'space.threshold', rawEntry(0.9)));
    expect(store.get('threshold')).toMatchObject({ value: 0.9, entry: { by: 'shell' } });
  });
});

describe('history', () => {
  let revisions: number[];

  beforeEach(async () => {
    revisions = [(await store.create(threshold, { by })).revision];
    for (const value of [0.6, 0.7, 0.8])
      revisions.push((await store.update('threshold', value, { by })).revision);
  });

  it('is newest first and as long as asked for', async () => {
    const records = await store.history('threshold', { limit: 2 });
    expect(records).toMatchObject([
      { kind: 'value', value: 0.8, revision: revisions[3] },
      { kind: 'value', value: 0.7, revision: revisions[2] },
    ]);
    await expect(store.history('treshold')).rejects.toThrowError(code('unknown-variable'));
  });

  it('rolls back by writing the old value as a new revision', async () => {
    const back = await store.rollBack('threshold', revisions[1] ?? 0, { by });
    expect(back.revision).toBeGreaterThan(revisions[3] ?? Infinity);
    expect(store.get('threshold')).toMatchObject({
      value: 0.6,
      entry: { cause: `rolled back to revision ${revisions[1]}` },
    });
    expect(await store.history('threshold')).toHaveLength(5);
    await store.rollBack('threshold', 0, { by });
    expect(store.get('threshold').value).toBe(0.5);
  });

  it('does not roll back to what it does not keep, nor from a state that has moved on', async () => {
    const before = store.applied;
    await expect(store.rollBack('threshold', 4_711, { by })).rejects.toThrowError(code('unknown-revision'));
    const stale = store.rollBack('threshold', revisions[0] ?? 0, { by, ifRevision: revisions[2] });
    await expect(stale).rejects.toThrowError(code('stale-revision'));
    expect(store.applied).toBe(before);
  });
});

describe('watching', () => {
  beforeEach(async () => {
    await store.create(threshold, { by });
    const { revision } = await store.create(team, { by });
    await other.waitForRevision(revision);
  });

  it('tells a reader of one variable about that one only, and ends with its signal', async () => {
    const stop = new AbortController();
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const { changes } of other.watch({ ids: ['team'], signal: stop.signal })) {
        seen.push(...changes.map(({ id, to }) => [id, to?.value]));
        stop.abort();
      }
    })();
    await store.update('threshold', 0.9, { by });
    await store.update('team', ['a', 'b'], { by });
    await watching;
    expect(seen).toEqual([['team', ['a', 'b']]]);
  });

  it('tells a slow reader what differs from what it last saw', async () => {
    const watching = other.watch()[Symbol.asyncIterator]();
    const first = watching.next();
    await store.update('threshold', 0.6, { by });
    await first;
    await store.update('threshold', 0.7, { by });
    const { revision } = await store.update('threshold', 0.8, { by });
    await other.waitForRevision(revision);
    const { value } = await watching.next();
    expect(value?.changes).toMatchObject([{ from: { value: 0.6 }, to: { value: 0.8 } }]);
    await watching.return?.();
  });

  it('and waiting end when the store is closed', async () => {
    const watching = (async () => {
      for await (const change of other.watch()) throw new Error(`unexpected change at ${change.revision}`);
    })();
    const waiting = other.waitForRevision(1_000_000);
    await other.close();
    await watching;
    await expect(waiting).rejects.toThrowError(code('store-closed'));
    await expect(other.update('threshold', 0.9, { by })).rejects.toThrowError(code('store-closed'));
  });

  it('waits for a revision only as long as it may', async () => {
    await expect(store.waitForRevision(1_000_000, { timeoutMs: 20 })).rejects.toThrowError(
      code('not-applied'),
    );
    const signal = AbortSignal.abort();
    await expect(store.waitForRevision(1_000_000, { signal })).rejects.toThrowError(code('cancelled'));
  });
});

it('a space that does not exist is named when its variables are opened', async () => {
  await expect(openVariables(bus, freshSpace())).rejects.toThrowError(code('stream-missing'));
});
