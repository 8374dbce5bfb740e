/** What waits for the end of its turn of the event loop: it leaves before the connection does, or not at all. */
import { freshSpace, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  connectBus,
  ensureStreams,
  openTasks,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
} from '@mabeam/bus';

const space = freshSpace('outbox');
const at = subjects(space);
const body = Buffer.from('{}');

let observer: Bus;
beforeAll(async () => {
  observer = await connectBus({ url: inject('natsUrl'), name: 'observer' });
  await ensureStreams(observer, spaceStreams(space));
});
afterAll(() => observer.close());

/** What the JetStream API says, asked as any client would. */
const told = async (question: string): Promise<Record<string, unknown>> => {
  // The API answers with an object, also where it refuses.
  const answer = (await observer.request(`$JS.API.${question}`, {}, { form: 'plain' })) as Record<
    string,
    unknown
  >;
  return answer;
};

describe('the outbox', () => {
  it('what was to be stored when the connection closes is kept', async () => {
    const bus = await connectBus({ url: inject('natsUrl'), name: 'leaving' });
    const subject = at.event('mail', 'last', 'seen');
    // Its acknowledgement may come too late for a connection that is gone.
    const stored = bus.store(subject, body).catch(() => undefined);
    await bus.close();
    await stored;
    const second = observer.store(subject, body, { expectLastSequence: 0 });
    await expect(second).rejects.toMatchObject({ code: 'conflict' });
  });

  it('what was to be stored leaves before the end of a flush', async () => {
    await using bus = await connectBus({ url: inject('natsUrl'), name: 'flushing' });
    const heard: string[] = [];
    await using _ = observer.subscribe(at.event('mail', 'first', 'seen'), ({ subject }) =>
      heard.push(subject),
    );
    await observer.flush();
    const kept = bus.store(at.event('mail', 'first', 'seen'), body);
    await bus.flush();
    await observer.flush();
    expect(heard).toHaveLength(1);
    await kept;
  });

  it('what is published right after it does not overtake what is stored', async () => {
    await using bus = await connectBus({ url: inject('natsUrl'), name: 'orderly' });
    const heard: string[] = [];
    await using _ = observer.subscribe(at.at('event.mail.*.told'), (message) => heard.push(message.subject));
    await observer.flush();
    const kept = bus.store(at.event('mail', 'kept', 'told'), body);
    bus.publishBytes(at.event('mail', 'published', 'told'), body);
    await bus.flush();
    await observer.flush();
    expect(heard).toEqual([at.event('mail', 'kept', 'told'), at.event('mail', 'published', 'told')]);
    await kept;
  });

  it('neither a question nor what is stored at once nor a batch overtakes what is stored', async () => {
    await using bus = await connectBus({ url: inject('natsUrl'), name: 'orderly' });
    await using _service = bus.serve(at.askAgent('orderly'), () => 'here');
    const heard: string[] = [];
    await using _ = observer.subscribe(at.at('>'), ({ subject }) => heard.push(subject));
    await observer.flush();
    const [asked, stored] = [at.askAgent('orderly'), at.event('mail', 'at-once', 'told')];
    const [one, two] = [at.event('mail', 'one', 'told'), at.event('mail', 'two', 'told')];
    await bus.flush();
    const all = [
      bus.store(one, body),
      bus.request(asked, {}),
      bus.store(two, body),
      bus.store(stored, body, { atOnce: true }),
    ];
    await Promise.all(all);
    await observer.flush();
    expect(heard).toEqual([one, asked, two, stored]);
  });

  it('what is cancelled in the turn in which it was begun is never sent', async () => {
    const cancelling = new AbortController();
    const { signal } = cancelling;
    const cancelled = observer.store(at.event('mail', 'never', 'seen'), body, { signal });
    cancelling.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    const after = await observer.store(at.event('mail', 'after', 'seen'), body);
    const before = await observer.store(at.event('mail', 'after', 'seen'), body, {
      expectLastSequence: 0,
      expectSubject: at.event('mail', 'never', 'seen'),
    });
    expect(before.sequence).toBe(after.sequence + 1);
  });

  it('a worker that closes has acknowledged what it has finished', async () => {
    const bus = await connectBus({ url: inject('natsUrl'), name: 'worker' });
    const tasks = openTasks(bus, space);
    const done: string[] = [];
    const worker = tasks.work('desk', ({ id }) => done.push(id), { agent: 'reader', instance: 'reader.0' });
    await Promise.all(['a', 'b', 'c'].map((id) => tasks.submit('desk', id, null)));
    await waitFor(() => done.length === 3, { what: 'all were worked on' });
    await worker.close();
    await bus.close();
    const info = await told(`CONSUMER.INFO.${spaceNames(space).tasks}.desk`);
    expect(info).toMatchObject({ num_ack_pending: 0, num_pending: 0 });
  });

  it('a task longer than the acknowledgement wait is kept alive, however many run beside it', async () => {
    const tasks = openTasks(observer, space);
    const runs: string[] = [];
    const gate = Promise.withResolvers<void>();
    const options = { agent: 'reader', instance: 'reader.0', ackWaitMs: 700, concurrency: 3 };
    await using _ = tasks.work(
      'long',
      async ({ id }) => {
        runs.push(id);
        if (id !== 'quick') await gate.promise;
      },
      options,
    );
    await Promise.all(['slow-1', 'slow-2'].map((id) => tasks.submit('long', id, null)));
    await waitFor(() => runs.length === 2, { what: 'both have begun' });
    const since = performance.now();
    // Several waits long: a task that shows no life would have come again.
    await waitFor(() => performance.now() - since > 2_200, { what: 'three waits have passed' });
    await tasks.submit('long', 'quick', null);
    await waitFor(() => runs.length === 3, { what: 'there is room for another' });
    gate.resolve();
    await waitFor(() => tasks.outcomeOf('slow-2'), { what: 'it has ended' });
    expect(runs.toSorted()).toEqual(['quick', 'slow-1', 'slow-2']);
  });
});
