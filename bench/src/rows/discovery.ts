/** Finding three hundred agents, beside a bare sweep: one `$SRV.PING` and three hundred answers read. */
import { createInbox, connect } from '@nats-io/transport-node';
import { connectBus, discover } from '@mabeam/bus';
import { startServer } from '@mabeam/bus/server';
import { scaled, type Benchmark, type Stage } from '../benchmark.ts';
import { startPeer } from '../peer.ts';
import { takeTurns } from '../take-turns.ts';

const agents = 300;
/** The most that `discover` is told to wait: far longer than it takes. */
const discoverMs = 5_000;

/** Until the last of them has answered. */
export const discovery: Benchmark = {
  name: 'discovery',
  goal: '≤ 1.5 × a bare `$SRV.PING` sweep',
  timeoutMs: 60_000,
  run: async (stage) => {
    await using resources = new AsyncDisposableStack();
    // Everybody hears a sweep: each way has a server of its own.
    const [ours, bare] = [
      await openSweep(stage, resources, 'ours'),
      await openSweep(stage, resources, 'bare'),
    ];
    const turns = {
      ours: ours.sweep,
      bare: bare.sweep,
      discovered: () => timeDiscover(ours.url),
      expected: () => timeDiscover(ours.url, { expect: agents }),
    };
    await takeTurns(3, turns, stage.signal);
    const figures = await takeTurns(scaled(stage, { full: 30, quick: 8 }), turns, stage.signal);
    const baseline = { name: 'bare $SRV.PING sweep', figures: figures.bare };
    const goal = { of: 'ratio', is: 'at-most', limit: 1.5 } as const;
    return {
      comparisons: [
        { measure: `${agents} agents, last answer`, unit: 'ms', ours: figures.ours, baseline, goal },
        { measure: 'discover, number known', unit: 'ms', ours: figures.expected, baseline },
        { measure: 'discover', unit: 'ms', ours: figures.discovered, baseline },
      ],
      notes: [
        'the first line is the same sweep, answered by agents; `discover` returns when nobody has answered for 25 ms, or with the last of as many as it was told to expect',
      ],
    };
  },
};

interface Sweep {
  readonly url: string;
  /** Asks who is there and resolves with the ms until the last of them is read. */
  readonly sweep: () => Promise<number>;
}

async function openSweep(stage: Stage, resources: AsyncDisposableStack, way: string): Promise<Sweep> {
  const { url } = resources.use(await startServer({ signal: stage.signal }));
  resources.use(await startPeer('services', { args: [way, url, String(agents)], signal: stage.signal }));
  const connection = await connect({ servers: url, noAsyncTraces: true });
  resources.defer(() => connection.close());
  const sweep = async (): Promise<number> => {
    const startedAt = performance.now();
    const found = new Set<string>();
    const inbox = createInbox();
    const { promise, resolve } = Promise.withResolvers<void>();
    const subscription = connection.subscribe(inbox, {
      callback: (_, message) => {
        found.add(message.json<{ id: string }>().id);
        if (found.size === agents) resolve();
      },
    });
    connection.publish('$SRV.PING', '', { reply: inbox });
    await promise;
    subscription.unsubscribe();
    return performance.now() - startedAt;
  };
  return { url, sweep };
}

/** The call as a program makes it. Throws when it does not find everybody. */
async function timeDiscover(url: string, options: { readonly expect?: number } = {}): Promise<number> {
  await using bus = await connectBus({ name: 'bench', url });
  const startedAt = performance.now();
  const found = await discover(bus, { ...options, timeoutMs: discoverMs });
  const tookMs = performance.now() - startedAt;
  if (found.length !== agents) throw new Error(`${found.length} of ${agents} agents were found`);
  return tookMs;
}
