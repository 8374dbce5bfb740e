/** Copying a space's bucket to its history, on a real server: whole, in order, once, over kills and successions. */
import {
  bucketStream,
  commitBatch,
  connectBus,
  deleteKey,
  deleteStreams,
  ensureStreams,
  lastSequence,
  putKey,
  readKey,
  readLastMessage,
  spaceNames,
  spaceStreams,
  subjects,
} from '@mabeam/bus';
import { createLogger } from '@mabeam/telemetry/api';
import { openFaultProxy, openLossyProxy, waitFor } from '@mabeam/testing';
import { customVariable, historyMarks, openVariables, type HistoryEvent } from '@mabeam/variables';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { runHistory } from '../src/history/copy-history.ts';
import { burst, faults, openHistoryStage, rawSubject, streamOf, type HistoryStage } from './history-stage.ts';

/** How often what is at random is tried. */
const rounds = process.env['MABEAM_LONG'] === '1' ? 100 : 5;

let stage: HistoryStage;
const { signal } = new AbortController();

beforeEach(async () => {
  stage = await openHistoryStage();
});
afterEach(() => stage[Symbol.asyncDispose]());

const revisionsOf = (events: readonly HistoryEvent[]) =>
  events.flatMap((event) => (event.kind === 'revision' ? [event] : []));
const last = (): Promise<number> => lastSequence(stage.bus, streamOf(stage));

test('every revision is there once, in order, with its whole entry: values, definitions, graph, fences, deletions', async () => {
  const entry = { v: 1, value: { deep: [1, 'ä'] }, by: 'someone', extra: true };
  await stage.put('space.x', entry);
  await stage.put('definition.x', { id: 'x' });
  await stage.put('graph', { v: 1 });
  await stage.put('scale.words', { v: 1, replicas: 2 });
  await commitBatch(stage.bus, stage.bucket, [
    { key: 'agent.words.pace', body: 3 },
    { key: 'fence', body: { v: 1 } },
  ]);
  await deleteKey(stage.bus, stage.bucket, 'space.x');
  await stage.bus.store(rawSubject(stage, 'space.raw'), new Uint8Array([0xff, 0, 1]));
  const copier = await stage.copier();
  await copier.catchUp(signal);
  const events = await stage.events();
  expect(faults(events, await last())).toEqual([]);
  const copied = revisionsOf(events);
  expect(copied.map(({ key }) => key)).toEqual([
    'space.x',
    'definition.x',
    'graph',
    'scale.words',
    'agent.words.pace',
    'fence',
    'space.x',
    'space.raw',
  ]);
  expect(JSON.parse(Buffer.from(copied[0]?.data ?? []).toString())).toEqual(entry);
  expect(copied[4]?.batch).toBe(copied[5]?.batch);
  expect(copied[4]?.batch).toBeDefined();
  expect(copied[6]).toMatchObject({ operation: 'delete', revision: 7 });
  expect([...(copied[7]?.data ?? [])]).toEqual([0xff, 0, 1]);
  await copier.catchUp(signal);
  expect(await stage.events()).toHaveLength(events.length);
});

test('an entry that fills a message is named with its size instead of holding up all others', async () => {
  const text = 'x'.repeat(stage.bus.maxPayload - 2_000);
  await stage.put('space.large', text);
  await stage.put('space.small', 1);
  await (await stage.copier()).catchUp(signal);
  const [large, small] = revisionsOf(await stage.events());
  expect(large).toMatchObject({ key: 'space.large', omittedBytes: text.length + 2 });
  expect(small).toMatchObject({ key: 'space.small' });
});

test('a copier that is killed before or after any of its steps loses nothing and doubles nothing', async () => {
  await burst(stage, 'space.fast', 130);
  for (let kill = 1, isOver = false; !isOver; kill++) {
    let step = 0;
    const killed = await stage.copier({
      onStep: () => {
        if (++step === kill) throw new Error('killed');
      },
    });
    isOver = await killed.catchUp(signal).then(
      () => true,
      () => false,
    );
    await stage.put('space.slow', kill);
  }
  const successor = await stage.copier();
  await successor.catchUp(signal);
  const events = await stage.events();
  expect(faults(events, await last())).toEqual([]);
  expect(successor.copied).toBe(await last());
  expect(events.filter(({ kind }) => kind === 'gap')).toHaveLength(1);
});

