/** What agents send along edges: data that is kept, commands, and what may be lost. */
import { openEvents, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import {
  defineAgent,
  edgeHandler,
  edgeSubject,
  type AgentContext,
  type CrewMember,
  type EdgeHandler,
  type EdgeHandlers,
} from '@mabeam/agents';
import { countConsumers, openStage, type Stage } from './stage.ts';

describe('edges', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage(inject('natsUrl'));
  });
  afterEach(() => stage[Symbol.asyncDispose]());

  /** A sender whose ways are handed out: what an agent may do between its calls. */
  const speaker = (
    id: string,
  ): { readonly member: CrewMember; readonly ways: () => Promise<AgentContext> } => {
    let held = Promise.withResolvers<AgentContext>();
    const ways = async (): Promise<AgentContext> => {
      held = Promise.withResolvers<AgentContext>();
      await stage.bus.request(subjects(stage.space).askAgent(id), null);
      return held.promise;
    };
    const definition = defineAgent({ ask: (_input, context) => held.resolve(context) });
    return { member: { id, definition }, ways };
  };

  const receiver = (id: string, edges: EdgeHandlers): CrewMember => ({
    id,
    definition: defineAgent({ edges }),
  });

  const deadLetters = async (): Promise<readonly { reason: string; body: unknown }[]> => {
    const letters: { reason: string; body: unknown }[] = [];
    for await (const event of openEvents(stage.bus, stage.space).read({ filter: 'event.edge.*.dead' })) {
      letters.push(letterSchema.parse(event.json()));
    }
    return letters;
  };
  const letterSchema = z.object({ reason: z.string(), body: z.unknown() });

  it('data is kept while its receiver is away, and comes in order, once, with its sender', async () => {
    const from = speaker('words');
    await stage.define({ id: 'judge' });
    await stage.crew([from.member]);
    const { send } = await from.ways();
    for (const n of [1, 2, 3]) expect(await send('judge', 'data', n)).toMatchObject({ kind: 'kept' });
    const taken: unknown[] = [];
    await stage.crew([
      receiver('judge', { data: (body, { from: sender, kind }) => taken.push([sender, kind, body]) }),
    ]);
    await waitFor(() => taken.length >= 3, { what: 'all have come' });
    await send('judge', 'data', 4);
    await waitFor(() => taken.length >= 4, { what: 'the live one has come' });
    expect(taken).toEqual([1, 2, 3, 4].map((n) => ['words', 'data', n]));
    expect(await countConsumers(stage.bus, stage.space)).toBe(1);
  });

  it('data whose handler fails comes again before anything after it', async () => {
    const from = speaker('words');
    await stage.define({ id: 'judge' });
    const taken: unknown[] = [];
    const judge = receiver('judge', {
      data: (body, { attempt }) => {
        taken.push([body, attempt]);
        if (body === 1 && attempt < 3) throw new Error('not yet');
      },
    });
    await stage.crew([from.member, judge]);
    const { send } = await from.ways();
    await send('judge', 'data', 1);
    await send('judge', 'data', 2);
    await waitFor(() => taken.length >= 4, { what: 'both are dealt with' });
    expect(taken).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 1],
    ]);
    expect(await deadLetters()).toEqual([]);
  });

  it('data that does not fit, or fails for good, goes to the dead letters with its reason, and the next one comes', async () => {
    const from = speaker('words');
    await stage.define({ id: 'judge' });
    const taken: unknown[] = [];
    const data = edgeHandler({
      input: z.object({ n: z.number() }),
      run: ({ n }) => {
        if (n === 1) throw new Error('poison');
        taken.push(n);
      },
    });
    await stage.crew([from.member, receiver('judge', { data })]);
    const { send } = await from.ways();
    for (const body of [{ n: 'one' }, { n: 1 }, { n: 2 }]) await send('judge', 'data', body);
    await waitFor(() => taken.length > 0, { what: 'the good one has come', timeoutMs: 10_000 });
    expect(taken).toEqual([2]);
    expect(await deadLetters()).toEqual([
      { reason: 'invalid-input', body: { n: 'one' } },
      { reason: 'handler-failed', body: { n: 1 } },
    ]);
  });

  it('what was admitted stays deliverable when its edge is gone; what was not goes to the dead letters', async () => {
    const from = speaker('words');
    await stage.define({ id: 'judge' });
    await stage.crew([from.member]);
    await stage.wire(['words', 'judge', 'links'], [['words', 'judge']]);
    await (await from.ways()).send('judge', 'data', 'admitted');
    const epoch = await stage.wire(['words', 'judge', 'links'], []);
    await expect((await from.ways()).send('judge', 'data', 'late')).rejects.toMatchObject({
      code: 'edge-not-permitted',
    });
    const forged = edgeSubject(subjects(stage.space), 'links', 'judge', 'data');
    const headers = { 'Content-Type': 'application/json', 'Mabeam-Epoch': `${epoch}` };
    await stage.bus.store(forged, Buffer.from('"forged"'), { headers });
    await stage.bus.store(forged, Buffer.from('"silent"'));
    const taken: unknown[] = [];
    await stage.crew([receiver('judge', { data: (body) => taken.push(body) })]);
    await waitFor(async () => (await deadLetters()).length >= 2, { what: 'two were given up' });
    expect(taken).toEqual(['admitted']);
    expect(await deadLetters()).toEqual([
      { reason: 'edge-not-permitted', body: 'forged' },
      { reason: 'edge-not-permitted', body: 'silent' },
    ]);
  });

  it('data for an agent the space does not define is refused, not kept for nobody', async () => {
    const from = speaker('words');
    await stage.crew([from.member]);
    const sending = (await from.ways()).send('judge', 'data', 1);
    await expect(sending).rejects.toMatchObject({ code: 'unknown-agent' });
  });

  it('feedback comes along an edge and is dropped off the edges, and a slow receiver holds nobody up', async () => {
    const [judge, links] = [speaker('judge'), speaker('links')];
    const heard: unknown[] = [];
    const gate = Promise.withResolvers<void>();
    const words = receiver('words', {
      feedback: async (body, { from }) => {
        heard.push([from, body]);
        await gate.promise;
      },
    });
    await stage.crew([judge.member, links.member, words]);
    await stage.wire(['judge', 'links', 'words'], [['judge', 'words']]);
    const { send } = await judge.ways();
    for (let n = 0; n < 3; n += 1) expect(await send('words', 'feedback', n)).toEqual({ kind: 'sent' });
    const forged = edgeSubject(subjects(stage.space), 'links', 'words', 'feedback');
    stage.bus.publish(forged, 'forged');
    await send('words', 'feedback', 'last');
    await waitFor(() => heard.length >= 4, { what: 'those on the edge were heard' });
    expect(heard).toEqual([0, 1, 2, 'last'].map((body) => ['judge', body]));
    await expect((await links.ways()).send('words', 'feedback', 1)).rejects.toMatchObject({
      code: 'edge-not-permitted',
    });
    gate.resolve();
  });

  it('what a full receiver of feedback has no room for is dropped, not queued', async () => {
    const judge = speaker('judge');
    const gate = Promise.withResolvers<void>();
    const last = Promise.withResolvers<void>();
    let heard = 0;
    const words = receiver('words', {
      feedback: () => {
        heard += 1;
        return gate.promise;
      },
      coordination: () => last.resolve(),
    });
    await stage.crew([judge.member, words]);
    const { send } = await judge.ways();
    for (let n = 0; n < 300; n += 1) await send('words', 'feedback', n);
    await send('words', 'coordination', 'the connection keeps the order');
    await last.promise;
    expect(heard).toBe(256);
    gate.resolve();
  });

  it('both ends of an edge may begin a coordination, but only its source may supervise along it', async () => {
    const words = speaker('words');
    const heard: unknown[] = [];
    const judge = receiver('judge', {
      coordination: (body) => heard.push(body),
      supervision: (body) => heard.push(body),
    });
    await stage.crew([words.member, judge]);
    await stage.wire(['judge', 'words'], [['judge', 'words']]);
    const { send } = await words.ways();
    await send('judge', 'coordination', 'vote');
    await waitFor(() => heard.length > 0, { what: 'the vote was heard' });
    await expect(send('judge', 'supervision', 'watch')).rejects.toMatchObject({ code: 'edge-not-permitted' });
    expect(heard).toEqual(['vote']);
  });

  it('a command is answered, to a coordinator alone, and its receiver judges for itself', async () => {
    const [judge, links] = [speaker('judge'), speaker('links')];
    await stage.define({ id: 'judge', role: 'coordinator' });
    await stage.define({ id: 'links' });
    await stage.define({ id: 'words' });
    const words = receiver('words', { command: (body, { from }) => ({ done: body, for: from }) });
    await stage.crew([judge.member, links.member, words]);
    expect(await (await judge.ways()).send('words', 'command', 'sort')).toEqual({
      kind: 'answered',
      body: { done: 'sort', for: 'judge' },
    });
    await expect((await links.ways()).send('words', 'command', 'sort')).rejects.toMatchObject({
      code: 'not-permitted',
    });
    const forged = stage.bus.request(edgeSubject(subjects(stage.space), 'links', 'words', 'command'), 'sort');
    await expect(forged).rejects.toMatchObject({ code: 'not-permitted' });
    await expect((await judge.ways()).send('links', 'command', 'sort')).rejects.toMatchObject({
      code: 'no-responders',
    });
  });

  it('what goes in a circle ends at the hop limit', async () => {
    const ends: unknown[] = [];
    const passOn =
      (to: string): EdgeHandler =>
      async (_body, { send, hops }) => {
        try {
          await send(to, 'coordination', null);
        } catch (error) {
          ends.push([hops, error]);
        }
      };
    const start = speaker('start');
    await stage.crew([
      start.member,
      receiver('a', { coordination: passOn('b') }),
      receiver('b', { coordination: passOn('a') }),
    ]);
    await (await start.ways()).send('a', 'coordination', null);
    await waitFor(() => ends.length > 0, { what: 'the circle has ended' });
    expect(ends).toEqual([[32, expect.objectContaining({ code: 'hop-limit' })]]);
  });

  it('headers that make no sense are given up, not crashed on', async () => {
    const taken: unknown[] = [];
    await stage.crew([
      receiver('judge', { data: (body) => taken.push(body), feedback: (body) => taken.push(body) }),
    ]);
    const at = subjects(stage.space);
    const headers = { 'Mabeam-Hops': 'many' };
    stage.bus.publish(edgeSubject(at, 'words', 'judge', 'feedback'), 1, { headers });
    await stage.bus.store(edgeSubject(at, 'words', 'judge', 'data'), Buffer.from('1'), { headers });
    await waitFor(async () => (await deadLetters()).length > 0, { what: 'it was given up' });
    expect(taken).toEqual([]);
  });
});
