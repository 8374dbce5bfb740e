/** What an agent leaves behind that cannot start, or does not let go: nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connectBus, openEvents, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, expect, inject, it, vi } from 'vitest';
import { defineAgent, startAgent, startAgents, type AgentContext } from '@mabeam/agents';
import { GraphHistory } from '../src/graph-history.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage(inject('natsUrl'));
});
afterEach(() => stage[Symbol.asyncDispose]());

it('a process whose start hangs ends when its host is gone', async () => {
  const fixture = fileURLToPath(new URL('fixtures/hanging.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@mabeam/source', fixture], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: {
      ...process.env,
      NATS_URL: inject('natsUrl'),
      MABEAM_SPACE: stage.space,
      MABEAM_AGENT: 'hanging',
      MABEAM_CONTROL_FD: '3',
      MABEAM_LOG_LEVEL: 'error',
    },
  });
  try {
    const filter = 'event.start.*.begun';
    const signal = AbortSignal.timeout(10_000);
    for await (const _ of openEvents(stage.bus, stage.space).follow({ filter, signal })) break;
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(4_000) });
    child.stdio[3]?.destroy();
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
});

it('one that cannot open all its doors answers through none', async () => {
  const ask = (): string => 'here';
  const starting = startAgent(stage.bus, stage.space, 'half', defineAgent({ ask }), {
    store: stage.store,
    group: 'No Group',
  });
  await expect(starting).rejects.toMatchObject({ code: 'invalid-id' });
  await stage.bus.flush();
  await expect(
    stage.bus.request(subjects(stage.space).askAgent('half'), {}, { timeoutMs: 1_000 }),
  ).rejects.toMatchObject({ code: 'no-responders' });
});

it('a crew that cannot begin leaves no copy of the variables open', async () => {
  await using bus = await connectBus({ url: inject('natsUrl'), name: 'short' });
  let open = 0;
  const subscribe = bus.subscribe.bind(bus);
  const subscribing = vi.spyOn(bus, 'subscribe').mockImplementation((...given) => {
    const subscription = subscribe(...given);
    open += 1;
    const end = async (): Promise<void> => {
      open -= 1;
      await subscription[Symbol.asyncDispose]();
    };
    return { ...subscription, [Symbol.asyncDispose]: end };
  });
  const starting = startAgents(bus, stage.space, [], { process: 'No Process' });
  await expect(starting).rejects.toMatchObject({ code: 'invalid-id' });
  expect(subscribing).toHaveBeenCalled();
  expect(open).toBe(0);
});

it('a data edge is free for a successor though the handler of a removed receiver does not let go', async () => {
  const context = Promise.withResolvers<AgentContext>();
  const begun = Promise.withResolvers<void>();
  await stage.define({ id: 'taker' });
  await stage.crew([{ id: 'giver', definition: defineAgent({ start: (given) => context.resolve(given) }) }]);
  const hold = (): Promise<void> => {
    begun.resolve();
    return new Promise(() => undefined);
  };
  const crew = await stage.crew([{ id: 'taker', definition: defineAgent({ edges: { data: hold } }) }]);
  await (await context.promise).send('taker', 'data', 1);
  await begun.promise;
  await crew.remove('taker', { drainMs: 10 });
  const taken: unknown[] = [];
  const data = (body: unknown): unknown => taken.push(body);
  await stage.crew([{ id: 'taker', definition: defineAgent({ edges: { data } }) }]);
  await waitFor(() => taken.length > 0, { what: 'its successor has it', timeoutMs: 5_000 });
  expect(taken).toEqual([1]);
});

it('a graph that this process has not heard of yet is among those kept, when a sender goes by it', async () => {
  const before = await stage.wire(['a', 'b'], []);
  const behind = { space: stage.space, graph: stage.store.graph };
  // Only these two are read; the copy of a process that has missed a message looks like this.
  const graphs = new GraphHistory(stage.bus, behind as typeof stage.store);
  expect((await graphs.kept()).map(({ revision }) => revision)).toEqual([before]);
  const after = await stage.wire(['a', 'b'], [['a', 'b']]);
  expect((await graphs.kept(before)).map(({ revision }) => revision)).toEqual([before]);
  expect((await graphs.kept(after)).map(({ revision }) => revision)).toEqual([before, after]);
});
