/** What agents do, as their process says it each second; and the scores they give. */
import { openEvents, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { expect, inject, test } from 'vitest';
import {
  defineAgent,
  parseMetrics,
  parseScore,
  type InstanceMetrics,
  type MetricsReport,
} from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

/** Every report of the stage's space, as it comes. */
async function listen({ bus, space }: Stage) {
  const reports: MetricsReport[] = [];
  const subscription = bus.subscribe(subjects(space).at('signal.metrics.*'), (message) => {
    const report = parseMetrics(message.json());
    if (report !== undefined) reports.push(report);
  });
  await bus.flush();
  const of = (agent: string): readonly InstanceMetrics[] =>
    reports.flatMap(({ agents }) => agents).filter((each) => each.agent === agent);
  return {
    reports,
    of,
    total: (agent: string, field: 'handled' | 'failed' | 'sent' | 'acknowledged' | 'busyMs'): number =>
      of(agent).reduce((sum, each) => sum + each[field], 0),
    [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose](),
  };
}

const waitMs = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

test('a process tells what each of its agents has handled, what failed, how long it took, and what it took itself', async () => {
  await using stage = await openStage(inject('natsUrl'));
  await using heard = await listen(stage);
  const words = defineAgent({
    ask: async (body) => {
      await waitMs(20);
      if (body === 'fail') throw new Error('no');
      return body;
    },
  });
  await stage.crew([
    { id: 'words', definition: words },
    { id: 'idle', definition: words },
  ]);
  const ask = (body: unknown): Promise<unknown> =>
    stage.bus.request(subjects(stage.space).askAgent('words'), body).catch(() => 'failed');
  await Promise.all(['a', 'b', 'c', 'fail'].map(ask));
  await waitFor(() => heard.total('words', 'handled') === 4, { what: 'it tells of four', timeoutMs: 5_000 });
  expect(heard.total('words', 'failed')).toBe(1);
  expect(heard.total('words', 'busyMs')).toBeGreaterThan(4 * 18);
  const told = heard.of('words').find(({ handled }) => handled > 0);
  expect(told?.latencyMs?.p50).toBeGreaterThan(17);
  expect(told?.inFlight).toBe(0);
  const [report] = heard.reports;
  expect(report).toMatchObject({ v: 1, instances: 2 });
  expect(report?.memory).toBeGreaterThan(1_000_000);
  // Who was idle is named, too: so that nobody takes him for lost.
  await waitFor(() => heard.of('idle').length > 0, { what: 'the idle one is named', timeoutMs: 5_000 });
  expect(heard.total('idle', 'handled')).toBe(0);
});

test('what runs is told while it runs', async () => {
  await using stage = await openStage(inject('natsUrl'));
  await using heard = await listen(stage);
  const gate = Promise.withResolvers<string>();
  await stage.crew([{ id: 'slow', definition: defineAgent({ ask: () => gate.promise }) }]);
  const answer = stage.bus.request(subjects(stage.space).askAgent('slow'), {}, { timeoutMs: 20_000 });
  const isTold = (): boolean =>
    heard.of('slow').some(({ busyMs, inFlight }) => inFlight === 1 && busyMs > 500);
  await waitFor(isTold, { what: 'one call has been running for half a second', timeoutMs: 5_000 });
  expect(heard.total('slow', 'handled')).toBe(0);
  gate.resolve('done');
  expect(await answer).toBe('done');
});

test('what an agent sends along edges that are acknowledged is told with what arrived', async () => {
  await using stage = await openStage(inject('natsUrl'));
  await using heard = await listen(stage);
  await stage.define({ id: 'taker' });
  const sender = defineAgent({
    ask: async (to, { send }) => (await send(String(to), 'data', {})).kind,
  });
  await stage.crew([
    { id: 'sender', definition: sender },
    { id: 'taker', definition: defineAgent({ edges: { data: () => undefined } }) },
  ]);
  const ask = (to: string): Promise<unknown> =>
    stage.bus.request(subjects(stage.space).askAgent('sender'), to).catch(() => 'refused');
  expect([await ask('taker'), await ask('nobody')]).toEqual(['kept', 'refused']);
  await waitFor(() => heard.total('sender', 'sent') === 2 && heard.total('taker', 'handled') === 1, {
    what: 'both are told',
    timeoutMs: 5_000,
  });
  expect(heard.total('sender', 'acknowledged')).toBe(1);
});

test('a score is kept with the conversation it belongs to, and what is no number is refused', async () => {
  await using stage = await openStage(inject('natsUrl'));
  const judge = defineAgent({
    ask: async (value, { score }) => {
      await score(Number(value));
      await score(2, { metric: 'speed', agent: 'words', conversation: 'c7' });
      return 'given';
    },
  });
  await stage.crew([{ id: 'judge', definition: judge }]);
  const subject = subjects(stage.space).askAgent('judge');
  expect(await stage.bus.request(subject, 0.7, { conversation: 'talk-1' })).toBe('given');
  await expect(stage.bus.request(subject, 'much')).rejects.toMatchObject({ code: 'invalid-score' });
  const kept: unknown[] = [];
  for await (const event of openEvents(stage.bus, stage.space).read({ filter: 'event.score.*.given' }))
    kept.push([
      event.subject.split('.')[4],
      parseScore(event.json()),
      event.headers.get('mabeam-conversation'),
    ]);
  expect(kept).toEqual([
    ['judge', { metric: 'quality', value: 0.7, conversation: 'talk-1' }, 'talk-1'],
    ['words', { metric: 'speed', value: 2, conversation: 'c7' }, 'c7'],
  ]);
});
