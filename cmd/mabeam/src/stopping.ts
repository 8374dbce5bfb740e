/**
 * Stopping by hand: the order goes to the node that holds the instance, with the present leader's revision, for a person acts beside
 * the leader and not against it. What the leader will do next is told from the same functions by which it decides.
 */
import {
  nearestWord,
  selectionsOf,
  activeAgents,
  type InstanceLease,
  type SpaceMirror,
} from '@mabeam/orchestrator';
import { observedKey, orderStop, type NodeReply } from '@mabeam/cluster';
import type { Bus } from '@mabeam/bus';
import { commandError } from './errors.ts';

/** What is to be stopped: all instances of an agent, or one. */
export interface StopTarget {
  readonly agent: string;
  readonly ordinal: number | undefined;
}

/** What became of one instance. */
export interface StoppedInstance {
  readonly instance: string;
  readonly kind: 'stopping' | 'stopped';
  readonly node: string;
  /** How it ended, in the words of its host; when that was waited for. */
  readonly reason?: string | undefined;
}

export interface StopOptions {
  /** How long the instance may take; its end is waited for when this is given. */
  readonly drainMs: number | undefined;
}

/** What the orchestrator will do about an agent that was stopped. */
export interface Prospect {
  /** `restart`: it starts it again; `rest`: it stays stopped until its definition or selection changes. */
  readonly kind: 'restart' | 'rest' | 'not-desired' | 'elsewhere' | 'frozen';
  /** Selections that govern the agent. */
  readonly variables: readonly string[];
}

/** From the end of its drain until a host has written what came of it. */
const afterDrainMs = 5_000;

/**
 * Orders the stops; none when nothing runs. Throws `no-such-agent`, `not-stoppable` when a host is no node, `stop-refused`, and with
 * `drainMs` `stop-pending` when an instance outlives its drain.
 */
export async function stopInstances(
  bus: Bus,
  mirror: SpaceMirror,
  target: StopTarget,
  { drainMs }: StopOptions,
): Promise<readonly StoppedInstance[]> {
  assertKnown(mirror, target.agent);
  const leases = mirror.leases.filter(
    ({ agent, ordinal }) => agent === target.agent && (target.ordinal ?? ordinal) === ordinal,
  );
  for (const lease of leases) assertOnNode(mirror, lease);
  return Promise.all(
    leases.map(async (lease) => {
      const reply = await order(bus, mirror, lease, drainMs);
      if (reply.kind === 'rejected') throw refused(lease, reply);
      const stopped = { instance: observedKey(lease), node: lease.node };
      if (drainMs === undefined) return { ...stopped, kind: 'stopping' };
      return { ...stopped, kind: 'stopped', reason: await untilGone(mirror, lease, drainMs) };
    }),
  );
}

/** What comes next. Pure, on the mirror as it is. */
export function prospectOf({ freeze, state }: SpaceMirror, agent: string): Prospect {
  const agents = [...state.agents.values()];
  const all = [...state.view.variables.values()];
  const variables = selectionsOf(agent, all).map(({ id }) => id);
  const defined = activeAgents(agents, all).find(({ spec }) => spec.id === agent);
  if (defined === undefined) return { kind: 'not-desired', variables };
  if (defined.spec.run === undefined) return { kind: 'elsewhere', variables };
  if (freeze !== undefined) return { kind: 'frozen', variables };
  return { kind: defined.spec.restart === 'permanent' ? 'restart' : 'rest', variables };
}

function assertKnown({ leases, observed, state }: SpaceMirror, agent: string): void {
  const defined = [...state.agents.values()].map(({ spec }) => spec.id);
  const known = new Set([
    ...defined,
    ...leases.map((lease) => lease.agent),
    ...observed.map((one) => one.agent),
  ]);
  if (known.has(agent)) return;
  const near = nearestWord(agent, [...known]);
  const cure =
    near === undefined ? `there are: ${[...known].toSorted().join(', ')}` : `did you mean ${near}?`;
  throw commandError('no-such-agent', `there is no agent ${agent}; ${cure}`, {
    details: { agent, nearest: near },
  });
}

function assertOnNode({ nodes }: SpaceMirror, lease: InstanceLease): void {
  if (nodes.some(({ id }) => id === lease.node)) return;
  const message = `${observedKey(lease)} is hosted by ${lease.node}, which is no living node; end it there (Ctrl-C in that terminal)`;
  throw commandError('not-stoppable', message, { details: { ...lease } });
}

function order(bus: Bus, mirror: SpaceMirror, lease: InstanceLease, drainMs?: number): Promise<NodeReply> {
  const { agent, node, ordinal } = lease;
  const leaderRevision = mirror.revisionOf('leader');
  const command = { space: mirror.store.space, agent, ordinal, leaderRevision };
  return orderStop(bus, node, { ...command, ...(drainMs === undefined ? {} : { drainMs }) });
}

function refused(lease: InstanceLease, { reason = 'no reason given' }: NodeReply): Error {
  const message = `node ${lease.node} refuses to stop ${observedKey(lease)}: ${reason}; try again`;
  return commandError('stop-refused', message, { details: { ...lease, reason } });
}

/** Resolves when the incarnation is over, with its host's last word. Throws `stop-pending`. */
async function untilGone(
  mirror: SpaceMirror,
  lease: InstanceLease,
  drainMs: number,
): Promise<string | undefined> {
  const { signal } = new AbortController();
  const giveUpAtMs = performance.now() + drainMs + afterDrainMs;
  const isSame = (other: { readonly incarnation: string }): boolean =>
    other.incarnation === lease.incarnation;
  while (mirror.leases.some(isSame)) {
    const leftMs = giveUpAtMs - performance.now();
    if (leftMs <= 0) {
      const message = `${observedKey(lease)} still has work after ${drainMs} ms; its node ends it, see mabeam ps`;
      throw commandError('stop-pending', message, { details: { ...lease } });
    }
    await mirror.nextChange(Math.min(leftMs, 1_000), signal);
  }
  return mirror.observed.find(isSame)?.reason;
}
