/**
 * Explaining: the whole story of a revision, told from what is recorded about it. Pure; tell-story.ts does the reading.
 *
 * E1  A link is one that is recorded – the same change set, the same trigger, the same trace – or says that it was made by time.
 * E2  What is not known is absent; what is lost is named.
 */
import type { RecordedGap, RecordedRevision, SettledInstance } from '@mabeam/variables';
import { bodyOf, contentOf, differenceOf, provenanceOf } from './change-story.ts';
import type { Difference, JsonObject, Provenance } from './change-story.ts';
import { consequencesOf, type Consequences, type LifecycleEvent } from './consequences.ts';

/** What is known about a revision and what surrounds it. */
export interface StoryMaterial {
  /** The revision that was asked about. */
  readonly revision: number;
  /** Revisions of the space in order: its change set, and what came after it. */
  readonly revisions: readonly RecordedRevision[];
  /** What stood under the keys of the change set before. */
  readonly before: ReadonlyMap<string, RecordedRevision>;
  /** What stands under the keys of the change set now. */
  readonly now: ReadonlyMap<string, RecordedRevision>;
  /** The record of the adaptation as it is in the end, with its hash. */
  readonly adaptation?: AdaptationStory | undefined;
  /** The trigger as it was published, while it is kept. */
  readonly trigger?: TriggerStory | undefined;
  readonly events: readonly LifecycleEvent[];
  /** Who works with the revision, and who does not. */
  readonly standing?: RevisionStanding | undefined;
  readonly gaps: readonly RecordedGap[];
  /** The kinds of the variables there are. */
  readonly kinds: ReadonlyMap<string, string>;
}

/** An adaptation with all that its record says, also what this version does not know. */
export interface AdaptationStory {
  readonly hash: string;
  readonly record: JsonObject;
  /** The revisions of the record, in order, each with the outcome it said: `committed`, then what came of it; `pruned` at the end. */
  readonly phases: readonly AdaptationPhase[];
}

/** A revision of an adaptation's record. */
export interface AdaptationPhase {
  readonly revision: number;
  readonly at: string;
  readonly outcome: string;
}

/** A trigger as it was published. */
export interface TriggerStory {
  readonly name: string;
  readonly source: string;
  readonly id: string;
  /** When the server stored it, ISO. */
  readonly at: string;
  readonly body?: unknown;
}

/** Who works with a revision, and who does not. */
export interface RevisionStanding {
  readonly with: readonly SettledInstance[];
  readonly without: readonly SettledInstance[];
}

