/** Reading what is recorded about a change beside its revisions: its adaptation, its trigger, its neighbours, the lives of instances. */
import { openEvents, type Bus } from '@mabeam/bus';
import { settled, type RecordedRevision } from '@mabeam/variables';
import { adaptationKey } from '../adaptation/adaptation-record.ts';
import { identityHash, readTrigger } from '../adaptation/trigger.ts';
import type { SpaceMirror } from '../state/space-mirror.ts';
import { bodyOf, contentOf, objectIn } from './change-story.ts';
import type { LifecycleEvent } from './consequences.ts';
import { traceIdOf } from './explain.ts';
import type { AdaptationStory, RevisionStanding, TriggerStory } from './explain.ts';
import { readKeyRevisions } from './read-revisions.ts';

/** Where to read. */
export interface StoryPlace {
  readonly bus: Bus;
  readonly space: string;
  readonly mirror: SpaceMirror;
}

const standingMs = 1_000;

/** The newest record of an adaptation, with all that is in it. */
export async function readAdaptation(
  { bus, space }: StoryPlace,
  hash: string,
): Promise<AdaptationStory | undefined> {
  const { revisions } = await readKeyRevisions(bus, space, adaptationKey(hash));
  const records = revisions.map(bodyOf).filter((record) => record !== undefined);
  const record = records.at(-1);
  if (record === undefined) return undefined;
  const phases = revisions.map((each) => {
    const said = bodyOf(each)?.['outcome'];
    const outcome = each.operation === 'delete' ? 'pruned' : typeof said === 'string' ? said : 'unreadable';
    return { revision: each.revision, at: each.at.toISOString(), outcome };
  });
  return { hash, record, phases };
}

/** Revisions that have been read, all there are from the first on. */
export interface Window {
  readonly from: number;
  readonly revisions: readonly RecordedRevision[];
}

/** What stood under the keys of a change set before it, by key; what is in the window is not read again. */
export async function readBefore(
  { bus, space }: StoryPlace,
  changeSet: readonly RecordedRevision[],
  { from, revisions }: Window,
): Promise<ReadonlyMap<string, RecordedRevision>> {
  const before = new Map<string, RecordedRevision>();
  for (const { key, revision } of changeSet) {
    if (contentOf(key).content === 'fence') continue;
    const isFormer = (each: RecordedRevision): boolean => each.key === key && each.revision < revision;
    const near = revisions.findLast(isFormer);
    const isAllRead = near !== undefined || from <= 1;
    const former = isAllRead ? near : (await readKeyRevisions(bus, space, key)).revisions.findLast(isFormer);
    if (former !== undefined) before.set(key, former);
  }
  return before;
}

/** What stands under the keys of a change set now, by key. */
export function standingNow(
  { mirror }: StoryPlace,
  changeSet: readonly RecordedRevision[],
): ReadonlyMap<string, RecordedRevision> {
  const { replica } = mirror.store;
  return new Map(
    changeSet.map(({ key }): readonly [string, RecordedRevision] => {
      const entry = replica.get(key);
      const gone = { key, revision: replica.revisionOf(key), operation: 'delete' } as const;
      return [key, { kind: 'revision', ...(entry ?? { ...gone, data: new Uint8Array(0), at: new Date(0) }) }];
    }),
  );
}

/** The trigger of an adaptation as it was published, while the event stream keeps it. */
export async function findTrigger(
  { bus, space }: StoryPlace,
  { hash, record }: AdaptationStory,
): Promise<TriggerStory | undefined> {
  const name = record['trigger'];
  if (typeof name !== 'string' || name === '') return undefined;
  for await (const message of openEvents(bus, space).read({ filter: `trigger.${name}` })) {
    const trigger = readTrigger(message);
    if (identityHash(trigger) !== hash) continue;
    const { id, source } = trigger;
    const body = trigger.kind === 'trigger' && trigger.body !== undefined ? { body: trigger.body } : {};
    return { name, source, id, at: message.at.toISOString(), ...body };
  }
  return undefined;
}

/** What happened to instances, in order; of one agent or of all. */
export async function readLifecycle(
  { bus, space }: StoryPlace,
  agent: string = '*',
): Promise<readonly LifecycleEvent[]> {
  const found: LifecycleEvent[] = [];
  for await (const message of openEvents(bus, space).read({ filter: `event.agent.${agent}.*` })) {
    const event = lifecycleOf(message.subject, message.data);
    const traceparent = message.headers.get('traceparent');
    const traceId = traceparent === undefined ? undefined : traceIdOf(traceparent);
    if (event !== undefined) found.push({ ...event, at: message.at.toISOString(), traceId });
  }
  return found;
}

/** Strangers may publish events too: what has no instance in it is left out. */
function lifecycleOf(subject: string, data: Uint8Array): Omit<LifecycleEvent, 'at'> | undefined {
  const { agent, incarnation, node, ordinal, reason } = objectIn(data) ?? {};
  const verb = subject.split('.').at(-1) ?? '';
  if (typeof agent !== 'string' || typeof ordinal !== 'number' || typeof incarnation !== 'string')
    return undefined;
  return {
    agent,
    ordinal,
    incarnation,
    verb,
    ...(typeof node === 'string' ? { node } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
  };
}

/** Who works with a revision, and who does not; undefined when there is no such revision yet. */
export async function readStanding(
  { bus, mirror, space }: StoryPlace,
  revision: number,
): Promise<RevisionStanding | undefined> {
  if (revision > mirror.state.view.revision) return undefined;
  const settlement = await settled(bus, space, revision, { timeoutMs: standingMs });
  if (settlement.kind === 'settled')
    return { with: settlement.processes.flatMap(({ instances }) => instances), without: [] };
  const without = settlement.laggards.flatMap(({ instances }) => instances);
  const late = new Set(without.map(({ incarnation }) => incarnation));
  const active = mirror.observed.filter(({ status }) => status === 'active');
  const rest = active.filter(({ incarnation }) => !late.has(incarnation));
  return {
    with: rest.map(({ agent, incarnation, ordinal }) => ({ agent, ordinal, incarnation })),
    without,
  };
}
