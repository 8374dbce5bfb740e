import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus, openEvents } from '@mabeam/bus';
import { startServer } from '@mabeam/bus/server';
import { runNode } from '@mabeam/cluster';
import { createLogger } from '@mabeam/telemetry/api';
import { freshSpace, waitFor } from '@mabeam/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { createSpace } from '../src/definition/create-space.ts';
import { runOrchestrator } from '../src/term/orchestrator.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';
import { openSpaceMirror } from '../src/state/space-mirror.ts';

afterEach(() => vi.unstubAllEnvs());

const definition = `
space: SPACE
agents:
  words: { module: ./fixtures/agent.ts }
  links: { module: ./fixtures/agent.ts }
variables:
  active: { kind: agent-selection, agents: [words, links], initial: [words] }
rules:
  more: { on: { trigger: quality-low }, adapt: active, by: { add: [links] }, cooldownMs: 0 }
`;

test('a killed nats-server comes back: the same processes go on, and the next trigger adapts', async () => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
  const storeDir = await mkdtemp(join(tmpdir(), 'mabeam-test-'));
  const first = await startServer({ storeDir });
  const port = Number(new URL(first.url).port);
  const space = freshSpace();
  const bus = await connectBus({ url: first.url, name: 'test' });
  const parsed = parseSpaceDefinition(definition.replace('SPACE', space), { path: import.meta.filename });
  await createSpace(bus, parsed, { by: 'test' });
  const stop = new AbortController();
  const { signal } = stop;
  const log = createLogger({ name: 'test', level: process.env['MABEAM_TEST_LOG'] ?? 'silent' });
  const node = runNode(bus, { id: 'n1', signal });
  const orchestrator = runOrchestrator(bus, { space, process: 'only', signal, log });
  const mirror = await openSpaceMirror(bus, space);
  const active = () => mirror.observed.filter((each) => each.status === 'active');
  await waitFor(() => active().length === 1, { what: 'words is active', timeoutMs: 10_000 });
  const [before] = active();

  process.kill(first.pid, 'SIGKILL');
  await first.stop();
  const second = await startServer({ storeDir, port });
  await waitFor(() => bus.connected, { what: 'the bus is connected again', timeoutMs: 10_000 });
  await openEvents(bus, space).trigger('quality-low', { id: 'low-1' });
  await waitFor(() => active().length === 2, { what: 'links is active too', timeoutMs: 20_000 });
  expect(active().find((each) => each.agent === 'words')?.pid).toBe(before?.pid);

  stop.abort();
  await Promise.all([node, orchestrator]);
  await mirror[Symbol.asyncDispose]();
  await bus.close();
  await second.stop();
  await rm(storeDir, { recursive: true, force: true });
}, 60_000);
