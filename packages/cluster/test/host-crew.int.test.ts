/** Agents in a program of one's own that are leased and observed as those of a node are. */
import { defineAgent } from '@mabeam/agents';
import { putKey, spaceNames, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { hostCrew, type HostedCrew, type HostedMember } from '../src/host-crew.ts';
import {
  parseInstanceHolder,
  parseObservedInstance,
  type InstanceHolder,
  type ObservedInstance,
} from '../src/registry.ts';
import { openStage, readValue, wordsThat, type Stage } from './hosting.ts';

const natsUrl = inject('natsUrl');
const policy = { maxFailures: 1, windowMs: 60_000, backoffMs: 10, backoffMaxMs: 100 };

const echo = defineAgent<unknown, unknown>({ ask: (input, { config }) => ({ input, config }) });

async function host(stage: Stage, members: readonly HostedMember[]): Promise<HostedCrew> {
  const crew = await hostCrew(stage.bus, stage.space, members, { node: 'program', policy });
  onTestFinished(() => crew.close(0));
  return crew;
}

const observedOf = async (stage: Stage, key: string): Promise<ObservedInstance | undefined> =>
  parseObservedInstance(await readValue(stage.bus, stage.observedBucket, key));

const holderOf = async (stage: Stage, key: string): Promise<InstanceHolder | undefined> =>
  parseInstanceHolder(await readValue(stage.bus, stage.leases, `instance.${key}`));

test('members are active, leased and observed when they are there, and inactive and free when they are not', async () => {
  const stage = await openStage(natsUrl);
  await putKey(stage.bus, spaceNames(stage.space).bucket, 'definition.agent.words', {
    ...wordsThat('polite'),
    config: { desk: 3 },
  });
  const crew = await host(stage, [
    { id: 'words', definition: echo },
    { id: 'links', definition: echo, ordinal: 4 },
  ]);
  const { bus, space } = stage;
  expect(await bus.request(subjects(space).askAgent('words'), 7)).toEqual({ input: 7, config: { desk: 3 } });
  await waitFor(async () => (await observedOf(stage, 'words.0'))?.status === 'active', {
    what: 'it is observed',
  });
  const seen = await observedOf(stage, 'words.0');
  expect(seen).toMatchObject({ node: 'program', pid: process.pid, process: crew.crew.process });
  expect(seen?.definitionRevision).toBeGreaterThan(0);
  expect(await holderOf(stage, 'links.4')).toMatchObject({ node: 'program', host: expect.any(String) });
  expect(await crew.remove('words')).toBe(true);
  expect(await crew.remove('words')).toBe(false);
  expect(await observedOf(stage, 'words.0')).toMatchObject({ status: 'inactive' });
  expect(await holderOf(stage, 'words.0')).toBeUndefined();
  await crew.add({ id: 'words', definition: echo });
  await crew.close();
  expect(await observedOf(stage, 'links.4')).toMatchObject({ status: 'inactive' });
  expect(await holderOf(stage, 'words.0')).toBeUndefined();
});

test('an instance that somebody hosts is refused, and then none of the others is there', async () => {
  const stage = await openStage(natsUrl);
  await host(stage, [{ id: 'words', definition: echo }]);
  const members = [
    { id: 'links', definition: echo },
    { id: 'words', definition: echo },
  ];
  await expect(hostCrew(stage.bus, stage.space, members)).rejects.toMatchObject({
    code: 'already-hosted',
    details: { instance: 'words.0', by: { node: 'program' } },
  });
  expect(await holderOf(stage, 'links.0')).toBeUndefined();
});

test('one whose lease is still being taken when another is refused is not there afterwards either', async () => {
  const stage = await openStage(natsUrl);
  await host(stage, [{ id: 'words', definition: echo }]);
  const store = stage.bus.store.bind(stage.bus);
  vi.spyOn(stage.bus, 'store').mockImplementation(async (subject, ...rest) => {
    // So many answers later the other one has been refused.
    for (let turn = 0; turn < 10 && subject.endsWith('instance.links.0'); turn++) await stage.bus.flush();
    return store(subject, ...rest);
  });
  const members = [
    { id: 'links', definition: echo },
    { id: 'words', definition: echo },
  ];
  const refused = hostCrew(stage.bus, stage.space, members);
  await expect(refused).rejects.toMatchObject({ code: 'already-hosted' });
  expect(await holderOf(stage, 'links.0')).toBeUndefined();
  expect(await observedOf(stage, 'links.0')).toMatchObject({ status: 'inactive' });
});

test('one that cannot begin says why, after as many attempts as its policy allows', async () => {
  const stage = await openStage(natsUrl);
  let attempts = 0;
  const broken = defineAgent({
    start: () => {
      attempts += 1;
      throw new Error('no model');
    },
  });
  await expect(host(stage, [{ id: 'words', definition: broken }])).rejects.toMatchObject({
    code: 'not-started',
    message: expect.stringContaining('no model'),
  });
  expect(attempts).toBe(2);
  expect(await observedOf(stage, 'words.0')).toMatchObject({ status: 'failed', restarts: 1 });
});
