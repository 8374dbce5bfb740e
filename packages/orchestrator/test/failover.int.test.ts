import {
  commitBatch,
  connectBus,
  ensureStreams,
  openEvents,
  putKey,
  readKey,
  spaceNames,
  spaceStreams,
  type Bus,
} from '@mabeam/bus';
import { freshSpace, openFaultProxy, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { createSpace } from '../src/definition/create-space.ts';
import { seekLeadership, type Leadership } from '../src/term/fence.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';
import { identityHash } from '../src/adaptation/trigger.ts';
import { openStage, type Stage } from './stage.ts';

const identity = (process: string) => ({ process, pid: 1, host: 'test' });

async function openSpace(): Promise<{ bus: Bus; space: string; bucket: string }> {
  const bus = await connectBus({ url: inject('natsUrl'), name: 'test' });
  const space = freshSpace();
  await ensureStreams(bus, spaceStreams(space));
  return { bus, space, bucket: spaceNames(space).bucket };
}

async function lead(bus: Bus, space: string, process: string): Promise<Leadership> {
  const leadership = await seekLeadership(bus, { space, identity: identity(process) });
  if (leadership === undefined) throw new Error('nobody else should lead');
  return leadership;
}

describe('the fence', () => {
  test('while one leads, another does not', async () => {
    const { bus, space } = await openSpace();
    await using _bus = bus;
    await using _first = await lead(bus, space, 'first');
    expect(await seekLeadership(bus, { space, identity: identity('second') })).toBeUndefined();
  });

  test("a leader's commit is whole, and its revision is that of its last write", async () => {
    const { bus, space, bucket } = await openSpace();
    await using _bus = bus;
    await using leader = await lead(bus, space, 'first');
    const outcome = await leader.commit([
      { key: 'space.a', body: { n: 1 }, expect: 0 },
      { key: 'space.b', body: { n: 2 }, expect: 0 },
    ]);
    expect(outcome).toMatchObject({ kind: 'committed' });
    const fence = await readKey(bus, bucket, 'fence');
    expect(outcome.kind === 'committed' && outcome.revision).toBe(fence?.revision);
  });

  test('a lost race of a leader is a conflict, nothing is written, and it still leads', async () => {
    const { bus, space, bucket } = await openSpace();
    await using _bus = bus;
    await using leader = await lead(bus, space, 'first');
    await putKey(bus, bucket, 'space.b', { n: 0 });
    const outcome = await leader.commit([
      { key: 'space.a', body: { n: 1 }, expect: 0 },
      { key: 'space.b', body: { n: 1 }, expect: 0 },
    ]);
    expect(outcome).toEqual({ kind: 'conflict' });
    expect(await readKey(bus, bucket, 'space.a')).toBeUndefined();
    expect(leader.over.aborted).toBe(false);
    expect(await leader.commit([{ key: 'space.a', body: { n: 1 }, expect: 0 }])).toMatchObject({
      kind: 'committed',
    });
  });

  test("a deposed leader's commit is refused whole, also on keys nobody has touched, and its term is over", async () => {
    const { bus, space, bucket } = await openSpace();
    await using _bus = bus;
    await using old = await lead(bus, space, 'first');
    // What a successor does while the old leader sleeps: the lease has run out, the key `leader` is bumped.
    await commitBatch(bus, bucket, [
      { key: 'leader', body: { v: 1, ...identity('second') }, expect: old.revision },
    ]);
    const outcome = await old.commit([
      { key: 'space.a', body: { n: 1 }, expect: 0 },
      { key: 'space.b', body: { n: 1 }, expect: 0 },
    ]);
    expect(outcome).toEqual({ kind: 'deposed' });
    expect(await readKey(bus, bucket, 'space.a')).toBeUndefined();
    expect(await readKey(bus, bucket, 'space.b')).toBeUndefined();
    expect(old.over.aborted).toBe(true);
  });

  test('each term has a higher revision than the one before', async () => {
    const { bus, space } = await openSpace();
    await using _bus = bus;
    const first = await lead(bus, space, 'first');
    await first[Symbol.asyncDispose]();
    await using second = await lead(bus, space, 'second');
    expect(second.revision).toBeGreaterThan(first.revision);
    expect(first.over.aborted).toBe(true);
  });
});

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

describe('succession', () => {
  let stage: Stage;
  beforeAll(async () => {
    vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
    stage = await openStage(definition);
  }, 60_000);
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    vi.unstubAllEnvs();
  }, 60_000);

  test('when a leader is cut off, a standby leads, answers what comes, and the old one steps down', async () => {
    const proxy = await openFaultProxy(stage.url);
    const cutOff = await connectBus({ url: proxy.url, name: 'first' });
    const first = stage.startOrchestrator('first', cutOff);
    await stage.until(['words.0']);
    stage.startOrchestrator('second');
    const leader = async (): Promise<string> => {
      const entry = await readKey(stage.bus, spaceNames(stage.space).bucket, 'leader');
      return Buffer.from(entry?.data ?? []).toString();
    };
    expect(await leader()).toContain('"first"');
    proxy.freeze();
    await waitFor(async () => (await leader()).includes('"second"'), {
      what: 'second leads',
      timeoutMs: 10_000,
    });
    await openEvents(stage.bus, stage.space).trigger('quality-low', { id: 'low-1' });
    await stage.until(['links.0', 'words.0']);
    proxy.thaw();
    await waitFor(
      async () => (await stage.record(identityHash({ source: '', id: 'low-1' })))?.outcome === 'applied',
      {
        what: 'the adaptation is applied',
        timeoutMs: 10_000,
      },
    );
    expect(await leader()).toContain('"second"');
    expect(await stage.events('event.adaptation.*.applied')).toHaveLength(1);
    await first.stop();
    await cutOff.close();
    await proxy[Symbol.asyncDispose]();
  }, 60_000);

  test('a new leader finishes what a dead one left committed', async () => {
    const hash = identityHash({ source: 'test', id: 'left' });
    const at = new Date().toISOString();
    const record = {
      v: 1,
      source: 'test',
      id: 'left',
      trigger: 'quality-low',
      rule: 'more',
      changes: [],
      outcome: 'committed',
      at,
      triggeredAt: at,
      committedAt: at,
    };
    await putKey(stage.bus, spaceNames(stage.space).bucket, `adaptation.${hash}`, record);
    const closed = await waitFor(
      async () => {
        const found = await stage.record(hash);
        return found?.outcome === 'applied' ? found : undefined;
      },
      { what: 'the adaptation left behind is applied', timeoutMs: 10_000 },
    );
    expect(closed.revision).toBeGreaterThan(0);
  }, 60_000);
});

