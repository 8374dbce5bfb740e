/**
 * Strangers' messages: random subjects, headers, bodies, and envelopes cut short or changed, thrown by a raw client at a live
 * service, worker, replica and reader. Nothing may crash, and every question with an inbox gets a value or a typed error.
 */
import { connect, headers as natsHeaders, type Msg, type NatsConnection } from '@nats-io/transport-node';
import fc from 'fast-check';
import { freshSpace, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  connectBus,
  ensureStreams,
  openEvents,
  openReplica,
  openTasks,
  packBytes,
  putKey,
  spaceNames,
  spaceStreams,
  subjects,
  unpackBytes,
  type Bus,
} from '@mabeam/bus';

const isLong = process.env['MABEAM_LONG'] === '1';
const runs = isLong ? 20_000 : 250;
const seed = 20_261_124;

const headerNames = [
  'Content-Type',
  'Mabeam-Deadline',
  'Mabeam-From',
  'Mabeam-Epoch',
  'Mabeam-Revision',
  'Mabeam-Stream',
  'Mabeam-Hops',
  'Mabeam-Conversation',
  'Mabeam-Task',
  'Mabeam-Part',
  'Mabeam-End',
  'Mabeam-Error',
  'Nats-Sequence',
  'Nats-Batch-Id',
  'traceparent',
];

/** Header values as NATS can carry them: one line. */
const headerValue = fc.oneof(
  fc.constantFrom('application/json', 'application/msgpack', '-1', '0', '1e309', 'NaN', '5', '', 'x.y', '*'),
  fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[^\u0020-\u007E]/g, '?')),
);
const headers = fc.dictionary(fc.constantFrom(...headerNames), headerValue, { maxKeys: 4 });

const envelopeParts = fc.tuple(
  fc.oneof(fc.constantFrom(0, 1, 2, -1, 1.5), fc.jsonValue()),
  fc.jsonValue(),
  fc.oneof(fc.nat(50), fc.constant(-5), fc.constant(null), fc.string()),
  fc.oneof(fc.string(), fc.boolean(), fc.constant(null)),
  fc.oneof(fc.string(), fc.nat(), fc.constant(null)),
  fc.oneof(fc.integer(), fc.double(), fc.constant(null)),
  fc.oneof(fc.integer(), fc.constant(null)),
  fc.oneof(fc.integer(), fc.double(), fc.string()),
  fc.oneof(fc.nat(40), fc.double(), fc.jsonValue()),
  fc.oneof(fc.string(), fc.nat(), fc.constant(null)),
);
const envelope = fc
  .tuple(envelopeParts, fc.nat(10), fc.nat(), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }))
  .map(([parts, length, cut, changes]) => {
    const bytes = Uint8Array.from(packBytes(parts.slice(0, length)));
    for (const [place, byte] of changes) if (place < bytes.length) bytes[place] = byte;
    return bytes.subarray(0, cut % 3 === 0 ? cut % (bytes.length + 1) : bytes.length);
  });
const body = fc.oneof(
  envelope,
  fc.uint8Array({ maxLength: 80 }),
  fc.json({ maxDepth: 3 }).map((text) => new TextEncoder().encode(text)),
  fc.json({ maxDepth: 2 }).map((text) => new TextEncoder().encode(text.slice(0, -1))),
);
const token = fc
  .string({ minLength: 1, maxLength: 12 })
  .map((text) => text.replaceAll(/[^\u0021-\u007E]|[.*>]/g, 'x'));

interface Thrown {
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}
const message: fc.Arbitrary<Thrown> = fc.record({ headers, body });

