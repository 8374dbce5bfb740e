import { connectBus, deleteKey, openReplica, putKey, spaceNames, subjects } from '@mabeam/bus';
import type { Bus, Service } from '@mabeam/bus';
import { openFaultProxy } from '@mabeam/testing';
import {
  answerSettled,
  customVariable,
  openVariables,
  settled,
  type SettledInstance,
  type VariableStore,
} from '@mabeam/variables';
import { describe, expect, inject, it } from 'vitest';
import { code, openStage, type Stage } from './stage.ts';

const by = 'operator';

function instance(agent: string, ordinal = 0): SettledInstance {
  return { agent, ordinal, incarnation: `${agent}-${ordinal}` };
}

interface Host {
  readonly stage: Stage;
  readonly pid: number;
}

/** What a host writes of an instance: that it is active, and that its lease is held. */
async function observe({ stage, pid }: Host, it: SettledInstance, status = 'active'): Promise<void> {
  const { observed, leases } = spaceNames(stage.space);
  const since = new Date().toISOString();
  const entry = { v: 1, ...it, status, node: 'n1', pid, definitionRevision: 1, restarts: 0, since };
  await putKey(stage.bus, leases, `instance.${it.agent}.${it.ordinal}`, { node: 'n1', pid });
  await putKey(stage.bus, observed, `${it.agent}.${it.ordinal}`, entry);
}

interface Process extends AsyncDisposable {
  readonly bus: Bus;
  readonly store: VariableStore;
  readonly service: Service;
}

/** A process with a connection and a store of its own that answers for its instances. */
async function openProcess(
  { space }: Stage,
  options: { name: string; instances: readonly SettledInstance[]; url?: string },
): Promise<Process> {
  const bus = await connectBus({ url: options.url ?? inject('natsUrl'), name: options.name });
  const store = await openVariables(bus, space);
  const service = answerSettled(bus, store, { process: options.name, instances: () => options.instances });
  await bus.flush();
  return {
    bus,
    store,
    service,
    [Symbol.asyncDispose]: async () => {
      await service.close(0);
      await store.close();
      await bus.close(0);
    },
  };
}

