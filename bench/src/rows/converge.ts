/**
 * A team of agents that share a process, from its definition until it is in force: every agent active, observed as desired, the
 * graph written, and each working with the revision of the definition. Node and orchestrator are processes of their own.
 */
import {
  connectBus,
  deleteStreams,
  platformStreams,
  ensureStreams,
  spaceStreams,
  type Bus,
} from '@mabeam/bus';
import { awaitApplied, createSpace, openSpaceMirror } from '@mabeam/orchestrator';
import { ringOf, spaceOf, startRole } from '../team.ts';
import { scaled, type Benchmark, type Stage } from '../benchmark.ts';

const size = 200;
const timeoutMs = 20_000;

/** The process that the agents share is not there yet: it is started for them. */
export const converge200: Benchmark = {
  name: 'converge-200',
  goal: '≤ 2 s from the definition of 200 agents in one process until all is in force',
  timeoutMs: 240_000,
  run: async (stage) => {
    await using bus = await connectBus({ name: 'bench', url: stage.natsUrl });
    await ensureStreams(bus, platformStreams());
    await using _node = await startRole(stage, 'node', ['--id', 'bench-node']);
    const rounds = scaled(stage, { full: 11, quick: 3 });
    const times: number[] = [];
    // The first fills the folder of compiled code.
    for (let round = 0; round <= rounds; round++) {
      stage.signal.throwIfAborted();
      const ms = await convergeOnce(stage, bus, `bench-converge-${round}`);
      if (round > 0) times.push(ms);
    }
    return {
      comparisons: [
        {
          measure: `${size} agents, a ring`,
          unit: 'ms',
          ours: times,
          goal: { of: 'figure', is: 'at-most', limit: 2_000 },
        },
      ],
      notes: ['with the start of the process that they share; sources, not the built packages'],
    };
  },
};

/** One space of its own: led first, then defined. Resolves with the time from the one to the other's end. */
async function convergeOnce(stage: Stage, bus: Bus, space: string): Promise<number> {
  await createSpace(bus, spaceOf({ space, agents: {} }), { by: 'bench' });
  try {
    await using mirror = await openSpaceMirror(bus, space);
    await using _orchestrator = await startRole(stage, 'orchestrator', ['--space', space]);
    while (mirror.revisionOf('leader') === 0) await mirror.nextChange(timeoutMs, stage.signal);
    const startedAt = performance.now();
    const created = await createSpace(bus, ringOf(space, size), { by: 'bench' });
    if (created.kind === 'noop') throw new Error('the space was so already');
    const standing = await awaitApplied(mirror, created.revision, { timeoutMs, signal: stage.signal });
    const ms = performance.now() - startedAt;
    if (!standing.isWired || standing.laggards.length > 0)
      throw new Error(`${standing.laggards.length} agents are not there after ${timeoutMs} ms`);
    return ms;
  } finally {
    await deleteStreams(
      bus,
      spaceStreams(space).map(({ name }) => name),
    );
  }
}
