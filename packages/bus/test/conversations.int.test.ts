import { headers as natsHeaders, connect, type NatsConnection } from '@nats-io/transport-node';
import { freshSpace, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  connectBus,
  discover,
  MabeamError,
  openDiscovery,
  packBytes,
  subjects,
  unpackBytes,
  type Bus,
  type ServedRequest,
} from '@mabeam/bus';

const at = subjects(freshSpace('talk'));

const failureOf = async (work: Promise<unknown>): Promise<MabeamError> => {
  const outcome = await work.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );
  if (outcome instanceof MabeamError) return outcome;
  throw outcome;
};

const gather = async (parts: AsyncIterable<unknown>, seen: unknown[] = []): Promise<unknown[]> => {
  for await (const part of parts) seen.push(part);
  return seen;
};

async function* counting(to: number): AsyncGenerator<number> {
  for (let n = 0; n < to; n++) yield n;
}

let asker: Bus;
let responder: Bus;
let raw: NatsConnection;
beforeAll(async () => {
  const url = inject('natsUrl');
  asker = await connectBus({ url, name: 'asker' });
  responder = await connectBus({ url, name: 'responder' });
  raw = await connect({ servers: url });
});
afterAll(async () => {
  await asker.close();
  await responder.close();
  await raw.close();
});

