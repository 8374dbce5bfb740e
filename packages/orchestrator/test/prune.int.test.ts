/** Pruning on a real server: what is removed is small, and an identity that has acted never acts again. */
import { ensureStreams, openEvents, platformStreams, readKeyHistory, spaceNames } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adaptationKey } from '../src/adaptation/adaptation-record.ts';
import { pruneRecords } from '../src/adaptation/prune.ts';
import { identityHash } from '../src/adaptation/trigger.ts';
import { openStage, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents: {}
variables:
  counter: { kind: custom, initial: 0, domain: { min: 0 } }
rules:
  count: { on: { trigger: counted }, adapt: counter, by: { increase: 1 }, cooldownMs: 0 }
`;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage(definition);
  await ensureStreams(stage.bus, platformStreams());
  stage.startOrchestrator('first');
}, 30_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
}, 30_000);

const keyOf = (id: string): string => adaptationKey(identityHash({ source: '', id }));

test('a pruned identity leaves one marker and does not act again', async () => {
  const { bus, mirror, space } = stage;
  const names = spaceNames(space);
  const events = openEvents(bus, space);
  for (const id of ['c1', 'c2', 'c3']) await events.trigger('counted', { id });
  const outcomeOf = (id: string) => mirror.state.adaptations.get(keyOf(id))?.record.outcome;
  await waitFor(() => outcomeOf('c3') === 'applied' && outcomeOf('c1') === 'applied', {
    what: 'all have acted',
  });
  expect(await readKeyHistory(bus, names.bucket, keyOf('c1'))).toHaveLength(2);
  const { signal } = new AbortController();
  const limits = { maxAgeMs: 60_000, maxRecords: 1 };
  expect(await pruneRecords({ bus, mirror, names, signal }, limits)).toBe(2);
  await mirror.refresh();
  expect([...mirror.state.adaptations.keys()]).toEqual([keyOf('c3')]);
  expect(await readKeyHistory(bus, names.bucket, keyOf('c1'))).toMatchObject([{ operation: 'delete' }]);
  await events.trigger('counted', { id: 'c1' });
  await events.trigger('counted', { id: 'c4' });
  await waitFor(() => outcomeOf('c4') === 'applied', { what: 'a new identity acts' });
  expect(stage.store.get('counter').value).toBe(4);
  expect(outcomeOf('c1')).toBeUndefined();
});
