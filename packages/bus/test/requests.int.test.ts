import { freshSpace, openFaultProxy, startTestServer, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  connectBus,
  lastSequence,
  MabeamError,
  openEvents,
  publicUrl,
  subjects,
  type Bus,
} from '@mabeam/bus';

const at = subjects(freshSpace('requests'));
const failureOf = async (work: Promise<unknown>): Promise<MabeamError> => {
  const outcome = await work.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );
  if (outcome instanceof MabeamError) return outcome;
  throw outcome;
};

describe('requests', () => {
  let asker: Bus;
  let responder: Bus;
  beforeAll(async () => {
    const url = inject('natsUrl');
    asker = await connectBus({ url, name: 'asker' });
    responder = await connectBus({ url, name: 'responder' });
  });
  afterAll(async () => {
    await asker.close();
    await responder.close();
  });

  it('an answer comes back with sender, epoch and remaining time seen by the responder', async () => {
    await using service = responder.serve(at.askAgent('echo'), ({ body, from, epoch, remainingMs }) => ({
      body,
      from,
      epoch,
      remainingMs,
    }));
    await responder.flush();
    const answer = await asker.request(
      at.askAgent('echo'),
      { mail: 1 },
      { from: 'reader', epoch: 4, timeoutMs: 900 },
    );
    expect(answer).toEqual({ body: { mail: 1 }, from: 'reader', epoch: 4, remainingMs: 900 });
    expect(service.running).toBe(0);
  });

  it('a question nobody serves is refused at once, as retryable', async () => {
    const error = await failureOf(asker.request(at.askAgent('nobody'), {}));
    expect(error).toMatchObject({ code: 'no-responders', retryable: true });
  });

  it('the responder sees the deadline pass: its signal aborts and the asker gets deadline-exceeded', async () => {
    const aborted = Promise.withResolvers<void>();
    await using _ = responder.serve(at.askAgent('slow'), async ({ signal }) => {
      signal.addEventListener('abort', () => aborted.resolve());
      await aborted.promise;
    });
    await responder.flush();
    expect(await failureOf(asker.request(at.askAgent('slow'), {}, { timeoutMs: 60 }))).toMatchObject({
      code: 'deadline-exceeded',
    });
    await aborted.promise;
  });

  it("a handler's typed error arrives with its code; a stranger's exception without its stack", async () => {
    await using _ = responder.serve(at.askAgent('failing'), ({ body }) => {
      if (body === 'typed')
        throw new MabeamError('out-of-domain', { retryable: false, exit: 2 }, 'threshold: too high');
      throw new TypeError('x is undefined');
    });
    await responder.flush();
    expect(await failureOf(asker.request(at.askAgent('failing'), 'typed'))).toMatchObject({
      code: 'out-of-domain',
      exit: 2,
    });
    const error = await failureOf(asker.request(at.askAgent('failing'), 'other'));
    expect(error).toMatchObject({ code: 'handler-failed', message: 'x is undefined' });
  });

  it('a full responder refuses with overloaded instead of queueing', async () => {
    const gate = Promise.withResolvers<void>();
    await using _ = responder.serve(at.askAgent('busy'), () => gate.promise, { concurrency: 1 });
    await responder.flush();
    const first = asker.request(at.askAgent('busy'), 1);
    expect(await failureOf(asker.request(at.askAgent('busy'), 2))).toMatchObject({
      code: 'overloaded',
      retryable: true,
    });
    gate.resolve();
    expect(await first).toBeNull();
  });

  it('a cancelled request rejects at once', async () => {
    const gate = Promise.withResolvers<void>();
    await using _ = responder.serve(at.askAgent('patient'), () => gate.promise);
    await responder.flush();
    const abort = new AbortController();
    const pending = failureOf(asker.request(at.askAgent('patient'), {}, { signal: abort.signal }));
    abort.abort();
    expect(await pending).toMatchObject({ code: 'cancelled' });
    gate.resolve();
  });

  it('a reply subject that is no inbox is never written to', async () => {
    await using _ = responder.serve(at.askAgent('deputy'), () => 'secret');
    const seen: string[] = [];
    await using spy = asker.subscribe(at.at('event.>'), ({ subject }) => seen.push(subject));
    await responder.flush();
    await asker.flush();
    // A raw publish with a forged reply subject, as any client can send it.
    const socket = await rawClient(inject('natsUrl'));
    socket.write(`PUB ${at.askAgent('deputy')} ${at.event('agent', 'judge', 'failed')} 2\r\n{}\r\n`);
    expect(await asker.request(at.askAgent('deputy'), {})).toBe('secret');
    socket.destroy();
    expect(seen).toEqual([]);
    expect(spy.subject).toBe(at.at('event.>'));
  });

  it('a plain JSON question with headers gets a plain JSON answer, and a coded error in headers', async () => {
    await using _ = responder.serve(at.askAgent('plain'), ({ body, from }) => {
      if (body === 'bad')
        throw new MabeamError('invalid-input', { retryable: false, status: 400 }, 'subject: required');
      return { body, from };
    });
    await responder.flush();
    const { connect, headers } = await import('@nats-io/transport-node');
    const client = await connect({ servers: inject('natsUrl') });
    const given = headers();
    given.set('Mabeam-From', 'shell');
    const answer = await client.request(at.askAgent('plain'), '{"mail":1}', {
      timeout: 2_000,
      headers: given,
    });
    expect(answer.json()).toEqual({ body: { mail: 1 }, from: 'shell' });
    const refusal = await client.request(at.askAgent('plain'), '"bad"', { timeout: 2_000 });
    expect(refusal.headers?.get('Mabeam-Error')).toBe('invalid-input');
    expect(refusal.headers?.get('Nats-Service-Error-Code')).toBe('400');
    const malformed = await client.request(at.askAgent('plain'), '{"mail":', { timeout: 2_000 });
    expect(malformed.headers?.get('Mabeam-Error')).toBe('malformed-message');
    await client.close();
  });

  it('a plain question of ours is JSON with headers, and says the same as an envelope', async () => {
    await using _ = responder.serve(at.askAgent('both'), ({ body, from, epoch, remainingMs }) => ({
      body,
      from,
      epoch,
      remainingMs,
    }));
    await responder.flush();
    const options = { from: 'judge', epoch: 3, timeoutMs: 700 } as const;
    const [plain, envelope] = await Promise.all([
      asker.request(at.askAgent('both'), { mail: 1 }, { ...options, form: 'plain' }),
      asker.request(at.askAgent('both'), { mail: 1 }, options),
    ]);
    expect(plain).toEqual(envelope);
    expect(plain).toEqual({ body: { mail: 1 }, from: 'judge', epoch: 3, remainingMs: 700 });
  });

  it('everybody on a subject is asked, and who is silent is simply absent', async () => {
    await using first = responder.serve(at.at('round.all.count.ask'), () => 1);
    await using second = responder.serve(at.at('round.all.count.ask'), () => 2);
    await responder.flush();
    const answers = await asker.requestAll(at.at('round.all.count.ask'), {}, { expect: 2, timeoutMs: 2_000 });
    expect(new Set(answers)).toEqual(new Set([1, 2]));
    expect(first.running + second.running).toBe(0);
  });
});

