/** A topology that changes under load: what data edges promise holds, and what no edge leads along is refused and counted. */
import { defineAgent, edgeSubject, parseMetrics, startAgents, type AgentContext } from '@mabeam/agents';
import { MabeamError, subjects } from '@mabeam/bus';
import { createLogger } from '@mabeam/telemetry/api';
import { waitFor } from '@mabeam/testing';
import { countEdges, openVariables } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { openStage, type Stage } from './stage.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];
const long = process.env['MABEAM_LONG'] === '1';
const messages = long ? 5_000 : 500;

interface Thing {
  readonly from: string;
  readonly to: string;
  readonly n: number;
}

/** A team on the stage's server that sends and takes things, and its space under an orchestrator. */
async function openTeam(edges: readonly object[] = []) {
  const definition = {
    space: 'SPACE',
    agents: Object.fromEntries(ids.map((id) => [id, {}])),
    variables: { talk: { kind: 'communication-topology', agents: ids, initial: { pattern: 'mesh' } } },
    ...(edges.length === 0 ? {} : { edges }),
  };
  const stage = await openStage(JSON.stringify(definition));
  stage.startOrchestrator('o1');
  await waitFor(() => stage.store.graph !== undefined, { what: 'there is a graph', timeoutMs: 10_000 });
  const contexts = new Map<string, AgentContext>();
  const taken: Thing[] = [];
  const lost: unknown[] = [];
  const store = await openVariables(stage.bus, stage.space);
  const member = (id: string) => ({
    id,
    definition: defineAgent({
      start: (context) => void contexts.set(id, context),
      ask: (_, context) => void contexts.set(id, context),
      edges: {
        data: (body, { from }) => void taken.push({ ...(body as { n: number }), from, to: id }),
        feedback: (body, { from }) => void lost.push([from, id, body]),
      },
    }),
  });
  const log = createLogger({ name: 'team', level: 'silent' });
  const crew = await startAgents(stage.bus, stage.space, ids.map(member), { store, log });
  return {
    stage,
    taken,
    lost,
    /** The ways of an agent as of now: those of a call go by the state at its beginning. */
    ways: async (id: string): Promise<AgentContext> => {
      await stage.bus.request(subjects(stage.space).askAgent(id), null);
      const context = contexts.get(id);
      if (context === undefined) throw new Error(`${id} has not been asked`);
      return context;
    },
    [Symbol.asyncDispose]: async () => {
      await crew[Symbol.asyncDispose]();
      await store.close();
      await stage[Symbol.asyncDispose]();
    },
  };
}

async function switchTo(stage: Stage, pattern: string): Promise<number> {
  await stage.store.update('talk', pattern, { by: 'test' });
  await waitFor(() => stage.store.graph?.graph.topology === pattern, { what: `it is a ${pattern}` });
  const graph = stage.store.graph?.graph;
  return graph === undefined ? Number.NaN : countEdges(graph);
}

test('patterns switched under load: what a data edge has taken arrives once and in order, all else was refused', async () => {
  await using team = await openTeam();
  const { stage, taken, ways } = team;
  const kept: Thing[] = [];
  let refused = 0;
  const sendAll = async (from: string): Promise<void> => {
    for (let n = 0; n < messages / ids.length; n++) {
      const to = ids[(ids.indexOf(from) + 1 + (n % 4)) % ids.length] ?? from;
      try {
        await (await ways(from)).send(to, 'data', { n });
        kept.push({ from, to, n });
      } catch (error) {
        if (!(error instanceof MabeamError) || error.code !== 'edge-not-permitted') throw error;
        refused += 1;
      }
    }
  };
  const sending = Promise.all(ids.map(sendAll));
  const counts: number[] = [];
  for (const pattern of ['star', 'ring', 'broadcast', 'mesh']) {
    const so = kept.length;
    // The next pattern comes when some more has been sent, or everything has.
    const isFurther = (): boolean =>
      kept.length + refused >= Math.min(messages, so + refused + messages / 20);
    await waitFor(isFurther, { what: 'more is sent', timeoutMs: 20_000 });
    counts.push(await switchTo(stage, pattern));
  }
  await sending;
  expect(counts).toEqual([8, 5, 5, 20]);
  expect(kept.length + refused).toBe(messages);
  expect(refused).toBeGreaterThan(0);
  const dead = async (): Promise<readonly unknown[]> => stage.events('event.edge.*.dead');
  const isAll = async (): Promise<boolean> => taken.length + (await dead()).length >= kept.length;
  await waitFor(isAll, { what: 'all has arrived', timeoutMs: 30_000 });
  const byEdge = (things: readonly Thing[]) =>
    Object.fromEntries(
      [...Map.groupBy(things, ({ from, to }) => `${from} ${to}`)]
        .map(([edge, of]) => [edge, of.map(({ n }) => n)] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  expect(await dead()).toEqual([]);
  expect(byEdge(taken)).toEqual(byEdge(kept));
}, 90_000);

test('what no edge leads along is refused at the sender, and at the receiver, which counts it', async () => {
  await using team = await openTeam();
  const { stage, lost, ways } = team;
  await stage.store.update('talk', { pattern: 'star', hub: 'a' }, { by: 'test' });
  await waitFor(() => stage.store.graph?.graph.topology === 'star', { what: 'it is a star' });
  await expect((await ways('b')).send('c', 'feedback', 1)).rejects.toMatchObject({
    code: 'edge-not-permitted',
  });
  let counted = 0;
  await using _ = stage.bus.subscribe(subjects(stage.space).at('signal.metrics.*'), (message) => {
    const { agents = [] } = parseMetrics(message.json()) ?? {};
    for (const { agent, refused } of agents) if (agent === 'c') counted += refused;
  });
  // A sender that does not keep to the graph.
  for (const body of [1, 2]) {
    stage.bus.publish(edgeSubject(subjects(stage.space), 'b', 'c', 'feedback'), body, {
      headers: { 'Content-Type': 'application/json' },
    });
  }
  await waitFor(() => counted === 2, { what: 'both are counted', timeoutMs: 10_000 });
  expect(lost).toEqual([]);
}, 60_000);

test('an edge that the space declares admits its kind, and no other', async () => {
  await using team = await openTeam([
    { from: 'b', to: 'c', kind: 'data' },
    { from: 'c', to: 'b', kind: 'feedback' },
  ]);
  const { stage, lost, taken, ways } = team;
  await stage.store.update('talk', { pattern: 'star', hub: 'a' }, { by: 'test' });
  await waitFor(() => stage.store.graph?.graph.topology === 'star', { what: 'it is a star' });
  expect(await (await ways('b')).send('c', 'data', { n: 1 })).toMatchObject({ kind: 'kept' });
  expect(await (await ways('c')).send('b', 'feedback', 7)).toEqual({ kind: 'sent' });
  for (const kind of ['feedback', 'command', 'coordination'] as const)
    await expect((await ways('b')).send('c', kind, 1)).rejects.toMatchObject({ code: 'edge-not-permitted' });
  await expect((await ways('b')).ask('c', null)).rejects.toMatchObject({ code: 'edge-not-permitted' });
  await waitFor(() => taken.length > 0 && lost.length > 0, { what: 'both have come' });
  expect(taken).toEqual([{ from: 'b', to: 'c', n: 1 }]);
  expect(lost).toEqual([['c', 'b', 7]]);
}, 60_000);
