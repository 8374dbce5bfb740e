/** What a handler's own asks, tasks and events take along: the conversation, and the number of agents passed. */
import { openEvents, openTasks, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { defineAgent, type CrewMember, type EdgeContext } from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

const hopLimit = expect.objectContaining({ code: 'hop-limit' });

/** Asks the next agent and answers with the conversations of all behind it, its own first. */
const link = (id: string, next?: string): CrewMember => ({
  id,
  definition: defineAgent({
    ask: async (_input, { conversation, ask }) => {
      const rest = next === undefined ? [] : z.array(z.string()).parse(await ask(next, null));
      return [conversation, ...rest];
    },
  }),
});

describe('journeys', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage(inject('natsUrl'));
  });
  afterEach(() => stage[Symbol.asyncDispose]());

  const ask = (agent: string, journey: { hops?: number; conversation?: string } = {}): Promise<unknown> =>
    stage.bus.request(subjects(stage.space).askAgent(agent), null, journey);

  it('a conversation is the same at all agents that a question leads to, named by its asker or not', async () => {
    await stage.crew([link('a', 'b'), link('b', 'c'), link('c')]);
    expect(await ask('a', { conversation: 'mail-7' })).toEqual(['mail-7', 'mail-7', 'mail-7']);
    const [first, again] = [await ask('a'), await ask('a')].map((names) => z.array(z.string()).parse(names));
    expect(new Set(first).size).toBe(1);
    expect(first).not.toEqual(again);
  });

  it('questions that go in a circle end at the hop limit, with one error for all', async () => {
    const passed: number[] = [];
    const circle = (id: string, next: string): CrewMember => ({
      id,
      definition: defineAgent({
        ask: (_input, context) => {
          passed.push(passed.length + 1);
          return context.ask(next, null);
        },
      }),
    });
    await stage.crew([circle('a', 'b'), circle('b', 'a')]);
    await expect(ask('a')).rejects.toEqual(hopLimit);
    expect(passed).toHaveLength(32);
  });

  it('a receiver refuses what has passed the limit, whatever its sender thinks of it', async () => {
    await stage.crew([link('a')]);
    await expect(ask('a', { hops: 32 })).rejects.toEqual(hopLimit);
    expect(await ask('a', { hops: 31, conversation: 'long' })).toEqual(['long']);
  });

  it('a task is a conversation of its own, and what its worker asks and submits belongs to it', async () => {
    const seen: unknown[] = [];
    const worker = defineAgent({
      input: z.object({ again: z.boolean() }),
      task: async ({ again }, { task, conversation, ask: askOther, submit, events }) => {
        seen.push([task, conversation, await askOther('helper', null)]);
        if (again) await submit('desk', 'second', { again: false });
        await events.publish('mail', task, 'seen', null);
      },
    });
    await stage.crew([{ id: 'worker', definition: worker, group: 'desk' }, link('helper')]);
    await openTasks(stage.bus, stage.space).submit('desk', 'first', { again: true });
    await waitFor(() => seen.length === 2, { what: 'both tasks were worked on' });
    expect(seen).toEqual([
      ['first', 'first', ['first']],
      ['second', 'first', ['first']],
    ]);
    const events = openEvents(stage.bus, stage.space);
    const named = await waitFor(
      async () => {
        const names: unknown[] = [];
        for await (const event of events.read({ filter: 'event.mail.*.seen' }))
          names.push(event.headers.get('mabeam-conversation'));
        return names.length === 2 ? names : undefined;
      },
      { what: 'both have said so' },
    );
    expect(named).toEqual(['first', 'first']);
  });

  it.each(['data', 'command', 'feedback'] as const)(
    'what goes along an edge of the kind %s takes both along',
    async (kind) => {
      const seen: unknown[] = [];
      await stage.define({ id: 'sender', role: 'coordinator' });
      await stage.define({ id: 'receiver' });
      await stage.wire(['sender', 'receiver'], [['sender', 'receiver']]);
      const sender = defineAgent({ ask: (_input, { send }) => send('receiver', kind, null) });
      const receiver = defineAgent({
        edges: {
          [kind]: (_body: unknown, { conversation, hops }: EdgeContext) => seen.push([conversation, hops]),
        },
      });
      await stage.crew([
        { id: 'sender', definition: sender },
        { id: 'receiver', definition: receiver },
      ]);
      await ask('sender', { hops: 4, conversation: 'mail-7' });
      await waitFor(() => seen.length === 1, { what: 'it has come' });
      expect(seen).toEqual([['mail-7', 6]]);
    },
  );

  it('tasks that submit each other for ever end at the hop limit', async () => {
    let count = 0;
    const worker = defineAgent({
      task: async (_input, { submit }) => {
        count += 1;
        await submit('desk', `t${count}`, null);
      },
    });
    await stage.crew([{ id: 'worker', definition: worker, group: 'desk' }]);
    const tasks = openTasks(stage.bus, stage.space);
    await tasks.submit('desk', 't0', null);
    const last = await waitFor(() => tasks.outcomeOf('t31'), { what: 'the last of them has ended' });
    expect(last).toMatchObject({ kind: 'failed', error: { code: 'hop-limit' } });
    expect(count).toBe(32);
  });
});
