/**
 * The starts that are called for now, and what the other desired instances wait for (reconcile.ts: C1, C4, C6, C8–C10). Pure.
 */
import { observedKey, type ObservedInstance } from '@mabeam/cluster';
import type { StartAction, Waiting } from './actions.ts';
import { admitStarts, type Candidate, type Refusal } from './admission.ts';
import type { DesiredInstance } from './desired.ts';
import { byName, statusOf, type Situation } from './situation.ts';
import { obstacleOf, type AgentStanding, type Obstacle, type StartOrder } from './start-order.ts';

/** The starts that can be made now, in their order, and what the others wait for (C8–C10). */
export function startsFor(
  situation: Situation,
  order: StartOrder,
): { readonly starts: readonly StartAction[]; readonly waiting: readonly Waiting[] } {
  const refused = new Map<string, Refusal>();
  for (;;) {
    const { candidates, waiting } = candidatesFor(situation, order, refused);
    const admitted = admitStarts(candidates, refused, situation);
    // Nobody waits out of courtesy for what is refused: so others may now be candidates, and are looked at with it.
    if (admitted.refused.length === 0) return { starts: admitted.starts, waiting };
    for (const refusal of admitted.refused) refused.set(observedKey(refusal.instance), refusal);
  }
}

/** What could be started now if there is room for it, and what the others wait for (C8, C9). */
function candidatesFor(
  situation: Situation,
  order: StartOrder,
  refused: ReadonlyMap<string, Refusal>,
): { readonly candidates: readonly Candidate[]; readonly waiting: readonly Waiting[] } {
  const candidates: Candidate[] = [];
  const waiting: Waiting[] = [];
  const standings = new Map<string, AgentStanding>();
  const instances = Map.groupBy([...situation.desired.values()].toSorted(byName), ({ agent }) => agent);
  let room = situation.startsAtOnce - startingNow(situation);
  let earlyComing: string | undefined;
  for (const agent of order.agents) {
    const wanted = instances.get(agent);
    if (wanted === undefined) continue;
    const obstacle = obstacleOf(agent, order, standings, earlyComing);
    let standing: AgentStanding = 'stuck';
    for (const instance of wanted) {
      const free = refused.get(observedKey(instance))?.waiting ?? startFor(instance, situation);
      const next = free?.kind === 'candidate' ? (hold(free, obstacle, room) ?? free) : free;
      if (next?.kind === 'candidate') {
        candidates.push(next);
        if (needsOwnThread(instance)) room -= 1;
      } else if (next !== undefined) waiting.push(next);
      standing = better(standing, standingOf(instance, next, situation, obstacle));
    }
    standings.set(agent, standing);
    if (standing === 'coming' && order.early.has(agent)) earlyComing ??= agent;
  }
  return { candidates, waiting };
}

/** Why a start that could be made has to wait. */
function hold(
  { agent, ordinal, instance }: Candidate,
  obstacle: Obstacle | undefined,
  room: number,
): Waiting | undefined {
  const name = { kind: 'waiting', agent, ordinal } as const;
  if (obstacle !== undefined) return { ...name, reason: 'dependency', on: obstacle.on };
  return room <= 0 && needsOwnThread(instance) ? { ...name, reason: 'start-limit' } : undefined;
}

/** Instances of ours that are starting, or soon will be (C9). */
function startingNow(situation: Situation): number {
  const { desired, inFlight, leases } = situation;
  return [...desired].filter(
    ([key, instance]) =>
      needsOwnThread(instance) &&
      (inFlight.has(key) || (leases.has(key) && statusOf(key, situation) === 'starting')),
  ).length;
}

/** A module in a process or a thread of its own: what takes a core for a while until it is there. */
function needsOwnThread({ spec: { run } }: DesiredInstance): boolean {
  return run !== undefined && 'module' in run && run.form !== 'in-process';
}

/** What an instance makes of its agent's standing. */
function standingOf(
  instance: DesiredInstance,
  next: Candidate | Waiting | undefined,
  situation: Situation,
  obstacle: Obstacle | undefined,
): AgentStanding {
  if (next === undefined) {
    const status = statusOf(observedKey(instance), situation);
    return status === 'active' ? 'up' : status === 'failed' ? 'stuck' : 'coming';
  }
  if (next.kind === 'candidate') return 'coming';
  if (next.reason === 'dependency') return obstacle?.isComing === true ? 'coming' : 'stuck';
  return onTheirWay.has(next.reason) ? 'coming' : 'stuck';
}

