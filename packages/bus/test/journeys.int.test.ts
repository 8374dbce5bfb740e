/** What travels with a question, a task and an event: how many agents it has passed, and its conversation. */
import { connect, headers as natsHeaders, type NatsConnection } from '@nats-io/transport-node';
import { freshSpace, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  connectBus,
  ensureStreams,
  isConversation,
  openEvents,
  openTasks,
  spaceStreams,
  subjects,
  type Bus,
  type ServedRequest,
  type Task,
} from '@mabeam/bus';

const space = freshSpace('journeys');
const at = subjects(space);
const invalid = expect.objectContaining({ code: 'invalid-id' });

let bus: Bus;
let raw: NatsConnection;
beforeAll(async () => {
  const url = inject('natsUrl');
  bus = await connectBus({ url, name: 'journeys' });
  raw = await connect({ servers: url });
  await ensureStreams(bus, spaceStreams(space));
});
afterAll(async () => {
  await raw.close();
  await bus.close();
});

const tell = ({ hops, conversation }: ServedRequest): unknown => ({ hops, conversation });

describe('the journey of a question', () => {
  it.each(['envelope', 'plain'] as const)('arrives with the question, in the form %s', async (form) => {
    await using _ = bus.serve(at.askAgent(form), tell);
    const journey = { hops: 3, conversation: 'mail-17.A_b' };
    expect(await bus.request(at.askAgent(form), null, { form, ...journey })).toEqual(journey);
  });

  it('without one nothing was passed, and the responder names the conversation, once', async () => {
    await using _ = bus.serve(at.askAgent('new'), (request) => [
      request.hops,
      request.conversation,
      request.conversation,
    ]);
    // The answer is what the handler above makes of it.
    const read = async (): Promise<[number, string, string]> =>
      (await bus.request(at.askAgent('new'), null)) as [number, string, string];
    const [[hops, first, again], [, other]] = [await read(), await read()];
    expect([hops, again]).toEqual([0, first]);
    expect([isConversation(first), first === other]).toEqual([true, false]);
  });

  it.each([
    [{ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }, true],
    [{ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' }, false],
  ])('a recorded trace is the conversation, one that is not recorded is none: %o', async (pairs, isIt) => {
    await using _ = bus.serve(at.askAgent('traced'), ({ conversation }) => conversation);
    await bus.flush();
    const headers = natsHeaders();
    for (const [name, value] of Object.entries(pairs)) headers.set(name, value);
    const answer = await raw.request(at.askAgent('traced'), 'null', { timeout: 2_000, headers });
    expect(answer.json() === '0af7651916cd43dd8448eb211c80319c').toBe(isIt);
  });

  it.each([
    ['Mabeam-Hops', 'many'],
    ['Mabeam-Hops', '-1'],
    ['Mabeam-Conversation', 'two words'],
    ['Mabeam-Conversation', 'x'.repeat(129)],
  ])('a header %s: %s is refused', async (name, value) => {
    await using _ = bus.serve(at.askAgent('strict'), tell);
    await bus.flush();
    const headers = natsHeaders();
    headers.set(name, value);
    const answer = await raw.request(at.askAgent('strict'), 'null', { timeout: 2_000, headers });
    expect(answer.headers?.get('Mabeam-Error')).toBe('malformed-message');
  });

  it('a name that is none is refused before it is sent', async () => {
    const conversation = 'no spaces';
    await expect(bus.request(at.askAgent('nobody'), null, { conversation })).rejects.toEqual(invalid);
    await expect(openTasks(bus, space).submit('desk', 't0', null, { conversation })).rejects.toEqual(invalid);
    const published = openEvents(bus, space).publish('mail', 'm0', 'seen', null, { conversation });
    await expect(published).rejects.toEqual(invalid);
  });
});

describe('the journey of what is kept', () => {
  it('a task belongs to its conversation at each attempt, or to itself', async () => {
    const tasks = openTasks(bus, space);
    const seen: Pick<Task, 'id' | 'attempt' | 'hops' | 'conversation'>[] = [];
    const work = ({ id, attempt, hops, conversation }: Task): void => {
      seen.push({ id, attempt, hops, conversation });
      if (id === 'led' && attempt === 1) throw new Error('again');
    };
    await using _ = tasks.work('desk', work, { agent: 'reader', instance: 'reader.0' });
    await tasks.submit('desk', 'led', null, { hops: 2, conversation: 'talk' });
    await tasks.submit('desk', 'alone', null);
    await waitFor(() => seen.length === 3, { what: 'both were worked on, one of them twice' });
    expect(seen.toSorted((a, b) => a.id.localeCompare(b.id) || a.attempt - b.attempt)).toEqual([
      { id: 'alone', attempt: 1, hops: 0, conversation: 'alone' },
      { id: 'led', attempt: 1, hops: 2, conversation: 'talk' },
      { id: 'led', attempt: 2, hops: 2, conversation: 'talk' },
    ]);
  });

  it('a task whose journey makes no sense ends as failed', async () => {
    const tasks = openTasks(bus, space);
    await using _ = tasks.work('strict', () => 'done', { agent: 'reader', instance: 'reader.0' });
    await bus.store(at.task('strict'), Buffer.from('null'), {
      headers: { 'Content-Type': 'application/json', 'Mabeam-Task': 'odd', 'Mabeam-Hops': 'many' },
    });
    const outcome = await waitFor(() => tasks.outcomeOf('odd'), { what: 'the task has ended' });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'malformed-message' } });
  });

  it('an event says which conversation it belongs to', async () => {
    const events = openEvents(bus, space);
    await events.publish('mail', 'm1', 'seen', { n: 1 }, { conversation: 'talk' });
    for await (const event of events.read({ filter: 'event.mail.m1.seen' })) {
      expect(event.headers.get('mabeam-conversation')).toBe('talk');
    }
    expect.assertions(1);
  });
});