test('a copier whose connection stops at any message it sends loses nothing and doubles nothing', async () => {
  await burst(stage, 'space.a', 3);
  const history = subjects(stage.space).at('event.variable.');
  for (let stop = 1; stop <= 5; stop++) {
    const stopped = Promise.withResolvers<void>();
    let sent = 0;
    const proxy = await openLossyProxy(inject('natsUrl'), {
      seed: 0,
      hold: (frame) => {
        if (!frame.subject.startsWith(history) || frame.verb.endsWith('MSG') || ++sent < stop)
          return undefined;
        stopped.resolve();
        return new Promise(() => undefined);
      },
    });
    const bus = await connectBus({ url: proxy.url, name: 'killed' });
    const copier = await stage.copier({ bus });
    const running = copier.catchUp(signal).catch(() => undefined);
    await Promise.race([stopped.promise, running]);
    await proxy[Symbol.asyncDispose]();
    await bus.close(0);
    await running;
    await burst(stage, 'space.a', 1);
    expect(revisionsOf(await stage.events()).length).toBeLessThanOrEqual(await last());
  }
  await (await stage.copier()).catchUp(signal);
  expect(faults(await stage.events(), await last())).toEqual([]);
}, 60_000);

test('two copiers at once, and in turn, write each revision once', async () => {
  const [first, second] = await Promise.all([stage.copier(), stage.copier()]);
  for (let round = 0; round < rounds; round++) {
    const writing = burst(stage, `space.v${round}`, 40);
    await Promise.all([first.catchUp(signal), second.catchUp(signal), writing]);
  }
  await second.catchUp(signal);
  await first.catchUp(signal);
  expect(faults(await stage.events(), await last())).toEqual([]);
  expect((await stage.events()).every(({ kind }) => kind === 'revision')).toBe(true);
});

test('of 200 fast revisions none is lost to a copier that is at work, however slow it is', async () => {
  let isHeld = false;
  const gate = Promise.withResolvers<void>();
  const copier = await stage.copier({
    onStep: (step) => {
      if (step !== 'read-bucket' || isHeld) return undefined;
      isHeld = true;
      return gate.promise;
    },
  });
  const copying = copier.catchUp(signal);
  await waitFor(() => isHeld, { what: 'the copier stands still' });
  const revision = await burst(stage, 'space.hot', 200);
  gate.resolve();
  await copying;
  await waitFor(
    async () => {
      await copier.catchUp(signal);
      return copier.copied >= revision;
    },
    { what: 'all is copied' },
  );
  const events = await stage.events();
  expect(faults(events, revision)).toEqual([]);
  expect(events.filter(({ kind }) => kind === 'gap')).toEqual([]);
});

test('of 200 fast revisions that nobody copied, those that are lost are a gap with the keys it can concern', async () => {
  await using store = await openVariables(stage.bus, stage.space);
  await store.create(customVariable('hot', { initial: 0 }), { by: 'test' });
  await store.create(customVariable('calm', { initial: 0 }), { by: 'test' });
  await (await stage.copier()).catchUp(signal);
  const early = store.get('hot').revision;
  await store.update('calm', 1, { by: 'test' });
  for (let n = 1; n <= 200; n++) await store.update('hot', n, { by: 'test' });
  const before = await store.history('hot', { limit: 300 });
  await (await stage.copier()).catchUp(signal);
  const events = await stage.events();
  expect(faults(events, await last())).toEqual([]);
  const gaps = events.filter(({ kind }) => kind === 'gap');
  expect(gaps).toMatchObject([{ kind: 'gap', keys: ['space.hot'] }]);

  const records = await store.history('hot', { limit: 300 });
  const [gap] = gaps;
  const lost = gap?.kind === 'gap' ? { from: gap.from, revision: gap.to } : undefined;
  expect(records.filter(({ kind }) => kind === 'gap')).toMatchObject([{ kind: 'gap', ...lost }]);
  expect(records.filter(({ kind }) => kind === 'value')).toHaveLength(65);
  expect(records.at(-1)).toMatchObject({ kind: 'value', revision: early, value: 0 });
  // Before it was copied the same was said, from what was copied then to what the bucket keeps.
  expect(before.map(({ kind }) => kind)).toEqual(records.map(({ kind }) => kind));
  expect((await store.history('calm')).map(({ kind }) => kind)).toEqual(['value', 'value']);

  const missing = (lost?.from ?? 0) + 1;
  await expect(store.rollBack('hot', missing, { by: 'test' })).rejects.toMatchObject({ code: 'history-gap' });
  await store.rollBack('hot', early, { by: 'test' });
  expect(store.get('hot').value).toBe(0);
}, 60_000);

