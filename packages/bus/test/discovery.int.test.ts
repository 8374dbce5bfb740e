/** Finding services, and being found: on a server of its own, for everybody on a server hears a sweep. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startTestServer } from '@mabeam/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectBus, discover, openDiscovery, subjects, type Bus } from '@mabeam/bus';

const at = subjects('found');
/** Far longer than any of these tests may take. */
const farMs = 60_000;

let server: Awaited<ReturnType<typeof startTestServer>>;
let bus: Bus;
let raw: NatsConnection;
let resources: AsyncDisposableStack;
beforeAll(async () => {
  server = await startTestServer();
  bus = await connectBus({ url: server.url, name: 'discovery test' });
  raw = await connect({ servers: server.url });
});
afterAll(async () => {
  await bus.close();
  await raw.close();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  resources = new AsyncDisposableStack();
  return () => resources.disposeAsync();
});

const pong = (id: string): string =>
  JSON.stringify({ type: 'io.nats.micro.v1.ping_response', name: 'raw', id, version: '1.0.0', metadata: {} });

/** Answers sweeps by hand. */
async function answerPings(answer: (respond: (text: string) => void) => void): Promise<void> {
  const subscription = raw.subscribe('$SRV.PING', {
    callback: (_, message) => answer((text) => void message.respond(text)),
  });
  resources.defer(async () => {
    subscription.unsubscribe();
    await raw.flush();
  });
  await raw.flush();
}

describe('a sweep', () => {
  it('is over soon after the last answer, not at its timeout', async () => {
    const discovery = resources.use(openDiscovery(bus, { process: 'p1', version: '1.0.0' }));
    for (let n = 0; n < 20; n++) discovery.register({ name: 'many', id: `many-${n}`, endpoints: [] });
    await bus.flush();
    const found = await discover(bus, { timeoutMs: farMs });
    expect(found.map(({ id }) => id)).toHaveLength(20);
  });

  it('with a number to expect is over with the last of them, though somebody might still answer', async () => {
    await answerPings((respond) => {
      for (const id of ['a', 'b', 'c']) respond(pong(id));
    });
    const found = await discover(bus, { timeoutMs: farMs, idleMs: farMs, expect: 2 });
    expect(found.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('waits for those who are late as long as it is told', async () => {
    let later = (): void => undefined;
    await answerPings((respond) => {
      respond(pong('early'));
      later = () => respond(pong('late'));
    });
    expect((await discover(bus, { timeoutMs: farMs })).map(({ id }) => id)).toEqual(['early']);
    const patient = discover(bus, { timeoutMs: farMs, idleMs: farMs, expect: 2 });
    // The question is at the server, and so with whoever answers it.
    await bus.flush();
    await raw.flush();
    later();
    expect((await patient).map(({ id }) => id)).toEqual(['early', 'late']);
  });

  it('of an empty server finds nobody at once, and where all keep silent nobody at its timeout', async () => {
    expect(await discover(bus, { timeoutMs: farMs })).toEqual([]);
    await answerPings(() => undefined);
    expect(await discover(bus, { timeoutMs: 20 })).toEqual([]);
  });

  it('takes no stranger for a service, and no answer of his for one that counts', async () => {
    await answerPings((respond) => {
      for (const text of ['', '{', '7', '{"type":"io.nats.micro.v1.ping_response"}', pong('sound')])
        respond(text);
    });
    const found = await discover(bus, { timeoutMs: farMs, idleMs: farMs, expect: 1 });
    expect(found.map(({ id }) => id)).toEqual(['sound']);
  });

  it('can be cancelled while it waits, and before it has begun', async () => {
    await answerPings(() => undefined);
    const cancelling = new AbortController();
    const sweep = discover(bus, { timeoutMs: farMs, signal: cancelling.signal });
    cancelling.abort();
    const isCancelled = expect.objectContaining({ code: 'cancelled' });
    await expect(sweep).rejects.toEqual(isCancelled);
    await expect(discover(bus, { timeoutMs: farMs, signal: cancelling.signal })).rejects.toEqual(isCancelled);
  });
});

describe('what a service says of itself', () => {
  it('is made up when somebody asks for INFO, and its schemas are left out where no message could carry them', async () => {
    const service = resources.use(bus.serve(at.askAgent('wordy'), () => null, { queue: 'agent' }));
    const discovery = resources.use(openDiscovery(bus, { process: 'p1', version: '1.0.0' }));
    let asked = 0;
    let size = 10;
    const metadata = (): Record<string, string> => {
      asked += 1;
      return { input: 'x'.repeat(size) };
    };
    discovery.register({ name: 'wordy', id: 'wordy-0', endpoints: [{ name: 'ask', service, metadata }] });
    await bus.flush();
    await raw.request('$SRV.PING.wordy.wordy-0', '', { timeout: 5_000 });
    await raw.request('$SRV.STATS.wordy.wordy-0', '', { timeout: 5_000 });
    expect(asked).toBe(0);
    const info = async (): Promise<unknown> =>
      (await raw.request('$SRV.INFO.wordy.wordy-0', '', { timeout: 5_000 })).json();
    const endpoint = { name: 'ask', subject: at.askAgent('wordy'), queue_group: 'agent' };
    expect(await info()).toMatchObject({ endpoints: [{ ...endpoint, metadata: { input: 'xxxxxxxxxx' } }] });
    size = bus.maxPayload;
    expect(await info()).toMatchObject({ endpoints: [{ ...endpoint, metadata: {} }] });
  });

  it('names the process of its own where it is not the responder’s', async () => {
    const discovery = resources.use(openDiscovery(bus, { process: 'p1', version: '1.0.0' }));
    discovery.register({ name: 'one', id: 'one-0', endpoints: [] });
    discovery.register({ name: 'two', id: 'two-0', endpoints: [], metadata: { 'mabeam.process': 'p2' } });
    await bus.flush();
    const found = await discover(bus, { timeoutMs: farMs, expect: 2 });
    expect(found.map(({ metadata }) => metadata['mabeam.process'])).toEqual(['p1', 'p2']);
  });
});
