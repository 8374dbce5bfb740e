import { openEvents, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { customVariable, defineConstraint, openVariables } from '@mabeam/variables';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { identityHash } from '../src/adaptation/trigger.ts';
import { publishRaw } from './raw-client.ts';
import { openStage, putRaw, triggerSubject, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents:
  judge: { module: ./fixtures/agent.ts }
  words: { module: ./fixtures/agent.ts }
  links: { module: ./fixtures/agent.ts }
variables:
  active: { kind: agent-selection, agents: [words, links], initial: [words], constraints: { minActive: 1 } }
  threshold: { kind: performance-threshold, initial: 0.5, domain: { min: 0, max: 1 } }
  counter: { kind: custom, initial: 0, domain: { min: 0 } }
  talk: { kind: communication-topology, agents: [judge, words, links], initial: { pattern: star, hub: judge } }
rules:
  more: { on: { trigger: quality-low }, adapt: active, by: { add: [links] }, cooldownMs: 0 }
  stricter: { on: { trigger: too-lax }, adapt: threshold, by: { increase: 0.1 }, cooldownMs: 60000 }
  count: { on: { trigger: counted }, adapt: counter, by: { increase: 1 }, cooldownMs: 0 }
`;

let stage: Stage;

beforeAll(async () => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
  stage = await openStage(definition);
  stage.startOrchestrator('first');
  await stage.until(['judge.0', 'words.0']);
}, 60_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
}, 60_000);

/** The hash under which a trigger's record stands. */
const hashOf = (id: string, source = ''): string => identityHash({ source, id });

async function settled(hash: string, outcome: string) {
  return waitFor(
    async () => {
      const record = await stage.record(hash);
      return record?.outcome === outcome ? record : undefined;
    },
    { what: `the adaptation ${hash} is ${outcome}`, timeoutMs: 15_000 },
  );
}

describe('a running space', () => {
  test('a new selection starts and stops processes, and the graph follows it with a new epoch', async () => {
    const before = stage.store.graph;
    expect(before?.graph.nodes).toEqual(['judge', 'words']);
    await stage.store.update('active', ['links'], { by: 'test' });
    await stage.until(['judge.0', 'links.0']);
    const graph = stage.store.graph;
    expect(graph?.graph).toMatchObject({ hub: 'judge', nodes: ['judge', 'links'] });
    expect(graph?.revision).toBeGreaterThan(before?.revision ?? 0);
    const seen = await stage.bus.request(subjects(stage.space).askAgent('judge'), {});
    expect(seen).toMatchObject({ peers: ['links'], variables: { active: ['links'] } });
    await stage.store.update('active', ['words'], { by: 'test' });
    await stage.until(['judge.0', 'words.0']);
  }, 60_000);

  test('plain JSON from a bare socket adapts once, however often the same identity comes', async () => {
    const body = '{"id":"low-1","score":0.41}';
    await publishRaw(stage.url, triggerSubject(stage, 'quality-low'), body);
    const record = await settled(hashOf('low-1'), 'applied');
    expect(record).toMatchObject({
      trigger: 'quality-low',
      rule: 'more',
      changes: [{ variable: 'active', from: ['words'], to: ['words', 'links'] }],
    });
    expect(stage.running()).toEqual(['judge.0', 'links.0', 'words.0']);
    const { revision } = stage.store.get('active');

    await stage.store.update('active', ['words'], { by: 'test' });
    await publishRaw(stage.url, triggerSubject(stage, 'quality-low'), body);
    await openEvents(stage.bus, stage.space).trigger('unknown', { id: 'after-low-1' });
    await settled(hashOf('after-low-1'), 'no-rule');
    expect(stage.store.get('active').value).toEqual(['words']);
    expect(stage.store.get('active').revision).toBeGreaterThan(revision);

    const events = await stage.events(`event.adaptation.${hashOf('low-1')}.applied`);
    expect(events).toEqual([
      expect.objectContaining({
        id: 'low-1',
        trigger: 'quality-low',
        rule: 'more',
        triggerToAppliedMs: expect.any(Number),
      }),
    ]);
    await stage.until(['judge.0', 'words.0']);
  }, 60_000);

  test('a rule that has acted rests, and the second trigger is recorded as such', async () => {
    const events = openEvents(stage.bus, stage.space);
    await events.trigger('too-lax', { id: 'lax-1' });
    await settled(hashOf('lax-1'), 'applied');
    await events.trigger('too-lax', { id: 'lax-2' });
    const record = await settled(hashOf('lax-2'), 'cooldown');
    expect(record.reason).toContain('stricter: rests');
    expect(stage.store.get('threshold').value).toBe(0.6);
  }, 60_000);

  test('triggers that race with a writer of the same variable lose no change and act once each', async () => {
    const events = openEvents(stage.bus, stage.space);
    const ids = Array.from({ length: 15 }, (_, index) => `count-${index}`);
    const triggers = ids.flatMap((id) => [{ id }, { specversion: '1.0', source: 'again', id }, { id }]);
    const writer = async (): Promise<void> => {
      for (let written = 0; written < 10;) {
        const { revision, value } = stage.store.get('counter');
        const mine = { by: 'test', ifRevision: revision };
        const outcome = await stage.store.update('counter', Number(value) + 100, mine).catch(() => undefined);
        if (outcome !== undefined) written++;
      }
    };
    await Promise.all([writer(), ...triggers.map((body) => events.trigger('counted', body))]);
    for (const id of ids) await settled(hashOf(id), 'applied');
    for (const id of ids) await settled(hashOf(id, 'again'), 'applied');
    expect(stage.store.get('counter').value).toBe(1_030);
  }, 60_000);

  test("an adaptation belongs to its trigger's trace", async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    await openEvents(stage.bus, stage.space).trigger('counted', { id: 'traced' }, { headers });
    const record = await settled(hashOf('traced'), 'applied');
    expect(record.traceparent).toContain(traceId);
  });

  test('a rule that would break what the space demands is recorded as a noop with the reason, and does not come again', async () => {
    const even = defineConstraint('even', (value) => Number(value) % 2 === 0);
    await using store = await openVariables(stage.bus, stage.space, { constraints: [even] });
    const constraints = { predicates: ['even'] };
    await store.create(customVariable('pairs', { initial: 2, min: 0, constraints }), { by: 'test' });
    const rule = {
      v: 1,
      id: 'odd',
      on: { trigger: 'odd' },
      adapt: 'pairs',
      by: { increase: 1 },
      cooldownMs: 0,
    };
    await putRaw(stage, 'definition.rule.odd', rule);
    await openEvents(stage.bus, stage.space).trigger('odd', { id: 'odd-1' });
    expect(await settled(hashOf('odd-1'), 'noop')).toMatchObject({
      changes: [],
      reason: expect.stringContaining('handler-not-registered'),
    });
    expect(stage.store.get('pairs').value).toBe(2);
  });

  test('a malformed trigger is recorded and stops nothing', async () => {
    await publishRaw(stage.url, triggerSubject(stage, 'quality-low'), '{"id":');
    const record = await waitFor(
      () => [...stage.mirror.state.adaptations.values()].find((each) => each.record.outcome === 'malformed'),
      { what: 'the malformed trigger is recorded' },
    );
    expect(record.record).toMatchObject({
      source: 'stream',
      reason: expect.stringContaining('not valid JSON'),
    });
  });

  test('an invalid raw put is never in force, and the last valid value is written again', async () => {
    const { value } = stage.store.get('threshold');
    const bad = await putRaw(stage, 'space.threshold', { v: 1, value: 7, by: 'shell' });
    await waitFor(() => stage.store.get('threshold').revision > bad, { what: 'the value is repaired' });
    expect(stage.store.get('threshold')).toMatchObject({
      value,
      entry: { by: 'orchestrator', cause: 'repair' },
    });
    const worse = await putRaw(stage, 'space.active', {
      v: 1,
      value: [],
      definitionRevision: 0,
      by: 'shell',
      at: '',
      cause: '',
    });
    await waitFor(() => stage.store.get('active').revision > worse, { what: 'the selection is repaired' });
    expect(stage.store.get('active').value).toEqual(['words']);
  });

  test('a variable is set by command, and refused with the reason', async () => {
    const command = (id: string) => subjects(stage.space).command('variable', id, 'set');
    const answer = await stage.bus.request(command('threshold'), { value: 0.25, by: 'shell' });
    expect(answer).toEqual({ kind: 'applied', revision: stage.store.get('threshold').revision });
    expect(stage.store.get('threshold')).toMatchObject({
      value: 0.25,
      entry: { by: 'shell', cause: 'command' },
    });
    expect(await stage.bus.request(command('threshold'), { value: 0.25 })).toMatchObject({ kind: 'noop' });
    const refused = (id: string, body: unknown, code: string) =>
      expect(stage.bus.request(command(id), body)).rejects.toMatchObject({ code });
    await refused('threshold', { value: 2 }, 'out-of-domain');
    await refused('active', { value: [] }, 'constraint-violation');
    await refused('nothing', { value: 2 }, 'unknown-variable');
    await refused('threshold', { valeu: 2 }, 'invalid-set');
    await refused('threshold', { value: 0.3, ifRevision: 1 }, 'stale-revision');
  });

  test('a topology that a variable changes is the graph of the next epoch', async () => {
    await stage.store.update('talk', 'mesh', { by: 'test' });
    await waitFor(() => stage.store.graph?.graph.topology === 'mesh', { what: 'the graph is a mesh' });
    expect(stage.store.graph?.graph).toMatchObject({ nodes: ['judge', 'words'] });
  });

  test('a killed process is started again under a new incarnation', async () => {
    const words = () => stage.mirror.observed.find((each) => each.agent === 'words');
    const before = words();
    process.kill(before?.pid ?? 0, 'SIGKILL');
    const after = await waitFor(
      () =>
        words()?.incarnation !== before?.incarnation && words()?.status === 'active' ? words() : undefined,
      { what: 'words is active in another incarnation', timeoutMs: 10_000 },
    );
    expect(after.pid).not.toBe(before?.pid);
  }, 60_000);
});