describe('strangers', () => {
  const space = freshSpace('fuzz');
  const at = subjects(space);
  const names = spaceNames(space);
  let bus: Bus;
  let raw: NatsConnection;
  const crashes: unknown[] = [];
  const onCrash = (error: unknown): void => void crashes.push(error);

  beforeAll(async () => {
    process.on('uncaughtException', onCrash);
    process.on('unhandledRejection', onCrash);
    bus = await connectBus({ url: inject('natsUrl'), name: 'target' });
    raw = await connect({ servers: inject('natsUrl') });
    await ensureStreams(bus, spaceStreams(space));
    bus.onReconnect(() => crashes.push('the connection was lost'));
  });
  afterAll(async () => {
    await raw.close();
    await bus.close();
    process.off('uncaughtException', onCrash);
    process.off('unhandledRejection', onCrash);
  });

  const natsHeadersOf = (pairs: Record<string, string>) => {
    const given = natsHeaders();
    for (const [name, value] of Object.entries(pairs)) given.set(name, value);
    return Object.keys(pairs).length === 0 ? {} : { headers: given };
  };

  it('every question with an inbox gets a value or a typed error', { timeout: 600_000 }, async () => {
    await using _ = bus.serve(at.askAgent('target'), ({ body: given }) => given);
    await using __ = bus.serve(at.askAgent('streams'), async function* ({ body: given }) {
      yield given;
      yield given;
    });
    await bus.flush();
    const subject = fc.constantFrom(at.askAgent('target'), at.askAgent('streams'));
    const property = fc.asyncProperty(subject, message, async (target, thrown) => {
      const answer = await raw.request(target, thrown.body, {
        timeout: 5_000,
        ...natsHeadersOf(thrown.headers),
      });
      expect(readable(answer)).toBe(true);
    });
    await fc.assert(property, { seed, numRuns: runs });
    expect(await bus.request(at.askAgent('target'), 'still there')).toBe('still there');
  });

  it(
    'cancels, acknowledgements and late answers from anybody disturb nothing',
    { timeout: 600_000 },
    async () => {
      await using _ = bus.serve(at.askAgent('calm'), ({ body: given }) => given);
      await bus.flush();
      const property = fc.asyncProperty(message, token, async (thrown, name) => {
        for (const subject of [at.at('cancel.ask.agent.calm'), '$SRV.PING', `_INBOX.${name}.1`])
          raw.publish(subject, thrown.body, natsHeadersOf(thrown.headers));
        expect(await bus.request(at.askAgent('calm'), 1)).toBe(1);
      });
      await fc.assert(property, { seed, numRuns: runs });
    },
  );

  it('a worker ends every task it is given, whatever it is', { timeout: 600_000 }, async () => {
    const count = isLong ? 2_000 : 60;
    const seen = new Set<string>();
    await using _ = openTasks(bus, space).work('fuzzed', ({ input }) => input, {
      agent: 'worker',
      instance: 'worker.0',
      concurrency: 16,
    });
    const stored = new Set<number>();
    for (const [index, thrown] of fc.sample(message, { seed, numRuns: count }).entries()) {
      const given = {
        ...thrown.headers,
        'Mabeam-Task': index % 2 === 0 ? `ok-${index}` : String(thrown.headers['Mabeam-Task'] ?? '.'),
      };
      const ack = await bus.store(at.task('fuzzed'), thrown.body, { headers: plain(given) });
      stored.add(ack.sequence);
    }
    const { tasks } = names;
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const manager = await jetstreamManager(raw);
    await waitFor(async () => (await manager.streams.info(tasks)).state.messages === 0, {
      what: 'every task has ended',
      timeoutMs: isLong ? 300_000 : 15_000,
    });
    for (let index = 0; index < count; index += 2) {
      const outcome = await openTasks(bus, space).outcomeOf(`ok-${index}`);
      if (outcome !== undefined) seen.add(outcome.task);
    }
    expect(seen.size).toBe(Math.ceil(count / 2));
  });

  it('a replica equals its bucket whatever is published beside it', { timeout: 600_000 }, async () => {
    const digest = at.signal('digest', names.bucket);
    await using replica = await openReplica(bus, { bucket: names.bucket, prefix: at.at('variable'), digest });
    const property = fc.asyncProperty(message, token, async (thrown, key) => {
      // What names a sequence far ahead is a gap that reading must close without it.
      raw.publish(`${at.at('variable')}.${key}`, thrown.body, natsHeadersOf(thrown.headers));
      raw.publish(digest, thrown.body, natsHeadersOf(thrown.headers));
      raw.publish(`$KV.${names.bucket}.space.x${key.length}`, thrown.body);
      await raw.flush();
    });
    await fc.assert(property, { seed, numRuns: runs });
    const last = await putKey(bus, names.bucket, 'space.last', 1);
    await replica.waitFor(last, 10_000);
    expect(replica.get('space.last')?.revision).toBe(last);
    expect(replica.failed.aborted).toBe(false);
  });

  it(
    'an event reader hands on every message, and its body is read or refused with a code',
    { timeout: 600_000 },
    async () => {
      const count = isLong ? 5_000 : 100;
      for (const thrown of fc.sample(message, { seed, numRuns: count }))
        await bus.store(at.event('mail', 'x', 'scored'), thrown.body, { headers: plain(thrown.headers) });
      const codes = new Set<unknown>();
      let read = 0;
      for await (const stored of openEvents(bus, space).read({ filter: 'event.mail.*.scored' })) {
        read += 1;
        try {
          stored.body();
        } catch (error) {
          codes.add(error instanceof Error && 'code' in error ? error.code : error);
        }
      }
      expect(read).toBe(count);
      expect([...codes].every((code) => code === 'malformed-message')).toBe(true);
    },
  );

  it('nothing of all this has crashed the process or cost it its connection', async () => {
    await bus.flush();
    expect(crashes).toEqual([]);
    expect(bus.connected).toBe(true);
  });
});

/** The server acts on its own headers, and refuses what it does not understand: those are left out. */
function plain(given: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith('Nats-')));
}

/** Is it an answer of ours: an envelope, or a body with headers, and as an error one with a code? */
function readable(answer: Msg): boolean {
  const code = answer.headers?.get('Mabeam-Error');
  if (code !== undefined && code !== '') return /^[a-z-]+$/.test(code);
  const first = answer.data[0] ?? 0;
  if (first < 0x90 || first > 0x9f) return answer.headers?.get('Content-Type') === 'application/json';
  const parts: unknown = unpackBytes(answer.data);
  return Array.isArray(parts) && parts[0] === 1;
}
