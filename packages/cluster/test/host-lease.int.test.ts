/** One lease for many instances: what it costs, and that two hosts cannot both have one. */
import { deleteKey, putKey, readKey, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { expect, inject, onTestFinished, test } from 'vitest';
import { openHostLease, type HostLease, type HoldResult } from '../src/host-lease.ts';
import { hostLeaseKey } from '../src/registry.ts';
import { openStage, type Stage } from './hosting.ts';

const natsUrl = inject('natsUrl');
const key = 'instance.words.0';

interface Heard {
  readonly fenced: string[];
  readonly retaken: string[];
}

async function openHost(stage: Stage, node: string): Promise<HostLease> {
  const host = await openHostLease(stage.bus, { space: stage.space, node });
  onTestFinished(() => host[Symbol.asyncDispose]());
  return host;
}

function take(host: HostLease, node: string, of: string = key, heard?: Heard): Promise<HoldResult> {
  return host.take(
    of,
    { node, pid: 1, incarnation: `${node}-0` },
    {
      onFenced: (reason) => heard?.fenced.push(reason),
      onRetaken: () => heard?.retaken.push(of),
    },
  );
}

test('a thousand instances cost the renewals of one lease', async () => {
  const stage = await openStage(natsUrl);
  const host = await openHost(stage, 'here');
  const keys = Array.from({ length: 1_000 }, (_, n) => `instance.words.${n}`);
  const taken = await Promise.all(keys.map((each) => take(host, 'here', each)));
  expect(taken.filter(({ kind }) => kind === 'held')).toHaveLength(1_000);
  const writes: string[] = [];
  const prefix = subjects(stage.space).at('lease.');
  await using _listening = stage.bus.subscribe(`${prefix}>`, ({ subject }) => {
    writes.push(subject.slice(prefix.length));
  });
  const renewals = (): number => writes.filter((each) => each === hostLeaseKey(host.token)).length;
  await stage.bus.flush();
  await waitFor(() => renewals() >= 3, { what: 'the host was renewed three times' });
  expect(writes.filter((each) => each.startsWith('instance.'))).toEqual([]);
  expect(taken.every((each) => each.kind === 'held' && each.lease.isHeld)).toBe(true);
});

test('of two hosts that want an instance at once one has it, and the other learns who', async () => {
  const stage = await openStage(natsUrl);
  const [here, there] = [await openHost(stage, 'here'), await openHost(stage, 'there')];
  const results = await Promise.all([take(here, 'here'), take(there, 'there')]);
  expect(results.map(({ kind }) => kind).toSorted()).toEqual(['held', 'taken']);
  const winner = results[0].kind === 'held' ? 'here' : 'there';
  const lost = results.find(({ kind }) => kind === 'taken');
  expect(lost).toMatchObject({ by: { node: winner } });
});

test('who has seen that a host is gone comes too late when the host has its instances again', async () => {
  const stage = await openStage(natsUrl);
  const heard: Heard = { fenced: [], retaken: [] };
  const host = await openHost(stage, 'here');
  const held = await take(host, 'here', key, heard);
  const seen = await readKey(stage.bus, stage.leases, key);
  host.confirm();
  expect(held.kind === 'held' && held.lease.isHeld).toBe(false);
  await waitFor(() => heard.retaken.length === 1, { what: 'it is held again' });
  const late = putKey(
    stage.bus,
    stage.leases,
    key,
    { node: 'there' },
    { expectLastSequence: seen?.revision ?? 0 },
  );
  await expect(late).rejects.toMatchObject({ code: 'conflict' });
  expect(held.kind === 'held' && held.lease.isHeld).toBe(true);
  expect(heard.fenced).toEqual([]);
});

test('an instance that somebody was faster to take is fenced, and can be taken again when it is free', async () => {
  const stage = await openStage(natsUrl);
  const heard: Heard = { fenced: [], retaken: [] };
  const host = await openHost(stage, 'here');
  await take(host, 'here', key, heard);
  await putKey(stage.bus, stage.leases, key, { node: 'there', pid: 2, incarnation: 'there-0' });
  await waitFor(() => heard.fenced.length === 1, { what: 'it is fenced' });
  host.confirm();
  expect(await take(host, 'here')).toMatchObject({ kind: 'taken', by: { node: 'there' } });
  await deleteKey(stage.bus, stage.leases, key);
  expect((await take(host, 'here')).kind).toBe('held');
  expect(heard.retaken).toEqual([]);
});

test('what a host gives back is free at once, and what it leaves behind is free when it is gone', async () => {
  const stage = await openStage(natsUrl);
  const [here, there] = [await openHost(stage, 'here'), await openHost(stage, 'there')];
  const first = await take(here, 'here');
  if (first.kind === 'held') await first.lease[Symbol.asyncDispose]();
  expect((await take(there, 'there')).kind).toBe('held');
  expect(await take(here, 'here')).toMatchObject({ kind: 'taken', by: { node: 'there' } });
  await there[Symbol.asyncDispose]();
  expect((await take(here, 'here')).kind).toBe('held');
});