/** Who waits for these will be there soon. */
const onTheirWay: ReadonlySet<Waiting['reason']> = new Set([
  'in-flight',
  'stopping',
  'host-may-return',
  'start-limit',
]);

function better(a: AgentStanding, b: AgentStanding): AgentStanding {
  if (a === 'up' || b === 'up') return 'up';
  return a === 'coming' || b === 'coming' ? 'coming' : 'stuck';
}

/** The start a desired instance calls for, or what it waits for; undefined when it runs (C1, C4). */
function startFor(instance: DesiredInstance, situation: Situation): Candidate | Waiting | undefined {
  const key = observedKey(instance);
  const observed = situation.observed.get(key);
  const name = { agent: instance.agent, ordinal: instance.ordinal };
  if (situation.inFlight.has(key)) return { kind: 'waiting', ...name, reason: 'in-flight' };
  const lease = situation.leases.get(key);
  if (lease !== undefined) {
    const stopping = observed?.incarnation === lease.incarnation && observed.status === 'stopping';
    return stopping ? { kind: 'waiting', ...name, reason: 'stopping' } : undefined;
  }
  const rest = restOf(instance, observed, situation);
  if (rest !== undefined) return { kind: 'waiting', ...name, reason: rest };
  const reason = reasonToStart(observed);
  if (reason === 'lost' && mayReturn(observed, situation)) {
    return { kind: 'waiting', ...name, reason: 'host-may-return' };
  }
  const former = formerNode(observed, situation);
  const avoid = observed === undefined ? undefined : situation.recovery?.nodeToAvoid(observed);
  return {
    kind: 'candidate',
    ...name,
    instance,
    reason,
    ...(former === undefined ? {} : { former }),
    ...(avoid === undefined ? {} : { avoid }),
  };
}

/** May the host of a lost instance still be there (C6), or is it not written down yet that it is not (C11)? */
function mayReturn(observed: ObservedInstance | undefined, situation: Situation): boolean {
  const { lostAfter, now, recovery } = situation;
  if (now < lostAfter) return true;
  if (observed === undefined || recovery === undefined) return false;
  const isStopping = observed.status === 'stopping';
  return !isStopping && !recovery.isRecorded(observed.agent, observed.incarnation);
}

/** The node an instance was on, if it is alive. */
function formerNode(observed: ObservedInstance | undefined, { nodes }: Situation): string | undefined {
  return nodes.find(({ id }) => id === observed?.node)?.id;
}

/** Does the instance have to rest (C4)? A new definition is a new attempt and rests for nothing. */
function restOf(
  instance: DesiredInstance,
  observed: ObservedInstance | undefined,
  situation: Situation,
): 'back-off' | 'ended' | undefined {
  if (observed === undefined || observed.definitionRevision !== instance.definitionRevision) return undefined;
  const { now, recovery, retryAfterMs } = situation;
  const isRenewed =
    recovery?.renewed.has(observed.incarnation) === true && instance.spec.restart !== 'temporary';
  if (!isRenewed && hasEnded(instance, observed)) return 'ended';
  if (observed.status !== 'failed') return undefined;
  const restMs = recovery?.restMs(observed) ?? retryAfterMs;
  return now < Date.parse(observed.since) + restMs ? 'back-off' : undefined;
}

/** Has it ended in a way after which its restart type forbids another start, and was it not selected anew since? */
function hasEnded({ selectedAt, spec }: DesiredInstance, observed: ObservedInstance): boolean {
  const isOver =
    (observed.status === 'inactive' && spec.restart !== 'permanent') ||
    (observed.status === 'failed' && spec.restart === 'temporary');
  return isOver && (selectedAt === undefined || Date.parse(selectedAt) <= Date.parse(observed.since));
}

function reasonToStart(observed: ObservedInstance | undefined): StartAction['reason'] {
  if (observed?.status === 'failed') return 'retry';
  return observed === undefined || observed.status === 'inactive' ? 'desired' : 'lost';
}
