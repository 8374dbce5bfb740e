/** A space that is deleted: its agents stop first, nothing of it is left, and a running orchestrator lets it be. */
import { randomUUID } from 'node:crypto';
import {
  acquireLease,
  bucketStream,
  deleteStreams,
  hasStream,
  listSpaces,
  spaceNames,
  spaceStreams,
} from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSpace } from '../src/definition/create-space.ts';
import { deleteSpace } from '../src/definition/delete-space.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';
import { openSpaceMirror } from '../src/state/space-mirror.ts';
import { openStage, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents:
  echo: { module: ./fixtures/agent.ts }
variables:
  counter: { kind: custom, initial: 0, domain: { min: 0 } }
`;

let stage: Stage;
beforeEach(async () => {
  stage = await openStage(definition);
}, 60_000);
afterEach(() => stage[Symbol.asyncDispose](), 30_000);

const streamsLeft = async (): Promise<readonly string[]> => {
  const names = spaceStreams(stage.space).map(({ name }) => name);
  const there = await Promise.all(names.map((name) => hasStream(stage.bus, name)));
  return names.filter((_, index) => there[index] === true);
};

test('its agents stop before it goes, and its ids begin anew', async () => {
  const { bus, space, store } = stage;
  stage.startOrchestrator('only');
  await stage.until(['echo.0']);
  await store.update('counter', 7, { by: 'test' });
  expect(await deleteSpace(bus, space, { by: 'test', timeoutMs: 10_000 })).toEqual({ stopped: ['echo.0'] });
  expect(await streamsLeft()).toEqual([]);
  expect(await listSpaces(bus)).toEqual([]);

  // The orchestrator goes on: it does not make the space again, and takes up one of the same name.
  const parsed = parseSpaceDefinition(definition.replace('SPACE', space), { path: import.meta.filename });
  expect(await createSpace(bus, parsed, { by: 'test' })).toMatchObject({ kind: 'created' });
  await using mirror = await openSpaceMirror(bus, space);
  await waitFor(() => mirror.leases.some(({ agent }) => agent === 'echo'), {
    what: 'the agent of the new space runs',
    timeoutMs: 10_000,
  });
  expect(mirror.store.get('counter').value).toBe(0);
}, 60_000);

test('an orchestrator whose space was deleted does not make it again', async () => {
  const { bus, space } = stage;
  stage.startOrchestrator('one');
  stage.startOrchestrator('other');
  await stage.until(['echo.0']);
  await deleteSpace(bus, space, { by: 'test', timeoutMs: 10_000 });
  // Long enough for both to have noticed and to have looked again.
  const looked = Date.now() + 2_500;
  await waitFor(async () => Date.now() > looked || (await streamsLeft()).length > 0, {
    what: 'time passes',
    timeoutMs: 5_000,
  });
  expect(await streamsLeft()).toEqual([]);
}, 60_000);

test('refuses while something runs that nobody would stop, and changes nothing', async () => {
  const { bus, space } = stage;
  const orchestrator = stage.startOrchestrator('only');
  await stage.until(['echo.0']);
  await orchestrator.stop();
  const attempt = deleteSpace(bus, space, { by: 'test', timeoutMs: 1_000 });
  await expect(attempt).rejects.toMatchObject({ code: 'space-in-use' });
  await expect(attempt).rejects.toThrow(/echo\.0 runs and no orchestrator/);
  expect(stage.running()).toEqual(['echo.0']);
  expect(stage.mirror.state.agents.size).toBe(1);
}, 60_000);

test('refuses a program that a person started, naming it', async () => {
  const { bus, space } = stage;
  const { leases } = spaceNames(space);
  const holder = { node: 'terminal-7', pid: 1, incarnation: randomUUID() };
  const { kind } = await acquireLease(bus, leases, 'instance.guest.0', { holder, ttlMs: 5_000 });
  expect(kind).toBe('held');
  const attempt = deleteSpace(bus, space, { by: 'test' });
  await expect(attempt).rejects.toThrow('guest.0 (on terminal-7)');
}, 60_000);

test('a deletion that was cut short is gone on with', async () => {
  const { bus, space } = stage;
  await deleteStreams(bus, [bucketStream(spaceNames(space).bucket)]);
  expect(await deleteSpace(bus, space, { by: 'test' })).toEqual({ stopped: [] });
  expect(await streamsLeft()).toEqual([]);
});
