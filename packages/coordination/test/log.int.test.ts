import { connectBus, deleteStreams, ensureStreams, hasStream, spaceStreams, type Bus } from '@mabeam/bus';
import {
  appendToLog,
  ensureLogs,
  followLog,
  lastLogSequence,
  logStream,
  logSubject,
  readLog,
  startOfLog,
  type LogEntry,
  type LogTip,
} from '@mabeam/coordination';
import { frameHeaders, openFaultProxy, openLossyProxy } from '@mabeam/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { code, openStage } from './negotiation-stage.ts';

const long = process.env['MABEAM_LONG'] === '1';

async function connected(name: string, url = inject('natsUrl')): Promise<Bus> {
  const bus = await connectBus({ url, name });
  onTestFinished(() => bus.close(0));
  return bus;
}

async function read(bus: Bus, space: string, log = 'l'): Promise<readonly LogEntry[]> {
  return await all(readLog(bus, space, log));
}

async function all(entries: AsyncIterable<LogEntry>): Promise<readonly LogEntry[]> {
  const read: LogEntry[] = [];
  for await (const entry of entries) read.push(entry);
  return read;
}

/** Appends one value behind whatever there is, however often it takes. */
async function appendAnyhow(bus: Bus, space: string, body: unknown): Promise<LogEntry> {
  let after: LogTip = startOfLog(space, 'l');
  for (;;) {
    for await (const entry of readLog(bus, space, 'l', { after })) after = entry;
    const appended = await appendToLog(bus, space, 'l', body, { after });
    if (appended.kind === 'appended') return appended.entry;
  }
}

