/** Reading what is recorded about a change beside its revisions: its adaptation, its trigger, its neighbours, the lives of instances. */
import { openEvents, type Bus } from '@mabeam/bus';
import { settled, type RecordedRevision } from '@mabeam/variables';
import { adaptationKey } from '../adaptation/adaptation-record.ts';
import { identityHash, readEvent, readTrigger } from '../adaptation/trigger.ts';
import type { SpaceMirror } from '../state/space-mirror.ts';
import { bodyOf, contentOf, objectIn } from './change-story.ts';
import type { LifecycleEvent } from './consequences.ts';
import type { DirectiveEvent } from './directive-story.ts';
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

/** The trigger of an adaptation, or the event a rule answered, as it was published, while the event stream keeps it. */
export async function findTrigger(
  { bus, space }: StoryPlace,
  { hash, record }: AdaptationStory,
): Promise<TriggerStory | undefined> {
  const name = record['trigger'];
  if (typeof name !== 'string' || name === '') return undefined;
  // A trigger's name has no dots; an event's kind has two, and its source says what it is.
  const isEvent = String(record['source']).startsWith('event.') && name.includes('.');
  const filter = `${isEvent ? 'event' : 'trigger'}.${name}`;
  for await (const message of openEvents(bus, space).read({ filter })) {
    const trigger = isEvent ? readEvent(message) : readTrigger(message);
    if (identityHash(trigger) !== hash) continue;
    const { id, source } = trigger;
    const body = trigger.kind === 'trigger' && trigger.body !== undefined ? { body: trigger.body } : {};
    return { name, source, id, at: message.at.toISOString(), ...body };
  }
  return undefined;
}

/** What is kept about a directive, oldest first. */
export async function readDirective(
  { bus, space }: StoryPlace,
  id: string,
): Promise<readonly DirectiveEvent[]> {
  const events: DirectiveEvent[] = [];
  for await (const message of openEvents(bus, space).read({ filter: `event.directive.${id}.*` })) {
    const outcome = message.subject.split('.').at(-1) ?? '';
    events.push({ outcome, at: message.at.toISOString(), body: objectIn(message.data) });
  }
  return events;
}

/** What happened to instances, and what was done about it, in order; of one agent or of all. */
export async function readLifecycle(
  { bus, space }: StoryPlace,
  agent: string = '*',
): Promise<readonly LifecycleEvent[]> {
  const found: { readonly sequence: number; readonly event: LifecycleEvent }[] = [];
  for (const noun of ['agent', 'recovery']) {
    for await (const message of openEvents(bus, space).read({ filter: `event.${noun}.${agent}.*` })) {
      const event = lifecycleOf(message.subject, message.data);
      const traceparent = message.headers.get('traceparent');
      const traceId = traceparent === undefined ? undefined : traceIdOf(traceparent);
      const { at, sequence } = message;
      if (event !== undefined) found.push({ sequence, event: { ...event, at: at.toISOString(), traceId } });
    }
  }
  return found.toSorted((a, b) => a.sequence - b.sequence).map(({ event }) => event);
}

/** Strangers may publish events too: what has no instance in it is left out. */
function lifecycleOf(subject: string, data: Uint8Array): Omit<LifecycleEvent, 'at'> | undefined {
  const { agent, incarnation, node, ordinal, outcome, reason } = objectIn(data) ?? {};
  const [, , , noun, , told = ''] = subject.split('.');
  // That it has failed its host tells; the recovery tells what is done about it.
  const verb = noun === 'recovery' && typeof outcome === 'string' ? outcome : told;
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