describe('an unreliable server', () => {
  it('refuses to publish while disconnected, fails open questions at once, and says when it is back', async () => {
    await using server = await startTestServer();
    await using proxy = await openFaultProxy(server.url);
    await using asker = await connectBus({ url: proxy.url, name: 'asker' });
    await using responder = await connectBus({ url: server.url, name: 'responder' });
    const asked = Promise.withResolvers<void>();
    await using _ = responder.serve(at.askAgent('deaf'), async ({ signal }) => {
      asked.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    await responder.flush();
    const pending = failureOf(asker.request(at.askAgent('deaf'), {}, { timeoutMs: 1_000 }));
    await asked.promise;
    const back = Promise.withResolvers<void>();
    using _listener = asker.onReconnect(() => back.resolve());
    proxy.refuse();
    proxy.cut();
    expect(await pending).toMatchObject({ code: 'disconnected', retryable: true });
    expect(() => asker.publish(at.signal('metrics', 'x'), {})).toThrow(
      expect.objectContaining({ code: 'disconnected' }),
    );
    proxy.accept();
    await back.promise;
    asker.publish(at.signal('metrics', 'x'), {});
  });

  it('closes within its bound when the server has gone silent', async () => {
    await using server = await startTestServer();
    await using proxy = await openFaultProxy(server.url);
    const bus = await connectBus({ url: proxy.url, name: 'silent' });
    proxy.freeze();
    await bus.close(50);
    expect(bus.connected).toBe(false);
  });

  it('names the cure when no server answers', async () => {
    const error = await failureOf(
      connectBus({ url: 'nats://127.0.0.1:1', name: 'x', connectTimeoutMs: 200 }),
    );
    expect(error).toMatchObject({ code: 'server-unavailable', exit: 5 });
    expect(error.message).toMatch(/mabeam dev/);
  });

  it('a server without JetStream is refused with the cure', async () => {
    const { createServer } = await import('node:net');
    const fake = createServer((socket) => {
      socket.write('INFO {"server_id":"x","version":"2.15.0","max_payload":1048576,"headers":true}\r\n');
      socket.on('data', () => socket.write('PONG\r\n'));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve));
    const address = fake.address();
    const port = typeof address === 'object' ? address?.port : 0;
    expect(
      await failureOf(connectBus({ url: `nats://127.0.0.1:${port}`, name: 'x', connectTimeoutMs: 500 })),
    ).toMatchObject({ code: 'jetstream-missing' });
    fake.close();
  });

  it('is told who connects, and what it says to people does not show it', async () => {
    const { createServer } = await import('node:net');
    const said: string[] = [];
    const fake = createServer((socket) => {
      socket.write(
        'INFO {"server_id":"x","version":"2.15.0","max_payload":1048576,"auth_required":true}\r\n',
      );
      socket.on('data', (data) => {
        said.push(data.toString());
        socket.write("-ERR 'Authorization Violation'\r\n");
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve));
    const address = fake.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const url = `nats://desk:s%40cret@127.0.0.1:${port}`;
    const error = await failureOf(connectBus({ url, name: 'x', connectTimeoutMs: 200 }));
    fake.close();
    expect(said.join('')).toMatch(/"user":"desk","pass":"s@cret"/);
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/cret/);
    expect(publicUrl(url)).toBe(`nats://127.0.0.1:${port}`);
  });

  it('closing twice is nothing, and afterwards every use says closed', async () => {
    const bus = await connectBus({ url: inject('natsUrl'), name: 'short' });
    const since = performance.now();
    await Promise.all([bus.close(), bus.close()]);
    await bus.close();
    expect(performance.now() - since).toBeLessThan(1_500);
    const closed = expect.objectContaining({ code: 'closed' });
    expect(await failureOf(bus.request(at.askAgent('x'), {}))).toEqual(closed);
    expect(await failureOf(bus.flush())).toEqual(closed);
    expect(await failureOf(openEvents(bus, 'x').follow({ from: 'new' }).next())).toEqual(closed);
    expect(await failureOf(lastSequence(bus, 'x'))).toEqual(closed);
    expect(() => bus.subscribe(at.askAgent('x'), () => undefined)).toThrow(closed);
    expect(() => bus.serve(at.askAgent('x'), () => 1)).toThrow(closed);
    await waitFor(() => !bus.connected, { what: 'the bus says it is not connected' });
  });
});

async function rawClient(url: string): Promise<import('node:net').Socket> {
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.write('CONNECT {"verbose":false}\r\n');
  return socket;
}
