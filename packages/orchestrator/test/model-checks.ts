/** What must be so in a space that has come to rest; each check gives what is wrong, in words. */
import { bucketStream, lastSequence, parseJson, readStreamOnce, spaceNames } from '@mabeam/bus';
import { observedKey } from '@mabeam/cluster';
import { waitFor } from '@mabeam/testing';
import { readHistoryEvent, sameJson, settled, type HistoryEvent } from '@mabeam/variables';
import { spaceStanding, type SpaceStanding } from '../src/space/standing.ts';
import { faults } from './history-stage.ts';
import { instanceBytes, poolBytes, type ModelSpace } from './model-space.ts';

/** A dead host is believed alive for two seconds, a node that takes its id again waits for that, and some of it happens in a row. */
const restWithinMs = 40_000;

/** Waits until the space is at rest: all is as desired, but for what has no room in the pool, and the leader has nothing to do. */
export async function comeToRest({ doomed, mirror }: ModelSpace): Promise<void> {
  const { revision } = mirror.state.view;
  let seen: SpaceStanding | undefined;
  const isAtRest = (): boolean => {
    seen = spaceStanding(mirror, Date.now(), revision);
    const isNoticed = mirror.leases.every(({ incarnation }) => !doomed.has(incarnation));
    const nobodyEnds = mirror.leases.length === seen.running.length;
    return isNoticed && nobodyEnds && missingIn(seen).length === 0 && mirror.revisionOf('leader') > 0;
  };
  try {
    await waitFor(isAtRest, { what: 'the space is at rest', timeoutMs: restWithinMs, everyMs: 50 });
  } catch (cause) {
    const { actions = [], waiting = [] } = seen ?? {};
    const now = JSON.stringify({
      missing: seen && missingIn(seen),
      actions,
      waiting,
      observed: mirror.observed,
      leases: mirror.leases,
      nodes: mirror.nodes.map(({ id }) => id),
    });
    throw new Error(`the space does not come to rest: ${now}`, { cause });
  }
}

/** What is not as the variables say, in words; who has no room in the pool is not missed. */
function missingIn({ actions, isWired, laggards, open, waiting }: SpaceStanding): readonly string[] {
  const crowdedOut = new Set(crowdedOutOf(waiting));
  return [
    ...laggards
      .filter((each) => !crowdedOut.has(observedKey(each)))
      .map((each) => `${observedKey(each)} is ${each.reason}`),
    ...actions.map((each) => `${each.kind} ${observedKey(each)}`),
    ...(isWired ? [] : ['the graph is another one']),
    ...open.map(({ hash }) => `adaptation ${hash} is open`),
  ];
}

function crowdedOutOf(waiting: SpaceStanding['waiting']): readonly string[] {
  return waiting.filter(({ reason }) => reason === 'resource-exhausted').map(observedKey);
}

/** All that is wrong with a space at rest. */
export async function wrongWith(model: ModelSpace): Promise<readonly string[]> {
  return [
    ...wrongInstances(model),
    ...wrongValues(model),
    ...wrongPool(model),
    ...model.watch.relapses,
    ...(await wrongActors(model)),
    ...(await wrongHistory(model)),
  ];
}

/** Observed = desired: the instances that run are those that ought to, but for those the pool has no room for. */
function wrongInstances({ mirror }: ModelSpace): readonly string[] {
  const { desired, running, waiting } = spaceStanding(mirror, Date.now());
  const crowdedOut = new Set(crowdedOutOf(waiting));
  const due = desired.filter((key) => !crowdedOut.has(key)).toSorted();
  return sameJson(due, running) ? [] : [`${running.join()} run, and ${due.join()} ought to`];
}

/** What was written last is what is in force: no write is lost, none is undone. */
function wrongValues({ mirror, written }: ModelSpace): readonly string[] {
  return [...written].flatMap(([id, value]) => {
    const now = id === 'scale' ? mirror.state.scales.get('scale.c')?.replicas : mirror.store.get(id).value;
    return sameJson(now, value)
      ? []
      : [`${id} is ${JSON.stringify(now)}, written was ${JSON.stringify(value)}`];
  });
}

/** The pool is conserved: what runs fits into it, and nobody waits for room that is there. */
function wrongPool({ mirror }: ModelSpace): readonly string[] {
  const { running, waiting } = spaceStanding(mirror, Date.now());
  const left = poolBytes - running.length * instanceBytes;
  if (left < 0) return [`${running.length} instances take more than the pool has`];
  const crowdedOut = crowdedOutOf(waiting);
  return left >= instanceBytes && crowdedOut.length > 0
    ? [`${crowdedOut.join()} wait, and ${left} bytes are left`]
    : [];
}

/** One process answers for each instance that runs, in the incarnation that has the lease, and for no other. */
async function wrongActors({ bus, mirror, space }: ModelSpace): Promise<readonly string[]> {
  const settlement = await settled(bus, space, mirror.state.view.revision, { timeoutMs: 10_000 });
  if (settlement.kind !== 'settled') return [`not settled: ${JSON.stringify(settlement.laggards)}`];
  const voices = settlement.processes.flatMap(({ instances }) => instances);
  const said = voices.map((each) => `${observedKey(each)} ${each.incarnation}`).toSorted();
  const held = mirror.leases.map((each) => `${observedKey(each)} ${each.incarnation}`).toSorted();
  return sameJson(said, held) ? [] : [`${said.join()} answer, and the leases are ${held.join()}`];
}

/** The history has each revision once, and the fence of each commit is that of the leader then in office. */
async function wrongHistory({ bus, space }: ModelSpace): Promise<readonly string[]> {
  const { bucket, history } = spaceNames(space);
  const last = await lastSequence(bus, bucketStream(bucket));
  const read = async (): Promise<readonly HistoryEvent[]> => {
    const events: HistoryEvent[] = [];
    for await (const message of readStreamOnce(bus, history)) {
      const event = readHistoryEvent(message);
      if (event !== undefined) events.push(event);
    }
    return events;
  };
  const isCopied = async (): Promise<readonly HistoryEvent[] | undefined> => {
    const events = await read();
    return events.some((event) => 'revision' in event && event.revision >= last) ? events : undefined;
  };
  const events = await waitFor(isCopied, {
    what: `the history reaches ${last}`,
    timeoutMs: 10_000,
    everyMs: 200,
  });
  const upTo = events.filter((event) => !('revision' in event) || event.revision <= last);
  return [...faults(upTo, last), ...wrongFences(upTo)];
}

/** Two leaders: a commit under the fence of one, after another has taken office. */
function wrongFences(events: readonly HistoryEvent[]): readonly string[] {
  let leader = 0;
  return events.flatMap((event) => {
    if (event.kind !== 'revision') return [];
    if (event.key === 'leader') leader = event.revision;
    if (event.key !== 'fence' || event.data === undefined) return [];
    const body: unknown = parseJson(event.data);
    const named = typeof body === 'object' && body !== null && 'leader' in body ? body.leader : undefined;
    return named === undefined || named === leader
      ? []
      : [`revision ${event.revision} is of leader ${JSON.stringify(named)}, and ${leader} was in office`];
  });
}
