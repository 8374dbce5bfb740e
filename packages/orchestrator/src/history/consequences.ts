/**
 * What a change led to: the graph, and the instances that came and went. Pure.
 *
 * L1  An event of the change's trace belongs to it (`trace`), one of another trace does not. Where one of them has no trace the event
 *     is linked by `time`: it concerns an agent that the change selected, dropped, defined or scaled, and came after it and before
 *     the next change that concerns the team.
 */
import type { RecordedRevision } from '@mabeam/variables';
import { selectedIn } from '../instances/desired.ts';
import { bodyOf, contentOf, type Difference } from './change-story.ts';

/** Something that happened to an instance. */
export interface LifecycleEvent {
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
  readonly verb: string;
  /** When the server stored it, ISO. */
  readonly at: string;
  readonly node?: string | undefined;
  readonly reason?: string | undefined;
  readonly traceId?: string | undefined;
}

/** Something that happened to an instance because of a change, and how that is known (L1). */
export interface LinkedEvent extends LifecycleEvent {
  readonly linkedBy: 'trace' | 'time';
}

/** What a change led to. */
export interface Consequences {
  /** The graph that followed: its epoch, pattern and nodes. */
  readonly graph?: { readonly epoch: number; readonly topology?: string; readonly nodes?: readonly string[] };
  readonly instances: readonly LinkedEvent[];
  /** The last revision that was looked at: what comes later is another change's. */
  readonly until: number;
}

/** What is looked at. */
export interface Aftermath {
  readonly changes: readonly Difference[];
  /** The last revision of the change set. */
  readonly last: RecordedRevision;
  /** The change set and what came after it, in order. */
  readonly revisions: readonly RecordedRevision[];
  readonly events: readonly LifecycleEvent[];
  readonly traceId: string | undefined;
  readonly kinds: ReadonlyMap<string, string>;
}

const wiring = new Set(['agent-selection', 'communication-topology', 'coordination-pattern']);

/** What a change led to (L1). */
export function consequencesOf(aftermath: Aftermath): Consequences {
  const { changes, events, kinds, last, revisions, traceId } = aftermath;
  const later = revisions.filter(({ revision }) => revision > last.revision);
  const next = later.find((each) => isOfTheTeam(each.key, kinds));
  const until = next === undefined ? (later.at(-1)?.revision ?? last.revision) : next.revision - 1;
  const concerned = agentsConcerned(changes, kinds);
  const linked = events.flatMap((event): readonly LinkedEvent[] => {
    if (traceId !== undefined && event.traceId === traceId) return [{ ...event, linkedBy: 'trace' }];
    const at = Date.parse(event.at);
    const isBetween = at >= last.at.getTime() && at < (next?.at.getTime() ?? Number.POSITIVE_INFINITY);
    const isOfAnother = traceId !== undefined && event.traceId !== undefined;
    return isBetween && concerned.has(event.agent) && !isOfAnother ? [{ ...event, linkedBy: 'time' }] : [];
  });
  const wires = changes.some(({ key }) => isOfTheTeam(key, kinds));
  const graph = wires ? later.find(({ key, revision }) => key === 'graph' && revision <= until) : undefined;
  return { ...(graph === undefined ? {} : { graph: graphOf(graph) }), instances: linked, until };
}

function graphOf(revision: RecordedRevision): NonNullable<Consequences['graph']> {
  const { nodes, topology } = bodyOf(revision) ?? {};
  return {
    epoch: revision.revision,
    ...(typeof topology === 'string' ? { topology } : {}),
    ...(Array.isArray(nodes) ? { nodes: selectedIn(nodes) } : {}),
  };
}

/** Does what stands under a key say who runs, or who talks to whom? */
function isOfTheTeam(key: string, kinds: ReadonlyMap<string, string>): boolean {
  const { content, id } = contentOf(key);
  if (content === 'value') return wiring.has(kinds.get(id) ?? '');
  return content === 'agent-definition' || content === 'scale' || content === 'definition';
}

/** The agents whose instances a change may start or stop. */
function agentsConcerned(
  changes: readonly Difference[],
  kinds: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  return new Set(
    changes.flatMap(({ after, before, content, id }) => {
      if (content === 'agent-definition' || content === 'scale') return [id];
      if (content !== 'value' || kinds.get(id) !== 'agent-selection') return [];
      const [then, now] = [selectedIn(before), selectedIn(after)];
      const hasBefore = before !== undefined;
      return hasBefore
        ? [...now.filter((each) => !then.includes(each)), ...then.filter((each) => !now.includes(each))]
        : now;
    }),
  );
}
