/** An asker and a responder of one contender, each in a process of its own. */
import type { Stage } from './benchmark.ts';
import type { ContenderName } from './contenders/load-contender.ts';
import { startPeer, type Peer } from './peer.ts';

/** Questions under way at once. */
export const inFlight = 256;

export interface RequestPair {
  readonly asker: Peer;
  readonly responder: Peer;
}

export interface PairOptions {
  /** Where the two meet; nobody else is there. */
  readonly token: string;
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts both ends; `peers` ends them. Resolves when questions can be asked. */
export async function startPair(
  stage: Stage,
  name: ContenderName,
  peers: AsyncDisposableStack,
  { token, ...flags }: PairOptions,
): Promise<RequestPair> {
  const options = { ...flags, args: [name, stage.natsUrl, token], signal: stage.signal };
  const responder = peers.use(await startPeer('responder', options));
  return { asker: peers.use(await startPeer('asker', options)), responder };
}

/** Requests a second, asked for `durationMs`. */
export function rateOf({ asker }: RequestPair, durationMs: number): Promise<number> {
  return asker.number('rate', { durationMs, inFlight });
}

/** Median time of a question asked after the answer before it, in µs. */
export function latencyOf({ asker }: RequestPair, count: number): Promise<number> {
  return asker.number('latency', { count });
}

/** µs of CPU, user and system, that a request takes of both ends together. */
export async function costOf({ asker, responder }: RequestPair, count: number): Promise<number> {
  const before = await responder.number('cpu');
  const asked = await asker.number('cost', { count, inFlight });
  const answered = (await responder.number('cpu')) - before;
  return ((asked + answered) * 1_000) / count;
}
