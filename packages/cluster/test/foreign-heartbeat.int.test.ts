/** What a host says on behalf of its commands (ruling R15). */
import { parseAgentSpec, parseHeartbeat, type Heartbeat } from '@mabeam/agents';
import { putKey, spaceNames, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { expect, inject, onTestFinished, test } from 'vitest';
import type { HostedInstance } from '../src/hosted-instance.ts';
import { hosted, openStage, wordsThat, type Stage } from './hosting.ts';

const natsUrl = inject('natsUrl');
const sleeper = parseAgentSpec({ id: 'words', run: { command: ['sleep', '1000'] } });

/** A stage with an active instance, and every heartbeat that is heard there. */
interface Listening {
  readonly stage: Stage;
  readonly instance: HostedInstance;
  readonly beats: readonly Heartbeat[];
}

async function hostAndListen(spec = sleeper): Promise<Listening> {
  const stage = await openStage(natsUrl);
  const beats: Heartbeat[] = [];
  const ear = stage.bus.subscribe(subjects(stage.space).at('signal.heartbeat.words'), (message) => {
    const beat = parseHeartbeat(message.json());
    if (beat !== undefined) beats.push(beat);
  });
  onTestFinished(() => ear[Symbol.asyncDispose]());
  const instance = hosted(await stage.host(spec));
  await waitFor(() => stage.states.at(-1)?.status === 'active', { what: 'the instance is active' });
  return { stage, instance, beats };
}

/** Writes a revision and resolves once everybody on the stage's connection has answered to its arrival. */
async function reviseSpace({ bus, space }: Stage): Promise<number> {
  const arrived = Promise.withResolvers<void>();
  await using _ear = bus.subscribe(subjects(space).at('variable.space.mood'), () => arrived.resolve());
  await bus.flush();
  const revision = await putKey(bus, spaceNames(space).bucket, 'space.mood', { v: 1, value: 'calm' });
  await arrived.promise;
  await bus.flush(); // the host has heard it too
  await bus.flush(); // what it said has come back
  return revision;
}

test('a host says of its command which revision of the space has reached it, and that it stops', async () => {
  const { stage, instance, beats } = await hostAndListen();
  const { incarnation } = instance;
  const revision = await reviseSpace(stage);
  const said = { agent: 'words', ordinal: 0, incarnation };
  expect(beats.at(-1)).toEqual({ ...said, status: 'active', applied: revision });
  const next = await reviseSpace(stage);
  expect(beats.at(-1)).toMatchObject({ applied: next });
  await instance.stop();
  await stage.bus.flush();
  expect(beats.at(-1)).toEqual({ ...said, status: 'stopping', applied: next });
});

test('a host that missed a revision learns it from the digest', async () => {
  const { stage, beats } = await hostAndListen();
  const subject = subjects(stage.space).at(`signal.digest.${spaceNames(stage.space).bucket}`);
  stage.bus.publish(subject, 'not a digest');
  stage.bus.publish(subject, { sequence: 41 });
  await waitFor(() => beats.length > 0, { what: 'the host speaks' });
  expect(beats.at(-1)).toMatchObject({ status: 'active', applied: 41 });
});

test('a command that beats itself silences its host, and a stranger in its name of another life does not', async () => {
  const { stage, instance, beats } = await hostAndListen();
  const subject = subjects(stage.space).signal('heartbeat', 'words');
  const own = { agent: 'words', ordinal: 0, status: 'active', applied: 0 };
  stage.bus.publish(subject, { ...own, incarnation: 'another-0' });
  const heard = await reviseSpace(stage);
  expect(beats.at(-1)).toMatchObject({ applied: heard });
  stage.bus.publish(subject, { ...own, incarnation: instance.incarnation });
  await stage.bus.flush();
  const before = beats.length;
  await reviseSpace(stage);
  await instance.stop();
  await stage.bus.flush();
  expect(beats.slice(before)).toEqual([]);
});

test('a host does not speak for a module: it speaks for itself', async () => {
  const { stage, beats } = await hostAndListen(wordsThat('polite'));
  await reviseSpace(stage);
  expect(beats).toEqual([]);
});

test('a command that was killed is spoken for again as a new incarnation', async () => {
  const { stage, instance, beats } = await hostAndListen();
  const first = instance.incarnation;
  process.kill(instance.pid ?? 0, 'SIGKILL');
  await waitFor(() => stage.states.filter(({ status }) => status === 'active').length === 2, {
    what: 'it is active again',
  });
  const revision = await reviseSpace(stage);
  expect(instance.incarnation).not.toBe(first);
  expect(beats.at(-1)).toMatchObject({ incarnation: instance.incarnation, applied: revision });
});
