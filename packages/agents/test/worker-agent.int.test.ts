/** Agents in worker threads: the same modules as processes. */
import { fileURLToPath } from 'node:url';
import { subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, expect, inject, it, vi } from 'vitest';
import { startWorkerAgent, type WorkerAgent, type WorkerAgentOptions } from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

const module = fileURLToPath(new URL('fixtures/echo.ts', import.meta.url));

let stage: Stage;
beforeEach(async () => {
  vi.stubEnv('MABEAM_LOG_LEVEL', 'error');
  stage = await openStage(inject('natsUrl'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stage[Symbol.asyncDispose]();
});

const start = (agent: string, options: Partial<WorkerAgentOptions> = {}): Promise<WorkerAgent> =>
  startWorkerAgent({
    module,
    space: stage.space,
    agent,
    url: inject('natsUrl'),
    execArgv: ['--conditions=@mabeam/source'],
    ...options,
  });

const ask = (agent: string, body: unknown): Promise<unknown> =>
  stage.bus.request(subjects(stage.space).askAgent(agent), body);

it('an agent in a thread answers as a process does, finishes what it has, and ends with status 0', async () => {
  await using agent = await start('threaded', { config: { desk: 3 } });
  expect(await ask('threaded', { say: 'hello' })).toMatchObject({ agent: 'threaded', config: { desk: 3 } });
  const last = ask('threaded', { say: 'last', waitMs: 200 });
  await waitFor(() => ask('threaded', { say: 'here' }), { what: 'it has come behind the last' });
  await agent.close();
  expect(await last).toMatchObject({ say: 'last' });
  expect(await agent.ended).toBe(0);
  await expect(ask('threaded', { say: 'late' })).rejects.toMatchObject({ code: 'no-responders' });
});

it('a thread that ends before it is ready is an error with its status', async () => {
  const missing = new URL('fixtures/none.ts', import.meta.url);
  await expect(start('lost', { module: missing })).rejects.toMatchObject({
    code: 'agent-ended',
    message: expect.stringContaining('status 1'),
  });
});
