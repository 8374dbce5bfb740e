/**
 * A leader that is suspended (SIGSTOP) with something on its way, and wakes up when its successor has acted: what it had decided
 * is refused, by the bucket and by the nodes.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bucketStream, openEvents, parseJson, readKey, readStreamOnce, spaceNames } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { identityHash } from '../src/adaptation/trigger.ts';
import { openGate, type Gate } from './gate.ts';
import { openStage, type RunningOrchestrator, type Stage } from './stage.ts';

const definition = `
space: SPACE
agents:
  words: { module: ./fixtures/agent.ts }
  links: { module: ./fixtures/agent.ts }
variables:
  active: { kind: agent-selection, agents: [words, links], initial: [words] }
  counter: { kind: custom, initial: 0, domain: { min: 0 } }
rules:
  count: { on: { trigger: counted }, adapt: counter, by: { increase: 1 }, cooldownMs: 0 }
`;

let stage: Stage;
let gate: Gate;
let old: ChildProcess;

beforeEach(async () => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
  stage = await openStage(definition);
  gate = await openGate(stage.url, stage.space);
  const path = fileURLToPath(new URL('fixtures/orchestrator.ts', import.meta.url));
  old = fork(path, [stage.space, 'old'], { env: { ...process.env, NATS_URL: gate.url } });
  await stage.until(['words.0']);
}, 60_000);

afterEach(async () => {
  const exited = once(old, 'exit');
  old.kill('SIGCONT');
  old.disconnect();
  const [code] = await exited;
  if (code !== 0) throw new Error(`the old orchestrator ended with ${String(code)}`);
  await stage[Symbol.asyncDispose]();
  await gate[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
}, 60_000);

async function leaderIs(name: string): Promise<void> {
  const leads = async (): Promise<boolean> => {
    const entry = await readKey(stage.bus, spaceNames(stage.space).bucket, 'leader');
    const body = entry === undefined ? undefined : parseJson(entry.data);
    return typeof body === 'object' && body !== null && 'process' in body && body.process === name;
  };
  await waitFor(leads, { what: `${name} leads`, timeoutMs: 10_000 });
}

/** Suspends the old leader and lets another lead. */
async function succeed(): Promise<RunningOrchestrator> {
  old.kill('SIGSTOP');
  const successor = stage.startOrchestrator('new');
  await leaderIs('new');
  return successor;
}

/** The old leader wakes up, and the new one goes on leading. */
async function wake(): Promise<void> {
  old.kill('SIGCONT');
  // A word with the server that only a process awake and connected through the gate can have: it stands by.
  await waitFor(() => gate.leaseQuestions() > 0, { what: 'the old leader stands by', timeoutMs: 10_000 });
  await leaderIs('new');
}

const linksRun = (): boolean => stage.running().includes('links.0');
const isStartOfLinks = (body: string): boolean => body.includes('links') && body.includes('leaderRevision');

async function changeSetsOf(key: string): Promise<readonly (string | undefined)[]> {
  const { bucket } = spaceNames(stage.space);
  const ids: (string | undefined)[] = [];
  const filter = `$KV.${bucket}.${key}`;
  for await (const { headers } of readStreamOnce(stage.bus, bucketStream(bucket), { filter }))
    ids.push(headers.get('nats-batch-id'));
  return ids;
}

describe('a suspended leader that wakes up', () => {
  test('does not act on a trigger that its successor has acted on', async () => {
    const hash = identityHash({ source: '', id: 'late' });
    const catching = gate.catchBatch((writes) => writes.has(`adaptation.${hash}`));
    await openEvents(stage.bus, stage.space).trigger('counted', { id: 'late' });
    const { release, what } = await catching;
    await succeed();
    const isApplied = async (): Promise<boolean> => (await stage.record(hash))?.outcome === 'applied';
    await waitFor(isApplied, { what: 'the successor has adapted', timeoutMs: 15_000 });
    release();
    await wake();
    expect(await changeSetsOf(`adaptation.${hash}`)).not.toContain(what.id);
    expect(await changeSetsOf('space.counter')).toHaveLength(2);
    expect(stage.store.get('counter').value).toBe(1);
    expect(await stage.events(`event.adaptation.${hash}.applied`)).toHaveLength(1);
  }, 60_000);

  test('starts nothing on a node that has obeyed its successor', async () => {
    const catching = gate.catchOrder(isStartOfLinks);
    await stage.store.update('active', ['words', 'links'], { by: 'test' });
    const { release } = await catching;
    await succeed();
    await waitFor(linksRun, { what: 'the successor has started links', timeoutMs: 10_000 });
    await stage.store.update('active', ['words'], { by: 'test' });
    await stage.until(['words.0']);
    release();
    await waitFor(() => gate.refusals.length > 0, { what: 'the node refuses', timeoutMs: 10_000 });
    await wake();
    expect(stage.running()).toEqual(['words.0']);
  }, 60_000);

  test('starts nothing on a node that has never heard of its successor', async () => {
    const catching = gate.catchOrder(isStartOfLinks);
    await stage.store.update('active', ['words', 'links'], { by: 'test' });
    const { release } = await catching;
    old.kill('SIGSTOP');
    await stage.store.update('active', ['words'], { by: 'test' });
    await succeed();
    release();
    await waitFor(() => gate.refusals.length > 0, { what: 'the node refuses', timeoutMs: 10_000 });
    await wake();
    expect(stage.mirror.observed.map(({ agent }) => agent)).toEqual(['words']);
  }, 60_000);
});