describe('streamed answers', () => {
  it.each(['envelope', 'plain'] as const)(
    'parts arrive once each and in order, and the stream ends (%s)',
    async (form) => {
      await using _ = responder.serve(at.askAgent('count'), () => counting(500));
      await responder.flush();
      const parts = await gather(asker.requestStream(at.askAgent('count'), {}, { form, window: 16 }));
      expect(parts).toEqual(Array.from({ length: 500 }, (__, n) => n));
    },
  );

  it('the responder is never further ahead of its reader than the window', async () => {
    let made = 0;
    await using _ = responder.serve(at.askAgent('ahead'), async function* () {
      for (; made < 100; made++) yield made;
    });
    await responder.flush();
    let taken = 0;
    for await (const __ of asker.requestStream(at.askAgent('ahead'), {}, { window: 8 })) {
      taken += 1;
      await asker.flush();
      await responder.flush();
      expect(made).toBeLessThanOrEqual(taken + 8);
    }
    expect(taken).toBe(100);
  });

  it('a reader slower than its idle deadline keeps the stream', async () => {
    await using _ = responder.serve(at.askAgent('slow-reader'), () => counting(6));
    await responder.flush();
    const seen: unknown[] = [];
    const idleMs = 500;
    for await (const part of asker.requestStream(at.askAgent('slow-reader'), {}, { window: 2, idleMs })) {
      seen.push(part);
      const until = performance.now() + (seen.length % 3 === 2 ? idleMs + 100 : 0);
      await waitFor(() => performance.now() > until, { what: 'the reader has taken its time' });
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('leaving the loop aborts the responder and ends its iteration', async () => {
    const aborted = Promise.withResolvers<unknown>();
    const left = Promise.withResolvers<void>();
    await using service = responder.serve(
      at.askAgent('endless'),
      async function* ({ signal }: ServedRequest) {
        signal.addEventListener('abort', () => aborted.resolve(signal.reason));
        try {
          for (;;) yield 'more';
        } finally {
          left.resolve();
        }
      },
    );
    await responder.flush();
    for await (const __ of asker.requestStream(at.askAgent('endless'), {})) break;
    expect(await aborted.promise).toMatchObject({ code: 'cancelled' });
    await left.promise;
    await waitFor(() => service.running === 0, { what: 'the responder is free again' });
  });

  it.each(['envelope', 'plain'] as const)(
    'an error in the middle arrives typed, after the parts before it (%s)',
    async (form) => {
      await using _ = responder.serve(at.askAgent('breaks'), async function* () {
        yield 1;
        yield 2;
        throw new MabeamError('out-of-domain', { retryable: false, exit: 2 }, 'too high');
      });
      await responder.flush();
      const seen: unknown[] = [];
      const error = await failureOf(gather(asker.requestStream(at.askAgent('breaks'), {}, { form }), seen));
      expect(error).toMatchObject({ code: 'out-of-domain', exit: 2 });
      expect(seen).toEqual([1, 2]);
    },
  );

  it('a responder that falls silent ends the stream at the idle deadline, and is told to stop', async () => {
    const aborted = Promise.withResolvers<void>();
    await using _ = responder.serve(at.askAgent('silent'), async function* ({ signal }: ServedRequest) {
      yield 'first';
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted.resolve();
    });
    await responder.flush();
    const error = await failureOf(gather(asker.requestStream(at.askAgent('silent'), {}, { idleMs: 60 })));
    expect(error.code).toBe('deadline-exceeded');
    await aborted.promise;
  });

  it('an answer in one piece is a stream of one part, and nobody there is no-responders', async () => {
    await using _ = responder.serve(at.askAgent('single'), () => 'all of it');
    await responder.flush();
    expect(await gather(asker.requestStream(at.askAgent('single'), {}))).toEqual(['all of it']);
    const nobody = gather(asker.requestStream(at.askAgent('nobody'), {}));
    expect((await failureOf(nobody)).code).toBe('no-responders');
  });

  it('who asks for one answer is not given a stream', async () => {
    await using _ = responder.serve(at.askAgent('stream-only'), () => counting(3));
    await responder.flush();
    expect((await failureOf(asker.request(at.askAgent('stream-only'), {}))).code).toBe('streamed-answer');
  });

  it('a part that is missing is noticed, and one that comes twice is not handed on', async () => {
    const script = (indexes: readonly number[]): void => {
      const subscription = raw.subscribe(at.askAgent('lossy'), {
        max: 1,
        callback: (_error, message) => {
          for (const index of indexes) message.respond(packBytes([1, index, null, index]));
          message.respond(packBytes([1, null, null, 3, true]));
        },
      });
      expect(subscription.isClosed()).toBe(false);
    };
    script([0, 0, 1, 1, 2]);
    await raw.flush();
    expect(await gather(asker.requestStream(at.askAgent('lossy'), {}))).toEqual([0, 1, 2]);
    script([0, 2]);
    await raw.flush();
    const broken = failureOf(gather(asker.requestStream(at.askAgent('lossy'), {})));
    expect(await broken).toMatchObject({ code: 'stream-broken', retryable: true });
  });
});

describe('cancelling', () => {
  it.each(['envelope', 'plain'] as const)(
    "an asker's abort reaches the one handler that works for it, and no other (%s)",
    async (form) => {
      const aborted: unknown[] = [];
      const started = Promise.withResolvers<void>();
      const release = Promise.withResolvers<string>();
      await using service = responder.serve(
        at.askAgent('patient'),
        ({ body, signal }) => {
          signal.addEventListener('abort', () => aborted.push(body));
          if (service.running === 1) started.resolve();
          return release.promise;
        },
        { queue: 'agent' },
      );
      await responder.flush();
      const abort = new AbortController();
      const stays = asker.request(at.askAgent('patient'), 'stays', { form });
      const leaves = failureOf(
        asker.request(at.askAgent('patient'), 'leaves', { form, signal: abort.signal }),
      );
      await started.promise;
      abort.abort();
      expect((await leaves).code).toBe('cancelled');
      await waitFor(() => aborted.length > 0, { what: 'the handler is told' });
      release.resolve('done');
      expect(await stays).toBe('done');
      expect(aborted).toEqual(['leaves']);
    },
  );

  it('a signal that has aborted already sends nothing', async () => {
    let asked = 0;
    await using _ = responder.serve(at.askAgent('unasked'), () => (asked += 1));
    await responder.flush();
    const signal = AbortSignal.abort();
    expect((await failureOf(asker.request(at.askAgent('unasked'), {}, { signal }))).code).toBe('cancelled');
    expect(await asker.request(at.askAgent('unasked'), {})).toBe(1);
  });
});

describe('answers that cannot be sent', () => {
  it('a question whose time is already up is not worked on', async () => {
    let worked = 0;
    await using _ = responder.serve(at.askAgent('late'), () => (worked += 1));
    await responder.flush();
    const question = packBytes([1, {}, 0, null, null, null, null]);
    const answer: unknown = unpackBytes((await raw.request(at.askAgent('late'), question)).data);
    expect(answer).toMatchObject([1, null, { code: 'deadline-exceeded' }]);
    expect(worked).toBe(0);
  });

  it('an answer larger than a message may be is a typed error, and the connection stays', async () => {
    await using _ = responder.serve(at.askAgent('large'), () => 'x'.repeat(responder.maxPayload + 1));
    await responder.flush();
    expect((await failureOf(asker.request(at.askAgent('large'), {}))).code).toBe('payload-too-large');
    expect(responder.connected).toBe(true);
  });

  it('closing answers those whose handlers ignore it, within its bound', async () => {
    const service = responder.serve(at.askAgent('deaf'), ({ signal }) => {
      expect(signal.aborted).toBe(false);
      return new Promise<never>(() => undefined);
    });
    await responder.flush();
    const pending = failureOf(asker.request(at.askAgent('deaf'), {}));
    await waitFor(() => service.running === 1, { what: 'the question is here' });
    await service.close(20);
    expect((await pending).code).toBe('closed');
  });
});

describe('protocol versions', () => {
  it.each([0, 2])(
    'a question in version %i is refused in the plain form, which every version reads',
    async (v) => {
      await using _ = responder.serve(at.askAgent('judge'), () => 'ok');
      await responder.flush();
      const question = packBytes([v, {}, 1_000, null, null, null, null]);
      const answer = await raw.request(at.askAgent('judge'), question, { timeout: 2_000 });
      expect(answer.headers?.get('Mabeam-Error')).toBe('protocol-version');
      expect(answer.json()).toMatchObject({ code: 'protocol-version', details: { theirs: v, ours: 1 } });
    },
  );

  it.each([0, 2])('an answer in version %i is refused by the asker, naming both', async (v) => {
    raw.subscribe(at.askAgent('other'), {
      max: 1,
      callback: (_error, message) => void message.respond(packBytes([v, 'hello', null])),
    });
    await raw.flush();
    expect(await failureOf(asker.request(at.askAgent('other'), {}))).toMatchObject({
      code: 'protocol-version',
      details: { theirs: v, ours: 1 },
    });
  });

  it('the refusal of a responder of another version reaches us as its error', async () => {
    raw.subscribe(at.askAgent('newer'), {
      max: 1,
      callback: (_error, message) => {
        const given = natsHeaders();
        given.set('Mabeam-Error', 'protocol-version');
        given.set('Nats-Service-Error-Code', '505');
        message.respond('{"code":"protocol-version","message":"I speak 2","retryable":false}', {
          headers: given,
        });
      },
    });
    await raw.flush();
    expect((await failureOf(asker.request(at.askAgent('newer'), {}))).code).toBe('protocol-version');
  });

  it('the plain form works with every version, and later elements of an envelope are ignored', async () => {
    await using _ = responder.serve(at.askAgent('plain'), ({ body }) => body);
    await responder.flush();
    expect((await raw.request(at.askAgent('plain'), '{"x":1}', { timeout: 2_000 })).json()).toEqual({ x: 1 });
    const known = [1, 'body', null, null, null, null, null, null, null, null];
    const longer = packBytes([...known, 'later', 'still later']);
    const answer = await raw.request(at.askAgent('plain'), longer, { timeout: 2_000 });
    expect(unpackBytes(answer.data)).toEqual([1, 'body', null]);
  });
});

describe('discovery', () => {
  it('one responder answers for all services of the process, in the words of ADR-32', async () => {
    await using service = responder.serve(at.askAgent('found'), ({ body }) => {
      if (body === 'bad') throw new Error('no');
      return body;
    });
    await using discovery = openDiscovery(responder, { process: 'p1', version: '1.2.3' });
    const name = at.space;
    const endpoints = [{ name: 'ask', service, metadata: { input: '{"type":"object"}' } }];
    using _one = discovery.register({ name, id: 'found-0', description: 'finds', endpoints });
    using _two = discovery.register({ name, id: 'found-1', endpoints: [] });
    await responder.flush();
    await asker.request(at.askAgent('found'), 'good');
    await failureOf(asker.request(at.askAgent('found'), 'bad'));

    const seen = await discover(asker, { name, timeoutMs: 2_000 });
    expect(seen.map(({ id, version, metadata }) => [id, version, metadata['mabeam.process']])).toEqual([
      ['found-0', '1.2.3', 'p1'],
      ['found-1', '1.2.3', 'p1'],
    ]);
    const info = await raw.request(`$SRV.INFO.${name}.found-0`, '', { timeout: 2_000 });
    expect(info.json()).toEqual({
      type: 'io.nats.micro.v1.info_response',
      name,
      id: 'found-0',
      version: '1.2.3',
      description: 'finds',
      metadata: { 'mabeam.process': 'p1' },
      endpoints: [
        {
          name: 'ask',
          subject: at.askAgent('found'),
          queue_group: '',
          metadata: { input: '{"type":"object"}' },
        },
      ],
    });
    const stats = (await raw.request(`$SRV.STATS.${name}.found-0`, '', { timeout: 2_000 })).json<{
      readonly type: string;
      readonly started: string;
      readonly endpoints: readonly Record<string, unknown>[];
    }>();
    expect(stats.type).toBe('io.nats.micro.v1.stats_response');
    expect(new Date(stats.started).toISOString()).toBe(stats.started);
    expect(stats.endpoints[0]).toMatchObject({
      num_requests: 2,
      num_errors: 1,
      last_error: 'handler-failed: no',
    });
    const [endpoint] = stats.endpoints;
    expect(Number.isInteger(endpoint?.['processing_time'])).toBe(true);
    expect(Number(endpoint?.['average_processing_time'])).toBeGreaterThan(0);
  });

  it('a name that cannot be a subject is refused, and so is an id taken twice', async () => {
    await using discovery = openDiscovery(responder, { process: 'p1', version: '1.0.0' });
    using _ = discovery.register({ name: 'once', id: 'once-0', endpoints: [] });
    const taken = expect.objectContaining({ code: 'conflict' });
    expect(() => discovery.register({ name: 'once', id: 'once-0', endpoints: [] })).toThrow(taken);
    const invalid = expect.objectContaining({ code: 'invalid-id' });
    expect(() => discovery.register({ name: 'a.b', id: 'x', endpoints: [] })).toThrow(invalid);
  });
});