/** The story of a revision. */
export interface RevisionStory {
  readonly kind: 'revision';
  readonly revision: number;
  /** First and last revision of the change set it belongs to. */
  readonly changeSet: readonly [number, number];
  /** When the server stored it, ISO. */
  readonly at: string;
  readonly provenance: Provenance;
  /** What it changed; fences are left out. */
  readonly changes: readonly Difference[];
  readonly trigger?: TriggerStory;
  readonly adaptation?: AdaptationStory;
  readonly traceId?: string;
  readonly ledTo: Consequences;
  readonly standing?: RevisionStanding;
  readonly outcome: StoryOutcome;
  /** Revisions around it that are lost. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
}

/** What became of it. `in-force`: it is what stands there; `superseded`: something newer does. */
export type StoryOutcome =
  | { readonly kind: 'in-force' }
  | { readonly kind: 'superseded'; readonly revision: number; readonly by?: string }
  | { readonly kind: 'refused'; readonly repairedAt: number }
  | { readonly kind: 'adaptation'; readonly outcome: string; readonly reason?: string }
  | { readonly kind: 'recorded' };

/** Tells the story of a revision; undefined when it is not among those given. */
export function explainRevision(material: StoryMaterial): RevisionStory | undefined {
  const changeSet = changeSetOf(material.revisions, material.revision);
  const [first] = changeSet;
  const last = changeSet.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const changes = changeSet
    .filter(({ key }) => contentOf(key).content !== 'fence')
    .map((each) => differenceOf(each, material.before.get(each.key)));
  const { adaptation, gaps, standing, trigger } = material;
  const traceId = traceOf(adaptation);
  const isTakenBack = isRollBack(changeSet, adaptation);
  const ledTo = consequencesOf({ ...material, changes, last, traceId: isTakenBack ? undefined : traceId });
  const near = gaps.filter(({ from, to }) => to >= first.revision - 1 && from <= ledTo.until);
  return {
    kind: 'revision',
    revision: material.revision,
    changeSet: [first.revision, last.revision],
    at: last.at.toISOString(),
    provenance: withTrigger(provenanceOf(changeSet), adaptation),
    changes,
    ...(trigger === undefined ? {} : { trigger }),
    ...(adaptation === undefined ? {} : { adaptation }),
    ...(traceId === undefined ? {} : { traceId }),
    ledTo,
    ...(standing === undefined ? {} : { standing }),
    outcome: outcomeOf(material, changes),
    gaps: near.map(({ from, to }) => ({ from, to })),
  };
}

/** The revisions of one change set: those of one batch, or one alone. */
export function changeSetOf(
  revisions: readonly RecordedRevision[],
  revision: number,
): readonly RecordedRevision[] {
  const asked = revisions.find((each) => each.revision === revision);
  if (asked?.batch === undefined) return asked === undefined ? [] : [asked];
  return revisions.filter(({ batch }) => batch === asked.batch);
}

/** The hash of the adaptation a change set belongs to, by its record in the same change set. */
export function adaptationOf(changeSet: readonly RecordedRevision[]): string | undefined {
  return changeSet.map(({ key }) => contentOf(key)).find(({ content }) => content === 'adaptation')?.id;
}

/** Does the change set take its adaptation back? The trace is that of what it takes back. */
function isRollBack(
  changeSet: readonly RecordedRevision[],
  adaptation: AdaptationStory | undefined,
): boolean {
  const revisions = new Set(changeSet.map(({ revision }) => revision));
  const phases = adaptation?.phases ?? [];
  return phases.some(({ outcome, revision }) => outcome === 'rolled-back' && revisions.has(revision));
}

/** A change set of records alone says no cause; the trigger of its adaptation is it. */
function withTrigger(provenance: Provenance, adaptation: AdaptationStory | undefined): Provenance {
  const { id, source } = adaptation?.record ?? {};
  const isSaid = provenance.cause !== undefined || typeof id !== 'string' || typeof source !== 'string';
  return isSaid ? provenance : { ...provenance, trigger: { source, id } };
}

/** What became of the change: the adaptation's own word first, then whether what it wrote still stands. */
function outcomeOf(
  { adaptation, now, revisions }: StoryMaterial,
  changes: readonly Difference[],
): StoryOutcome {
  const said = adaptation?.record['outcome'];
  if (typeof said === 'string') {
    const reason = adaptation?.record['reason'];
    return { kind: 'adaptation', outcome: said, ...(typeof reason === 'string' ? { reason } : {}) };
  }
  const repair = revisions.find((each) => isRepairOf(each, changes, revisions));
  if (repair !== undefined) return { kind: 'refused', repairedAt: repair.revision };
  const lasting = changes.filter(({ content }) => content !== 'adaptation' && content !== 'leader');
  if (lasting.length === 0) return { kind: 'recorded' };
  const newer = lasting.flatMap(({ key, revision }) => {
    const present = now.get(key);
    return present !== undefined && present.revision > revision ? [present] : [];
  })[0];
  if (newer === undefined) return { kind: 'in-force' };
  const by = bodyOf(newer)?.['by'];
  return { kind: 'superseded', revision: newer.revision, ...(typeof by === 'string' ? { by } : {}) };
}

/** Is this what the leader wrote over a value that no reader took? It is the next revision of the value's key. */
function isRepairOf(
  revision: RecordedRevision,
  changes: readonly Difference[],
  revisions: readonly RecordedRevision[],
): boolean {
  const body = bodyOf(revision);
  if (body?.['by'] !== 'orchestrator' || body['cause'] !== 'repair') return false;
  return changes.some(({ key, revision: changed }) => {
    const next = revisions.find((each) => each.key === key && each.revision > changed);
    return next === revision;
  });
}

/** The id of the trace an adaptation belongs to. */
function traceOf(adaptation: AdaptationStory | undefined): string | undefined {
  const traceparent = adaptation?.record['traceparent'];
  return typeof traceparent === 'string' ? traceIdOf(traceparent) : undefined;
}

/** The trace id in a W3C `traceparent`. */
export function traceIdOf(traceparent: string): string | undefined {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent)?.[1];
}