describe('settled', () => {
  it('is at once what every process has', async () => {
    await using stage = await openStage();
    const [a, b, c] = [instance('a'), instance('b'), instance('c')];
    await observe({ stage, pid: 1 }, a);
    await observe({ stage, pid: 1 }, b);
    await observe({ stage, pid: 2 }, c);
    await using _one = await openProcess(stage, { name: 'one', instances: [a, b] });
    await using _two = await openProcess(stage, { name: 'two', instances: [c] });
    const { revision } = await stage.store.create(customVariable('x', { initial: 1 }), { by });
    const began = performance.now();
    const settlement = await settled(stage.bus, stage.space, revision, { timeoutMs: 10_000 });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(settlement).toMatchObject({ kind: 'settled', revision, gone: [] });
    const processes = settlement.kind === 'settled' ? settlement.processes : [];
    expect(processes.map(({ process }) => process).toSorted()).toEqual(['one', 'two']);
    expect(processes.every(({ applied }) => applied >= revision)).toBe(true);
  });

  it('is asked with an open copy of what is observed, which stays open', async () => {
    await using stage = await openStage();
    const prefix = subjects(stage.space).at('observed');
    const bucket = spaceNames(stage.space).observed;
    await using observed = await openReplica(stage.bus, { bucket, prefix });
    const a = instance('a');
    await using _process = await openProcess(stage, { name: 'one', instances: [a] });
    await observe({ stage, pid: 1 }, a);
    await observed.refresh();
    const asked = { observed, timeoutMs: 10_000 };
    const settlement = await settled(stage.bus, stage.space, 0, asked);
    expect(settlement).toMatchObject({ kind: 'settled', processes: [{ instances: [a] }] });
    await observe({ stage, pid: 1 }, a, 'inactive');
    await observed.refresh();
    expect(await settled(stage.bus, stage.space, 0, asked)).toMatchObject({ processes: [] });
  });

  it('waits for a process that comes to have the revision before the deadline', async () => {
    await using stage = await openStage();
    const a = instance('a');
    await observe({ stage, pid: 1 }, a);
    await using _process = await openProcess(stage, { name: 'one', instances: [a] });
    const asking = settled(stage.bus, stage.space, 2, { timeoutMs: 10_000 });
    const { revision } = await stage.store.create(customVariable('x', { initial: 1 }), { by });
    expect(revision).toBe(2);
    expect(await asking).toMatchObject({ kind: 'settled', processes: [{ process: 'one', applied: 2 }] });
  });

  it('names the process that is behind, how far it is, and the one that does not answer', async () => {
    await using stage = await openStage();
    await using proxy = await openFaultProxy(inject('natsUrl'));
    const [a, b, c] = [instance('a'), instance('b'), instance('c')];
    for (const [pid, each] of [a, b, c].entries()) await observe({ stage, pid }, each);
    await using _good = await openProcess(stage, { name: 'good', instances: [a] });
    await using slow = await openProcess(stage, { name: 'slow', instances: [b] });
    await using _mute = await openProcess(stage, { name: 'mute', instances: [c], url: proxy.url });
    // This one stops hearing of revisions, but still answers questions.
    await slow.store.replica.close();
    proxy.freeze();
    const { revision } = await stage.store.create(customVariable('x', { initial: 1 }), { by });
    const settlement = await settled(stage.bus, stage.space, revision, { timeoutMs: 700 });
    expect(settlement).toMatchObject({ kind: 'unsettled', revision, gone: [] });
    const laggards = settlement.kind === 'unsettled' ? settlement.laggards : [];
    expect(laggards.toSorted((l, r) => (l.process < r.process ? -1 : 1))).toEqual([
      { process: 'n1/2', instances: [c], applied: undefined },
      { process: 'slow', instances: [b], applied: 0 },
    ]);
    expect(await settled(stage.bus, stage.space, revision, { timeoutMs: 700, agents: ['a'] })).toMatchObject({
      kind: 'settled',
    });
    proxy.thaw();
  });

  it('does not wait for an instance that ends meanwhile, nor for one whose host died silently', async () => {
    await using stage = await openStage();
    const { observed, leases } = spaceNames(stage.space);
    const [a, ending, dying, unobserved] = [instance('a'), instance('b'), instance('c'), instance('d')];
    for (const [pid, each] of [a, ending, dying, unobserved].entries()) await observe({ stage, pid }, each);
    await using _process = await openProcess(stage, { name: 'one', instances: [a] });
    const { revision } = await stage.store.create(customVariable('x', { initial: 1 }), { by });
    const asking = settled(stage.bus, stage.space, revision, { timeoutMs: 10_000 });
    await observe({ stage, pid: 1 }, ending, 'failed');
    await deleteKey(stage.bus, leases, 'instance.c.0');
    await deleteKey(stage.bus, observed, 'd.0');
    const settlement = await asking;
    expect(settlement).toMatchObject({ kind: 'settled', processes: [{ process: 'one' }] });
    const gone = settlement.gone.map(({ agent }) => agent).toSorted();
    // Whether the first two were seen active depends on when the question was read; what ended after the commit is told of.
    expect(gone).toContain('b');
    expect(gone).toContain('c');
  });

  it('does not count what is not active, what is a plain command, nor what is no entry', async () => {
    await using stage = await openStage();
    const { observed } = spaceNames(stage.space);
    await observe({ stage, pid: 1 }, instance('starting'), 'starting');
    await observe({ stage, pid: 2 }, instance('shell'));
    await putKey(stage.bus, observed, 'broken.0', 'garbage');
    const shell = { v: 1, id: 'shell', run: { command: ['sh'] } };
    const revision = await putKey(stage.bus, stage.bucket, 'definition.agent.shell', shell);
    expect(await settled(stage.bus, stage.space, revision, { timeoutMs: 10_000 })).toEqual({
      kind: 'settled',
      revision,
      processes: [],
      gone: [],
    });
  });

  it('is answered by one that started after the commit, and that nobody waits for', async () => {
    await using stage = await openStage();
    const [a, late] = [instance('a'), instance('late')];
    await observe({ stage, pid: 1 }, a);
    await using _early = await openProcess(stage, { name: 'early', instances: [a] });
    const { revision } = await stage.store.create(customVariable('x', { initial: 1 }), { by });
    await using latecomer = await openProcess(stage, { name: 'late', instances: [late] });
    expect(latecomer.store.applied).toBeGreaterThanOrEqual(revision);
    expect(await settled(stage.bus, stage.space, revision, { timeoutMs: 10_000 })).toMatchObject({
      kind: 'settled',
    });
  });

  it('refuses a question without a revision, in the plain form too', async () => {
    await using stage = await openStage();
    await using _process = await openProcess(stage, { name: 'one', instances: [] });
    const subject = subjects(stage.space).command('space', stage.space, 'settled');
    await expect(stage.bus.request(subject, {}, { form: 'plain' })).rejects.toThrowError(
      code('malformed-message'),
    );
    expect(await stage.bus.request(subject, { revision: 0 }, { form: 'plain' })).toEqual({
      process: 'one',
      applied: 0,
      instances: [],
    });
  });

  it('of a space that does not exist is an error', async () => {
    await using stage = await openStage();
    await expect(settled(stage.bus, 'nowhere-at-all', 1)).rejects.toThrowError(code('stream-missing'));
  });
});