test('what the bucket has overwritten is read from the history, in one row with what it keeps', async () => {
  await using store = await openVariables(stage.bus, stage.space);
  await store.create(customVariable('long', { initial: 0 }), { by: 'test' });
  const copier = await stage.copier();
  for (let n = 1; n <= 100; n++) {
    await store.update('long', n, { by: 'test', cause: `step ${n}` });
    if (n % 20 === 0) await copier.catchUp(signal);
  }
  const records = await store.history('long', { limit: 1_000 });
  expect(records.map((record) => record.kind === 'value' && record.value)).toEqual(
    Array.from({ length: 101 }, (_, n) => 100 - n),
  );
  expect(await store.history('long')).toHaveLength(64);
  const tenth = records[90];
  await store.rollBack('long', tenth?.revision ?? 0, { by: 'test' });
  expect(store.get('long').value).toBe(10);
}, 60_000);

test('a copier that loses its server goes on where it was, and stops in time when it is told to', async () => {
  const proxy = await openFaultProxy(inject('natsUrl'));
  const bus = await connectBus({ url: proxy.url, name: 'cut off' });
  const copier = await stage.copier({ bus });
  const stop = new AbortController();
  const log = createLogger({ name: 'test', level: 'silent' });
  const running = runHistory({ log, signal: stop.signal }, copier);
  const until = (revision: number): Promise<unknown> =>
    waitFor(() => copier.copied >= revision, { what: `${revision} is copied`, timeoutMs: 10_000 });
  await until(await burst(stage, 'space.x', 30));
  for (let round = 1; round <= rounds; round++) {
    const writing = burst(stage, 'space.x', 30);
    proxy.cut();
    await until(await writing);
  }
  stop.abort();
  await running;
  await bus.close(0);
  await proxy[Symbol.asyncDispose]();
  expect(faults(await stage.events(), await last())).toEqual([]);
}, 60_000);

test('a bucket from before there were markers that expire is brought up to date and keeps what is in it', async () => {
  const streams = spaceStreams(`${stage.space}-old`);
  const former = streams.map((each) => ({ ...each, allow_msg_ttl: false }));
  await ensureStreams(stage.bus, former.slice(0, 1));
  const { bucket } = spaceNames(`${stage.space}-old`);
  const gone = { key: 'adaptation.a', body: undefined, operation: 'delete', lastsMs: 1_000 } as const;
  await putKey(stage.bus, bucket, 'adaptation.a', 1);
  await expect(commitBatch(stage.bus, bucket, [gone])).rejects.toMatchObject({ code: 'store-failed' });
  await ensureStreams(stage.bus, streams.slice(0, 1));
  expect((await readKey(stage.bus, bucket, 'adaptation.a'))?.revision).toBe(1);
  await commitBatch(stage.bus, bucket, [gone]);
  await deleteStreams(stage.bus, [bucketStream(bucket)]);
});

test('a space that has no history yet tells what its bucket keeps', async () => {
  await deleteStreams(stage.bus, [spaceNames(stage.space).history]);
  await using store = await openVariables(stage.bus, stage.space);
  await store.create(customVariable('x', { initial: 0 }), { by: 'test' });
  expect(await store.history('x')).toMatchObject([{ kind: 'value', value: 0 }]);
});

test('the place that is reached outlasts all that is copied', async () => {
  await burst(stage, 'space.x', 2);
  await (await stage.copier()).catchUp(signal);
  await burst(stage, 'space.x', 1);
  await (await stage.copier()).catchUp(signal);
  const subject = subjects(stage.space).at(historyMarks.position);
  const place = await readLastMessage(stage.bus, spaceNames(stage.space).history, subject);
  expect(place?.headers.get('nats-ttl')).toBe('never');
  expect(place?.json()).toMatchObject({ copied: 3 });
});

test('another bucket in the place of the one that was copied begins anew, and its history is not that of the former', async () => {
  await stage.put('space.x', { v: 1, value: 'former' });
  await stage.put('space.y', 1);
  await (await stage.copier()).catchUp(signal);
  await deleteStreams(stage.bus, [streamOf(stage)]);
  await ensureStreams(stage.bus, spaceStreams(stage.space));
  await stage.put('definition.x', { v: 1 });
  await (await stage.copier()).catchUp(signal);
  const events = await stage.events();
  expect(events[2]).toMatchObject({ kind: 'replaced', copied: 2 });
  expect(faults(events.slice(3), 1)).toEqual([]);
  await using store = await openVariables(stage.bus, stage.space);
  await store.create(customVariable('z', { initial: 0 }), { by: 'test' });
  await store.create(customVariable('y', { initial: 5 }), { by: 'test' });
  expect(await store.history('y')).toMatchObject([{ kind: 'value', value: 5 }]);
});