describe('a log', () => {
  test('takes each place once, from writers that race for it, and reads the same for all', async () => {
    await using stage = await openStage();
    const { space } = stage;
    const writers = await Promise.all(['a', 'b', 'c'].map((name) => connected(name)));
    const count = long ? 60 : 8;
    const written = await Promise.all(
      writers.map(async (bus, w) => {
        const own: LogEntry[] = [];
        for (let n = 0; n < count; n++) own.push(await appendAnyhow(bus, space, `${w}-${n}`));
        return own;
      }),
    );
    const entries = await read(stage.bus, space);
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: 3 * count }, (_, i) => i + 1));
    const placed = written.flat().map(({ body, chain, index, sequence }) => [index, sequence, chain, body]);
    const kept = entries.map(({ body, chain, index, sequence }) => [index, sequence, chain, body]);
    expect(placed.toSorted((a, b) => Number(a[0]) - Number(b[0]))).toEqual(kept);
    expect(await lastLogSequence(stage.bus, space, 'l')).toBe(entries.at(-1)?.sequence);
  }, 120_000);

  test('keeps what one space has in several logs apart, also where they name their entries alike', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    for (const log of ['l', 'm']) {
      const options = { after: startOfLog(space, log), messageId: 'first' };
      expect(await appendToLog(bus, space, log, log, options)).toMatchObject({
        kind: 'appended',
        entry: { index: 1 },
      });
    }
    expect((await read(bus, space, 'm')).map(({ body }) => body)).toEqual(['m']);
    expect(await lastLogSequence(bus, space, 'n')).toBe(0);
  });

  test('refuses a writer that has not read the tip, and knows an entry by its name', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const start = startOfLog(space, 'l');
    const first = await appendToLog(bus, space, 'l', 1, { after: start, messageId: 'one' });
    if (first.kind !== 'appended') throw new Error(first.kind);
    expect(await appendToLog(bus, space, 'l', 2, { after: start })).toEqual({ kind: 'conflict' });
    const again = await appendToLog(bus, space, 'l', 1, { after: first.entry, messageId: 'one' });
    expect(again).toEqual({ kind: 'repeated', sequence: first.entry.sequence });
    expect(await read(bus, space)).toHaveLength(1);
  });

  test('has an entry once although its acknowledgement was lost', async () => {
    await using stage = await openStage();
    const { space } = stage;
    let left = 0;
    await using proxy = await openLossyProxy(inject('natsUrl'), {
      seed: 4,
      // So many of the next things that the server answers.
      drop: ({ verb, subject }) =>
        verb.endsWith('MSG') && subject.startsWith('_INBOX') && left-- > 0 ? 1 : 0,
    });
    const bus = await connected('unheard', proxy.url);
    left = 1;
    const appended = await appendToLog(bus, space, 'l', 'a', {
      after: startOfLog(space, 'l'),
      timeoutMs: 20_000,
    });
    expect(proxy.counts.dropped).toBe(1);
    const entries = await read(stage.bus, space);
    expect(entries.map(({ body }) => body)).toEqual(['a']);
    expect(appended).toMatchObject({ kind: 'appended', entry: { chain: entries[0]?.chain } });
  }, 60_000);

  test('is followed over a cut connection: every entry once and in order', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    await using proxy = await openFaultProxy(inject('natsUrl'));
    const reader = await connected('reader', proxy.url);
    const ending = new AbortController();
    const heard = Promise.withResolvers<void>();
    const entries: LogEntry[] = [];
    const following = (async () => {
      for await (const entry of followLog(reader, space, 'l', { signal: ending.signal })) {
        entries.push(entry);
        if (entries.length === 1) heard.resolve();
        if (entries.length === 6) break;
      }
    })();
    for (let n = 0; n < 6; n++) {
      await appendAnyhow(bus, space, n);
      if (n === 0) await heard.promise;
      if (n === 2) proxy.cut();
    }
    await following;
    expect(entries.map(({ body }) => body)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(entries.at(-1)?.chain).toBe((await read(bus, space)).at(-1)?.chain);
  });

  test('is read whole although the network loses and doubles single messages of the answers', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const bodies = Array.from({ length: 30 }, (_, i) => i);
    let tip = startOfLog(space, 'l');
    for (const body of bodies) {
      const appended = await appendToLog(bus, space, 'l', body, { after: tip });
      if (appended.kind === 'appended') tip = appended.entry;
    }
    await using proxy = await openLossyProxy(inject('natsUrl'), {
      seed: 11,
      // Entries, not what ends an answer.
      drop: (frame) => (frame.verb === 'HMSG' && frameHeaders(frame).has('nats-sequence') ? 0.2 : 0),
      duplicate: () => 0.2,
    });
    const reader = await connected('reader', proxy.url);
    expect((await read(reader, space)).map(({ body }) => body)).toEqual(bodies);
    const followed: unknown[] = [];
    for await (const { body } of followLog(reader, space, 'l', { signal: AbortSignal.timeout(10_000) }))
      if (followed.push(body) === bodies.length) break;
    expect(followed).toEqual(bodies);
    expect(proxy.counts.dropped).toBeGreaterThan(0);
  });

  test('that was deleted and made anew ends the reading of who followed the old one', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    await using proxy = await openFaultProxy(inject('natsUrl'));
    const reader = await connected('reader', proxy.url);
    await appendAnyhow(bus, space, 'old');
    const following = followLog(reader, space, 'l', { signal: AbortSignal.timeout(20_000) });
    expect((await following.next()).value).toMatchObject({ body: 'old' });
    const broken = following.next().catch((error: unknown) => error);
    await deleteStreams(bus, [logStream(space)]);
    await ensureLogs(bus, space);
    proxy.cut();
    expect(await broken).toEqual(code('log-broken'));
  });

  test('gives everything a place that anybody puts into it, and ends the reading where its own record shows a gap', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    await appendAnyhow(bus, space, 'a');
    await bus.store(logSubject(space, 'l'), Buffer.from('{ "not": "ours" }'));
    const last = await appendAnyhow(bus, space, 'b');
    expect((await read(bus, space)).map(({ body }) => body)).toEqual(['a', undefined, 'b']);
    expect(last.index).toBe(3);
    const elsewhere = await appendToLog(bus, space, 'm', 'x', { after: startOfLog(space, 'm') });
    await appendAnyhow(bus, space, 'c');
    if (elsewhere.kind !== 'appended') throw new Error(elsewhere.kind);
    const skipping = readLog(bus, space, 'l', { after: { ...last, sequence: elsewhere.entry.sequence } });
    await expect(all(skipping)).rejects.toThrow(code('log-broken'));
  });

  test('lets nobody take anything out again', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const { sequence } = await appendAnyhow(bus, space, 'a');
    const stream = logStream(space);
    for (const [verb, body] of [
      ['MSG.DELETE', { seq: sequence }],
      ['PURGE', {}],
    ] as const) {
      const answer = await bus.request(`$JS.API.STREAM.${verb}.${stream}`, body, { form: 'plain' });
      expect(answer).toMatchObject({ error: { description: expect.any(String) } });
    }
    expect(await read(bus, space)).toHaveLength(1);
  });

  test('is made on demand in a space from before there were logs, by several at once', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    await deleteStreams(bus, [logStream(space)]);
    const after = startOfLog(space, 'l');
    await expect(appendToLog(bus, space, 'l', 1, { after, timeoutMs: 200 })).rejects.toThrow(
      code('stream-missing'),
    );
    const others = await Promise.all([connected('a'), connected('b')]);
    await Promise.all([bus, ...others].map((each) => ensureLogs(each, space)));
    expect(await hasStream(bus, logStream(space))).toBe(true);
    expect(await appendAnyhow(bus, space, 1)).toMatchObject({ index: 1 });
  });

  test('that is full refuses, says so, and keeps what it has', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    await deleteStreams(bus, [logStream(space)]);
    const small = spaceStreams(space).filter(({ name }) => name === logStream(space));
    await ensureStreams(
      bus,
      small.map((stream) => ({ ...stream, max_bytes: 4_096 })),
    );
    const fill = async (): Promise<void> => {
      for (let n = 0; n < 20; n++) await appendAnyhow(bus, space, 'x'.repeat(500));
    };
    await expect(fill()).rejects.toThrow(code('log-full'));
    expect((await read(bus, space)).length).toBeGreaterThan(2);
  });
});
