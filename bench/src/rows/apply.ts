/**
 * A variable is written, and 300 agents of a team that really runs have applied it: from the write until the writer knows that each of
 * them works with it. Beside a core publish to a subscription each, of which the publisher never hears again.
 */
import { connect } from '@nats-io/transport-node';
import { connectBus, ensureStreams, platformStreams, type Bus } from '@mabeam/bus';
import { awaitApplied, createSpace, openSpaceMirror, type SpaceMirror } from '@mabeam/orchestrator';
import { settled } from '@mabeam/variables';
import { scaled, type Benchmark, type Stage } from '../benchmark.ts';
import { startPeer } from '../peer.ts';
import { revisionSubject } from '../programs/revision-names.ts';
import { steadyMicros } from '../roll.ts';
import { takeTurns } from '../take-turns.ts';
import { ringOf, startRole } from '../team.ts';

const size = 300;
const space = 'bench-apply';
const by = 'bench';
const timeoutMs = 20_000;

/** Node, orchestrator and the process of the agents are processes of their own. */
export const apply300: Benchmark = {
  name: 'apply-300',
  goal: 'no limit: known to be applied by all, beside a core publish to a subscription each',
  timeoutMs: 120_000,
  run: async (stage) => {
    await using bus = await connectBus({ name: 'bench', url: stage.natsUrl });
    await ensureStreams(bus, platformStreams());
    await using _node = await startRole(stage, 'node', ['--id', 'bench-apply']);
    const pace = { kind: 'performance-threshold', initial: 0 };
    const made = await createSpace(bus, ringOf(space, size, { pace }), { by });
    if (made.kind === 'noop') throw new Error('the space was so already');
    await using _orchestrator = await startRole(stage, 'orchestrator', ['--space', space]);
    await using mirror = await openSpaceMirror(bus, space);
    await assertApplied(mirror, made.revision, stage);
    await using core = await openCore(stage);
    const contenders = {
      ours: writer(mirror, (revision) => assertApplied(mirror, revision, stage)),
      asked: writer(mirror, (revision) => assertSettled(bus, revision)),
      core: core.publish,
    };
    await takeTurns(5, contenders, stage.signal);
    const rounds = scaled(stage, { full: 60, quick: 10 });
    const {
      ours,
      asked,
      core: published,
    } = await takeTurns(rounds, contenders, stage.signal, {
      rotate: true,
    });
    const baseline = { name: 'core publish, a subscription each', figures: published };
    return {
      comparisons: [
        { measure: 'known to be applied by all', unit: 'ms', ours, baseline },
        { measure: '… by `settled`, which asks', unit: 'ms', ours: asked, baseline },
      ],
      notes: [
        'ours is stored, passed on, obeyed and reported: until the writer, in another process, has heard that each of the 300 agents works with it, as an adaptation becomes applied. The baseline is over when its last callback has run, and nobody has heard of it',
      ],
    };
  },
};

/** Writes a new value and resolves with the ms until the writer knows. */
function writer({ store }: SpaceMirror, until: (revision: number) => Promise<void>): () => Promise<number> {
  return async () => {
    const startedAt = performance.now();
    const { revision } = await store.update('pace', store.view.revision, { by });
    await until(revision);
    return performance.now() - startedAt;
  };
}

async function assertApplied(mirror: SpaceMirror, revision: number, { signal }: Stage): Promise<void> {
  const { isWired, laggards } = await awaitApplied(mirror, revision, { timeoutMs, signal });
  if (!isWired || laggards.length > 0)
    throw new Error(`${laggards.length} agents do not have revision ${revision} after ${timeoutMs} ms`);
}

async function assertSettled(bus: Bus, revision: number): Promise<void> {
  const { kind } = await settled(bus, space, revision, { timeoutMs });
  if (kind !== 'settled') throw new Error(`revision ${revision} is not settled after ${timeoutMs} ms`);
}

/** A process with a core subscription for each agent, and a way to publish to them all. */
async function openCore(
  stage: Stage,
): Promise<{ readonly publish: () => Promise<number> } & AsyncDisposable> {
  const peer = await startPeer('listeners', {
    args: ['subscriptions', stage.natsUrl, String(size), revisionSubject],
    signal: stage.signal,
  });
  const connection = await connect({ servers: stage.natsUrl, noAsyncTraces: true });
  let value = 0;
  return {
    publish: async () => {
      value += 1;
      const seen = peer.number('seen', value);
      // Calls are taken in their order: when this is answered, the peer waits for the value.
      await peer.call('hello');
      const publishedAt = steadyMicros();
      connection.publish(revisionSubject, String(value));
      return ((await seen) - publishedAt) / 1_000;
    },
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await peer.close();
    },
  };
}
