/** Data edges under death: the receiver is a process of its own and is killed at its work. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connectBus, openEvents, readStreamOnce, spaceNames } from '@mabeam/bus';
import { createLogger } from '@mabeam/telemetry/api';
import { openFaultProxy, waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { defineAgent, startAgent, type AgentContext, type EdgeHandler } from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

const fixture = fileURLToPath(new URL('fixtures/taker.ts', import.meta.url));

let stage: Stage;
const children: ChildProcess[] = [];
beforeEach(async () => {
  stage = await openStage(inject('natsUrl'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await stage[Symbol.asyncDispose]();
});

function start(config: object): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=@mabeam/source', fixture], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NATS_URL: inject('natsUrl'),
      MABEAM_SPACE: stage.space,
      MABEAM_AGENT: 'taker',
      MABEAM_CONFIG: JSON.stringify(config),
      MABEAM_LOG_LEVEL: 'error',
    },
  });
  children.push(child);
  return child;
}

async function taken(): Promise<unknown[]> {
  const seen: unknown[] = [];
  const filter = 'event.thing.*.taken';
  for await (const event of openEvents(stage.bus, stage.space).read({ filter })) seen.push(event.json());
  return seen;
}

/** How many things are still kept. */
async function kept(): Promise<number> {
  let count = 0;
  for await (const _ of readStreamOnce(stage.bus, spaceNames(stage.space).edges)) count += 1;
  return count;
}

it('a receiver killed at its work gets that thing again, before those behind it, and each of those once', async () => {
  const context = Promise.withResolvers<AgentContext>();
  await stage.define({ id: 'taker' });
  await stage.crew([{ id: 'giver', definition: defineAgent({ start: (given) => context.resolve(given) }) }]);
  const { send } = await context.promise;
  const first = await send('taker', 'data', 1, { messageId: 'one' });
  expect(await send('taker', 'data', 1, { messageId: 'one' })).toEqual(first);
  for (const n of [2, 3]) await send('taker', 'data', n);
  const victim = start({ hangOn: 1 });
  await waitFor(async () => (await taken()).length > 0, { what: 'it works on the first', timeoutMs: 10_000 });
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  // Its successor is here at once, while the server still believes the first to be at work.
  const successor: unknown[] = [];
  const data: EdgeHandler = (body, { attempt, from }) => successor.push({ body, attempt, from });
  await stage.crew([{ id: 'taker', definition: defineAgent({ edges: { data } }) }]);
  await waitFor(() => successor.length >= 3, { what: 'all are taken', timeoutMs: 10_000 });
  expect(await taken()).toEqual([{ body: 1, attempt: 1, from: 'giver' }]);
  expect(successor).toEqual([
    { body: 1, attempt: 2, from: 'giver' },
    { body: 2, attempt: 1, from: 'giver' },
    { body: 3, attempt: 1, from: 'giver' },
  ]);
});

it('an acknowledgement lost with the connection brings nothing again, and nothing out of order', async () => {
  await using proxy = await openFaultProxy(inject('natsUrl'));
  await using bus = await connectBus({ url: proxy.url, name: 'receiver' });
  const context = Promise.withResolvers<AgentContext>();
  await stage.define({ id: 'taker' });
  await stage.crew([{ id: 'giver', definition: defineAgent({ start: (given) => context.resolve(given) }) }]);
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  const data: EdgeHandler = async (body) => {
    seen.push(body);
    begun.resolve();
    await gate.promise;
  };
  const log = createLogger({ name: 'taker', level: 'silent' });
  const taker = defineAgent({ edges: { data } });
  await using _ = await startAgent(bus, stage.space, 'taker', taker, { log });
  const { send } = await context.promise;
  for (const n of [1, 2, 3]) await send('taker', 'data', n);
  await begun.promise;
  proxy.freeze();
  gate.resolve();
  await waitFor(() => proxy.heldBytes > 0, { what: 'the acknowledgement is on its way' });
  proxy.cut();
  proxy.thaw();
  await waitFor(async () => (await kept()) === 0, { what: 'all are dealt with', timeoutMs: 15_000 });
  expect(seen).toEqual([1, 2, 3]);
});