describe('creating a space on a server', () => {
  test('again is a noop; a change is an update; a space is there before its orchestrator', async () => {
    const { bus, space } = await openSpace();
    await using _bus = bus;
    const parse = (text: string) =>
      parseSpaceDefinition(text.replace('SPACE', space), { path: import.meta.filename });
    expect(await createSpace(bus, parse(definition), { by: 'test' })).toMatchObject({ kind: 'created' });
    expect(await createSpace(bus, parse(definition), { by: 'test' })).toEqual({ kind: 'noop' });
    const changed = definition.replace('cooldownMs: 0', 'cooldownMs: 5');
    expect(await createSpace(bus, parse(changed), { by: 'test' })).toMatchObject({
      kind: 'updated',
      keys: ['definition.rule.more'],
    });
    const smaller = changed.replace(/rules:[^]*/, '');
    expect(await createSpace(bus, parse(smaller), { by: 'test' })).toMatchObject({
      keys: ['definition.rule.more'],
    });
    expect(await createSpace(bus, parse(smaller), { by: 'test' })).toEqual({ kind: 'noop' });
    expect(await createSpace(bus, parse(definition), { by: 'test' })).toMatchObject({ kind: 'updated' });
  });

  test('two at once end in one space', async () => {
    const { bus, space } = await openSpace();
    await using _bus = bus;
    const parsed = parseSpaceDefinition(definition.replace('SPACE', space), { path: import.meta.filename });
    const kinds = await Promise.all(
      [1, 2, 3].map(async () => (await createSpace(bus, parsed, { by: 'test' })).kind),
    );
    expect(kinds.toSorted()).toEqual(['created', 'noop', 'noop']);
  });
});
