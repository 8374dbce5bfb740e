/** Agents as services of NATS ADR-32: on a server of its own, for everybody on a server hears a sweep. */
import { discover, openTasks } from '@mabeam/bus';
import { startTestServer, waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAgent, edgeHandler, type AgentContext } from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

let server: Awaited<ReturnType<typeof startTestServer>>;
let stage: Stage;
beforeEach(async () => {
  server = await startTestServer();
  stage = await openStage(server.url);
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const answerSchema = z.object({
  type: z.string(),
  name: z.string(),
  id: z.string(),
  version: z.string().regex(/^\d+\.\d+\.\d+/),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  endpoints: z.array(z.looseObject({ name: z.string(), subject: z.string(), queue_group: z.string() })),
});

async function ask(verb: 'INFO' | 'STATS', name: string, id: string): Promise<z.infer<typeof answerSchema>> {
  return answerSchema.parse(await stage.bus.request(`$SRV.${verb}.${name}.${id}`, '', { form: 'plain' }));
}

const textSchema = z.object({ text: z.string() });
const lengthSchema = z.object({ length: z.number() });

/** An agent with everything there is to serve. */
const judge = defineAgent({
  input: textSchema,
  output: lengthSchema,
  ask: ({ text }) => ({ length: text.length }),
  task: ({ text }) => ({ length: text.length }),
  edges: {
    command: edgeHandler({ input: z.object({ at: z.date() }), run: () => null }),
    data: edgeHandler({ input: textSchema, run: () => undefined }),
    feedback: () => undefined,
  },
});

it('an agent is found with the endpoints it serves, their schemas, and who it is', async () => {
  const crew = await stage.crew([{ id: 'judge', definition: judge, group: 'court', incarnation: 'i.1' }]);
  const [found, ...others] = await discover(stage.bus, { timeoutMs: 60_000, expect: 1 });
  expect(others).toEqual([]);
  expect(found).toMatchObject({ name: 'judge', id: 'judge-0-i_1' });
  const info = await ask('INFO', 'judge', 'judge-0-i_1');
  expect(info.type).toBe('io.nats.micro.v1.info_response');
  expect(info.metadata).toEqual({
    'mabeam.process': crew.process,
    'mabeam.space': stage.space,
    'mabeam.ordinal': '0',
    'mabeam.incarnation': 'i.1',
  });
  const under = `mabeam.${stage.space}`;
  expect(info.endpoints.map(({ name, subject, queue_group: queue }) => [name, subject, queue])).toEqual([
    ['ask', `${under}.ask.agent.judge`, 'agent'],
    ['edge-feedback', `${under}.edge.*.judge.feedback`, 'agent'],
    ['edge-command', `${under}.edge.*.judge.command`, 'agent'],
    ['edge-data', `${under}.edge.*.judge.data`, 'judge'],
    ['group', `${under}.ask.group.court`, 'group'],
    ['task', `${under}.task.court`, 'court'],
  ]);
  const schemas = new Map(info.endpoints.map(({ name, metadata }) => [name, textsOf(metadata)]));
  expect(schemas.get('ask')).toEqual(schemas.get('task'));
  expect(schemas.get('ask')?.['input']).toMatchObject({ properties: { text: { type: 'string' } } });
  expect(schemas.get('ask')?.['output']).toMatchObject({ properties: { length: { type: 'number' } } });
  expect(schemas.get('edge-data')?.['input']).toMatchObject({ properties: { text: { type: 'string' } } });
  // A date has no form in JSON Schema, and a plain function none at all.
  expect([schemas.get('edge-command'), schemas.get('edge-feedback')]).toEqual([{}, {}]);
});

it('the figures are those of what came: questions, tasks and what came along edges', async () => {
  const context = Promise.withResolvers<AgentContext>();
  const giver = defineAgent({ start: (given) => context.resolve(given) });
  await stage.define({ id: 'judge' });
  await stage.crew([
    { id: 'judge', definition: judge, group: 'court', incarnation: 'one' },
    { id: 'giver', definition: giver, incarnation: 'one' },
  ]);
  const subject = `mabeam.${stage.space}.ask.agent.judge`;
  await stage.bus.request(subject, { text: 'abc' });
  await expect(stage.bus.request(subject, {})).rejects.toMatchObject({ code: 'invalid-input' });
  await openTasks(stage.bus, stage.space).submit('court', 'task-1', { text: 'abc' });
  const { send } = await context.promise;
  await send('judge', 'data', { text: 'kept' });
  await send('judge', 'feedback', 'lost');
  const figures = async (): Promise<object> => {
    const { endpoints } = await ask('STATS', 'judge', 'judge-0-one');
    return Object.fromEntries(endpoints.map((one) => [one.name, [one['num_requests'], one['num_errors']]]));
  };
  const expected = {
    ask: [2, 1],
    group: [0, 0],
    task: [1, 0],
    'edge-command': [0, 0],
    'edge-data': [1, 0],
    'edge-feedback': [1, 0],
  };
  await waitFor(async () => JSON.stringify(sorted(await figures())) === JSON.stringify(sorted(expected)), {
    what: 'all is counted',
  });
  const { endpoints } = await ask('STATS', 'judge', 'judge-0-one');
  const asked = endpoints.find(({ name }) => name === 'ask');
  expect(asked?.['last_error']).toMatch(/^invalid-input: /);
  expect(asked?.['processing_time']).toBeGreaterThan(0);
});

it('an agent that answers nothing serves nothing, and is found all the same', async () => {
  await stage.crew([
    { id: 'silent', definition: defineAgent({ start: () => undefined }), incarnation: 'one' },
  ]);
  expect((await ask('INFO', 'silent', 'silent-0-one')).endpoints).toEqual([]);
});

it('all agents of a connection have one responder, which lasts as long as the last of them', async () => {
  const found = async (): Promise<string[]> =>
    (await discover(stage.bus, { timeoutMs: 60_000 })).map(({ id }) => id);
  const definition = defineAgent({ ask: () => null });
  const one = await stage.crew(
    [0, 1].map((ordinal) => ({ id: 'a', definition, ordinal, incarnation: 'one' })),
  );
  const two = await stage.crew([{ id: 'b', definition, incarnation: 'two' }]);
  expect(await found()).toEqual(['a-0-one', 'a-1-one', 'b-0-two']);
  await one.remove('a');
  expect(await found()).toEqual(['a-1-one', 'b-0-two']);
  await one.close();
  expect(await found()).toEqual(['b-0-two']);
  await two.close();
  const sweep = stage.bus.request('$SRV.PING', '', { form: 'plain', timeoutMs: 60_000 });
  await expect(sweep).rejects.toMatchObject({ code: 'no-responders' });
});

it('an agent that cannot be told apart from another works unfound', async () => {
  const definition = defineAgent({ ask: () => 'here' });
  await stage.crew([{ id: 'a', definition, incarnation: 'same' }]);
  await stage.crew([{ id: 'a', definition, incarnation: 'same' }]);
  expect(await discover(stage.bus, { timeoutMs: 60_000 })).toHaveLength(1);
  expect(await stage.bus.request(`mabeam.${stage.space}.ask.agent.a`, null)).toBe('here');
});

function textsOf(metadata: unknown): Record<string, unknown> {
  const texts = z.record(z.string(), z.string()).parse(metadata);
  return Object.fromEntries(Object.entries(texts).map(([side, text]) => [side, JSON.parse(text)]));
}

function sorted(figures: object): unknown {
  return Object.entries(figures).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
