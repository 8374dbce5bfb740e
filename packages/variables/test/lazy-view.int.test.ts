/** What has arrived and what has been looked at: a store folds when somebody looks, or at once while somebody listens. */
import { putKey } from '@mabeam/bus';
import { customVariable, type SpaceChange } from '@mabeam/variables';
import { expect, it } from 'vitest';
import { openStage, rawEntry } from './stage.ts';

const by = 'test';

it('a revision counts as applied when it has arrived, and the next look sees it', async () => {
  await using stage = await openStage();
  const { store, other } = stage;
  await store.create(customVariable('level', { initial: 0 }), { by });
  for (let n = 1; n <= 3; n++) await store.update('level', n, { by });
  const { revision } = await store.update('level', 4, { by });
  await other.replica.waitFor(revision, 5_000);
  expect(other.applied).toBe(revision);
  expect(other.get('level')).toMatchObject({ value: 4, revision });
  expect(other.view.revision).toBe(revision);
  expect(other.view).toBe(other.view);
});

it('of many revisions that nobody looked at in between, the last valid one is seen and the last invalid one is named', async () => {
  await using stage = await openStage();
  const { bus, bucket, store, other } = stage;
  await store.create(customVariable('level', { initial: 0, max: 1_000 }), { by });
  let valid = 0;
  for (let n = 1; n <= 200; n++) valid = await putKey(bus, bucket, 'space.level', rawEntry(n));
  const invalid = await putKey(bus, bucket, 'space.level', rawEntry(1_001));
  await other.replica.waitFor(invalid, 5_000);
  expect(other.get('level')).toMatchObject({ value: 200, revision: valid, keyRevision: invalid });
  expect(other.view.rejected.get('space.level')).toMatchObject({ revision: invalid, code: 'out-of-domain' });
});

it('who begins to listen hears of each revision from then on, and of none that had come before', async () => {
  await using stage = await openStage();
  const { store, other } = stage;
  const { revision: created } = await store.create(customVariable('level', { initial: 0 }), { by });
  const { revision: before } = await store.update('level', 1, { by });
  expect(before).toBeGreaterThan(created);
  await other.replica.waitFor(before, 5_000);
  const heard: unknown[] = [];
  using _ = other.onChange(({ changes }) =>
    heard.push(...changes.map(({ from, to }) => [from?.value, to?.value])),
  );
  await store.update('level', 2, { by });
  const { revision } = await store.update('level', 3, { by });
  await other.waitForRevision(revision);
  expect(heard).toEqual([
    [1, 2],
    [2, 3],
  ]);
});

it('all listeners are given the same change, but for one that was added while it was told', async () => {
  await using stage = await openStage();
  const { store, other } = stage;
  const { revision: created } = await store.create(customVariable('level', { initial: 0 }), { by });
  await other.waitForRevision(created);
  const heard: Record<'first' | 'second' | 'late', SpaceChange[]> = { first: [], second: [], late: [] };
  const listening = new DisposableStack();
  using _ = listening;
  listening.use(
    other.onChange((change) => {
      heard.first.push(change);
      if (heard.first.length === 1) listening.use(other.onChange((next) => heard.late.push(next)));
    }),
  );
  listening.use(other.onChange((change) => heard.second.push(change)));
  await store.update('level', 1, { by });
  const { revision } = await store.update('level', 2, { by });
  await other.waitForRevision(revision);
  expect(heard.first).toHaveLength(2);
  expect(heard.second[0]).toBe(heard.first[0]);
  expect(heard.late.map((change) => change.revision)).toEqual([revision]);
});
