/** Pruning on a real server: what is removed leaves little, for a while, and an identity that has acted does not act again. */
import {
  bucketStream,
  commitBatch,
  ensureStreams,
  keySubject,
  openEvents,
  platformStreams,
  readKey,
  readKeyHistory,
  readLastMessage,
  readStreamOnce,
  spaceNames,
  subjects,
} from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adaptationKey } from '../src/adaptation/adaptation-record.ts';
import { pruneRecords } from '../src/adaptation/prune.ts';
import { seekLeadership, type Leadership } from '../src/term/fence.ts';
import { identityHash } from '../src/adaptation/trigger.ts';
import { openStage, putRaw, type RunningOrchestrator, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents: {}
variables:
  counter: { kind: custom, initial: 0, domain: { min: 0 } }
rules:
  count: { on: { trigger: counted }, adapt: counter, by: { increase: 1 }, cooldownMs: 0 }
`;

let stage: Stage;
let orchestrator: RunningOrchestrator;

beforeAll(async () => {
  stage = await openStage(definition);
  await ensureStreams(stage.bus, platformStreams());
  orchestrator = stage.startOrchestrator('first');
}, 60_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
}, 60_000);

const keyOf = (id: string): string => adaptationKey(identityHash({ source: '', id }));

/** Ends the term of the orchestrator that runs and leads instead, as nobody's process. */
async function lead(stage: Stage): Promise<Leadership> {
  await orchestrator.stop();
  const identity = { process: 'test', pid: process.pid, host: 'test' };
  const leadership = await seekLeadership(stage.bus, { space: stage.space, identity });
  if (leadership === undefined) throw new Error('somebody else leads');
  return leadership;
}

test('a pruned identity leaves one marker that goes away, stays in the history, and does not act again', async () => {
  const { bus, mirror, space } = stage;
  const names = spaceNames(space);
  const events = openEvents(bus, space);
  for (const id of ['c1', 'c2', 'c3']) await events.trigger('counted', { id });
  const outcomeOf = (id: string) => mirror.state.adaptations.get(keyOf(id))?.record.outcome;
  await waitFor(() => outcomeOf('c3') === 'applied' && outcomeOf('c1') === 'applied', {
    what: 'all have acted',
  });
  expect(await readKeyHistory(bus, names.bucket, keyOf('c1'))).toHaveLength(2);
  const copies = async (id: string): Promise<readonly unknown[]> => {
    const filter = subjects(space).history(keyOf(id));
    const found: unknown[] = [];
    for await (const message of readStreamOnce(bus, names.history, { filter })) found.push(message.json());
    return found;
  };
  const areCopied = async (): Promise<boolean> =>
    (await copies('c1')).length + (await copies('c2')).length === 4;
  await waitFor(areCopied, { what: 'the history has what is about to be removed' });
  const { signal } = new AbortController();
  const limits = { maxAgeMs: 60_000, maxRecords: 1 };
  {
    await using leadership = await lead(stage);
    const term = { leadership, mirror, signal };
    const all = { copied: mirror.state.view.revision };
    expect(await pruneRecords(term, { copied: 1 }, limits)).toEqual({ removed: 0, isMore: true });
    expect(await pruneRecords(term, all, limits)).toEqual({ removed: 2, isMore: false });
  }
  await mirror.refresh();
  expect([...mirror.state.adaptations.keys()]).toEqual([keyOf('c3')]);
  expect(await readKeyHistory(bus, names.bucket, keyOf('c1'))).toMatchObject([{ operation: 'delete' }]);
  const marker = await readLastMessage(
    bus,
    bucketStream(names.bucket),
    keySubject(names.bucket, keyOf('c1')),
  );
  const days = Number.parseInt(marker?.headers.get('nats-ttl') ?? '', 10) / 86_400;
  expect(days).toBeGreaterThan(13.9);
  expect(days).toBeLessThanOrEqual(14);

  stage.startOrchestrator('second');
  await events.trigger('counted', { id: 'c1' });
  await events.trigger('counted', { id: 'c4' });
  await waitFor(() => outcomeOf('c4') === 'applied', { what: 'a new identity acts' });
  expect(stage.store.get('counter').value).toBe(4);
  expect(outcomeOf('c1')).toBeUndefined();
  const isWhole = async (): Promise<boolean> => (await copies('c1')).length === 3;
  await waitFor(isWhole, { what: 'the history has the record, its end and its removal' });
  expect(await copies('c1')).toMatchObject([
    { entry: { outcome: 'committed' } },
    { entry: { outcome: 'applied' } },
    { operation: 'delete' },
  ]);
});

test('a marker goes away by itself, and its key is as if it had never been', async () => {
  const { bus, space } = stage;
  const { bucket } = spaceNames(space);
  const key = keyOf('passing');
  await putRaw(stage, key, 'old');
  const revision = await putRaw(stage, key, 'new');
  const gone = { key, body: undefined, operation: 'delete', lastsMs: 1_000 } as const;
  await commitBatch(bus, bucket, [{ ...gone, expect: revision }]);
  expect((await readKey(bus, bucket, key))?.operation).toBe('delete');
  const isGone = async (): Promise<boolean> => (await readKey(bus, bucket, key)) === undefined;
  await waitFor(isGone, { what: 'the marker has gone away', timeoutMs: 5_000 });
  expect(await readKeyHistory(bus, bucket, key)).toEqual([]);
  await commitBatch(bus, bucket, [{ key, body: 'again', expect: 0 }]);
});
