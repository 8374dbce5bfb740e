/** Teams of agents that share a process: they converge as one, and a lost host is the loss of none of them. */
import { fileURLToPath } from 'node:url';
import { readKey, spaceNames, subjects } from '@mabeam/bus';
import { isAlive, waitFor } from '@mabeam/testing';
import { countEdges, graphKey, settled, type TopologyPattern } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { createSpace } from '../src/definition/create-space.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';
import { awaitApplied } from '../src/state/await-applied.ts';
import { openStage, type Stage } from './stage.ts';

const module = fileURLToPath(new URL('fixtures/agent.ts', import.meta.url));

/** So many agents that share a process, wired in this pattern, as it is applied to the stage's space. */
async function applyTeam({ bus, space }: Stage, size: number, pattern: TopologyPattern): Promise<number> {
  const ids = Array.from({ length: size }, (_, n) => `a${n}`);
  const text = JSON.stringify({
    space,
    agents: Object.fromEntries(ids.map((id) => [id, { module, form: 'in-process' }])),
    variables: { wiring: { kind: 'communication-topology', agents: ids, initial: pattern } },
  });
  const definition = parseSpaceDefinition(text, { path: import.meta.filename });
  const created = await createSpace(bus, definition, { by: 'test' });
  if (created.kind === 'noop') throw new Error('the space was so already');
  return created.revision;
}

async function openEmptyStage(): Promise<Stage> {
  const stage = await openStage('{"space": "SPACE", "agents": {}}');
  stage.startOrchestrator('o1');
  await waitFor(() => stage.mirror.revisionOf('leader') > 0, { what: 'somebody leads' });
  return stage;
}

test('200 agents in one process are all active, wired and at the revision soon after they were defined', async () => {
  await using stage = await openEmptyStage();
  const revision = await applyTeam(stage, 200, 'ring');
  const patience = { timeoutMs: 15_000, signal: AbortSignal.timeout(15_000) };
  const standing = await awaitApplied(stage.mirror, revision, patience);
  expect(standing).toEqual({ laggards: [], isWired: true });
  expect(stage.running()).toHaveLength(200);
  const settlement = await settled(stage.bus, stage.space, revision);
  if (settlement.kind !== 'settled') throw new Error(`not settled: ${JSON.stringify(settlement)}`);
  expect(settlement.processes.map(({ instances }) => instances.length)).toEqual([200]);
  expect(new Set(stage.mirror.observed.map(({ pid }) => pid)).size).toBe(1);
});

test('a killed process takes its agents with it, and they come back as one', async () => {
  await using stage = await openEmptyStage();
  await applyTeam(stage, 20, 'ring');
  await waitFor(() => stage.running().length === 20, { what: 'all run', timeoutMs: 10_000 });
  const pid = stage.mirror.observed[0]?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  await waitFor(() => !isAlive(pid), { what: 'the process is gone' });
  const isBack = (): boolean =>
    stage.running().length === 20 && stage.mirror.observed.every(({ restarts }) => restarts === 1);
  await waitFor(isBack, { what: 'all run again', timeoutMs: 10_000 });
  expect(new Set(stage.mirror.observed.map(({ pid: now }) => now)).size).toBe(1);
});

test('a mesh of 400 is a graph of a few kilobytes, which each of them obeys, and so is the star that follows', async () => {
  await using stage = await openEmptyStage();
  const patience = { timeoutMs: 20_000, signal: AbortSignal.timeout(20_000) };
  const everywhere = async (revision: number): Promise<void> =>
    expect(await awaitApplied(stage.mirror, revision, patience)).toEqual({ laggards: [], isWired: true });
  const across = (from: string, to: string): Promise<unknown> =>
    stage.bus.request(subjects(stage.space).askAgent(to), null, { from });
  await everywhere(await applyTeam(stage, 400, 'mesh'));
  const { graph } = stage.mirror.state.view.graph ?? {};
  expect(graph === undefined ? 0 : countEdges(graph)).toBe(400 * 399);
  const { data } = (await readKey(stage.bus, spaceNames(stage.space).bucket, graphKey)) ?? {};
  expect(data?.length).toBeLessThan(4_096);
  expect(await across('a3', 'a377')).toMatchObject({ peers: { length: 399 } });
  await everywhere(
    (await stage.store.update('wiring', { pattern: 'star', hub: 'a9' }, { by: 'test' })).revision,
  );
  await expect(across('a3', 'a377')).rejects.toMatchObject({ code: 'edge-not-permitted' });
  expect(await across('a9', 'a377')).toMatchObject({ peers: ['a9'] });
}, 60_000);
