/**
 * Telling a story: finding out what is meant, reading what is recorded about it, and handing it to the pure explainers.
 *
 * It only reads. What is meant by an id, the first that fits: a revision (a number), an instance (`<agent>.<ordinal>`), a variable,
 * a directive (its id, with `directive.` in front or without), an adaptation (its hash, or the beginning of one, with `adaptation.` in
 * front or without), an agent, an incarnation.
 */
import { errorsOf } from '@mabeam/bus';
import {
  valueKey,
  variableErrors,
  type HistoryRecord,
  type RecordedRevision,
  type VariableState,
} from '@mabeam/variables';
import { adaptationKey } from '../adaptation/adaptation-record.ts';
import { identityHash } from '../adaptation/trigger.ts';
import { orchestratorError } from '../errors.ts';
import { desiredInstances, selectionsOf } from '../instances/desired.ts';
import { contentOf, provenanceOf } from './change-story.ts';
import { explainDirective, type DirectiveStory } from './directive-story.ts';
import { adaptationOf, changeSetOf, explainRevision, type RevisionStory } from './explain.ts';
import { explainInstance, type InstanceStory } from './instance-story.ts';
import {
  findTrigger,
  readAdaptation,
  readDirective,
  readLifecycle,
  readBefore,
  readStanding,
  standingNow,
  type StoryPlace,
} from './read-material.ts';
import { readKeyRevisions, readRecordedLike, readRevisions } from './read-revisions.ts';

/** The story of a variable: how it got its present value, and what it was before. */
export interface VariableStory {
  readonly kind: 'variable';
  readonly id: string;
  readonly value: unknown;
  /** 0: it still has its initial value. */
  readonly revision: number;
  /** The story of the revision that wrote the value. */
  readonly newest?: RevisionStory;
  /** Newest first. */
  readonly history: readonly HistoryRecord[];
}

export type Story = RevisionStory | VariableStory | InstanceStory | DirectiveStory;

/** A change set has at most 1 000 revisions; what a change led to is looked for among as many after it. */
const windowRevisions = 1_000;
const historyLimit = 10;
const variableError = errorsOf(variableErrors);

/** Tells the story of an id. Throws `unknown-id`, `ambiguous-id`, `unknown-revision`, `history-gap`, and what the bus throws. */
export async function tellStory(place: StoryPlace, id: string): Promise<Story> {
  const { state } = place.mirror;
  if (/^\d{1,15}$/.test(id)) return tellRevision(place, Number(id));
  const [agent = '', ordinal = ''] = id.split('.');
  if (/^[a-z][a-z0-9_-]*\.\d+$/.test(id)) return tellInstance(place, { agent, ordinal: Number(ordinal) });
  const variable = state.view.variables.get(id);
  if (variable !== undefined) return tellVariable(place, variable);
  const directive = await tellDirective(place, id.replace(/^directive\./, ''));
  if (directive !== undefined) return directive;
  const hash = await findAdaptation(place, id);
  if (hash !== undefined) return tellAdaptation(place, hash);
  if ([...state.agents.values()].some(({ spec }) => spec.id === id))
    return tellInstance(place, { agent: id });
  const life = (await readLifecycle(place)).find(({ incarnation }) => incarnation === id);
  if (life !== undefined) return tellInstance(place, life);
  const kinds =
    'a revision, a variable, a directive, an adaptation, an agent, an instance (<agent>.<ordinal>) or an incarnation';
  throw orchestratorError('unknown-id', `nothing is known of "${id}": it is not the id of ${kinds}`, {
    details: { id },
  });
}

/** The story of a directive, with what is recorded of the revision it stands for; undefined when none of that id is kept. */
async function tellDirective(place: StoryPlace, id: string): Promise<DirectiveStory | undefined> {
  if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
  const story = explainDirective(id, await readDirective(place, id));
  if (story === undefined || story.revision === 0) return story;
  const range = { from: story.revision, to: story.revision + windowRevisions };
  const { revisions } = await readRevisions(place.bus, place.space, range);
  const changeSet = changeSetOf(revisions, story.revision);
  return changeSet.length === 0 ? story : { ...story, because: provenanceOf(changeSet) };
}

/** The story of one revision. */
async function tellRevision(place: StoryPlace, revision: number): Promise<RevisionStory> {
  const { bus, mirror, space } = place;
  const range = { from: Math.max(1, revision - windowRevisions), to: revision + windowRevisions };
  const { gaps, revisions } = await readRevisions(bus, space, range);
  const changeSet = changeSetOf(revisions, revision);
  const around = revisions.filter((each) => each.revision >= (changeSet[0]?.revision ?? revision));
  const hash = adaptationOf(changeSet) ?? causeHash(changeSet);
  const adaptation = hash === undefined ? undefined : await readAdaptation(place, hash);
  const before = await readBefore(place, changeSet, { from: range.from, revisions });
  const last = changeSet.at(-1)?.revision ?? revision;
  const story = explainRevision({
    revision,
    revisions: around,
    before,
    now: standingNow(place, changeSet),
    adaptation,
    trigger: adaptation === undefined ? undefined : await findTrigger(place, adaptation),
    events: await readLifecycle(place),
    standing: await readStanding(place, last),
    gaps,
    kinds: new Map([...mirror.state.view.variables].map(([id, { definition }]) => [id, definition.kind])),
  });
  if (story !== undefined) return story;
  const gap = gaps.find(({ from, to }) => from <= revision && revision <= to);
  const details = { revision };
  if (gap !== undefined) {
    const { from, keys, to } = gap;
    const suspects = keys === undefined ? '' : `; it was one of ${keys.join(', ')}`;
    const message = `revision ${revision} is lost: ${from} to ${to} were overwritten before they were copied${suspects}`;
    throw variableError('history-gap', message, { details: { ...details, from, to, keys } });
  }
  const current = mirror.state.view.revision;
  const why =
    revision > current
      ? `the space is at ${current}`
      : revision < 1
        ? 'the first is 1'
        : 'it is older than what is kept';
  throw variableError('unknown-revision', `there is no revision ${revision}: ${why}`, { details });
}

async function tellVariable(
  place: StoryPlace,
  { id, revision, value }: VariableState,
): Promise<VariableStory> {
  const history = await place.mirror.store.history(id, { limit: historyLimit });
  const newest = revision === 0 ? {} : { newest: await tellRevision(place, revision) };
  return { kind: 'variable', id, value, revision, ...newest, history };
}

/** The story of an adaptation is that of the revision it wrote; one that changed nothing wrote its record. */
async function tellAdaptation(place: StoryPlace, hash: string): Promise<RevisionStory> {
  const { revisions } = await readKeyRevisions(place.bus, place.space, adaptationKey(hash));
  const first = revisions.find(({ operation }) => operation === 'put');
  if (first !== undefined) return tellRevision(place, first.revision);
  const message = `the record of adaptation ${hash} is not kept any more`;
  throw orchestratorError('unknown-id', message, { details: { id: hash } });
}

async function tellInstance(
  place: StoryPlace,
  asked: { readonly agent: string; readonly ordinal?: number; readonly incarnation?: string },
): Promise<InstanceStory> {
  const { bus, mirror, space } = place;
  const { agents, adaptations, scales, view } = mirror.state;
  const { agent } = asked;
  const variables = [...view.variables.values()];
  const selections = selectionsOf(agent, variables).map(({ id }) => valueKey(id));
  const keys = [`definition.agent.${agent}`, `scale.${agent}`, ...selections];
  const histories = await Promise.all(keys.map((key) => readKeyRevisions(bus, space, key)));
  const story = explainInstance({
    ...asked,
    observed: mirror.observed,
    leased: new Set(mirror.leases.map((each) => `${each.agent}.${each.ordinal}`)),
    desired: new Set(
      desiredInstances([...agents.values()], variables, scales).map(
        (each) => `${each.agent}.${each.ordinal}`,
      ),
    ),
    events: await readLifecycle(place, agent),
    adaptations: [...adaptations.values()],
    governing: histories.flatMap(({ revisions }) => revisions),
  });
  if (story.because.length > 0 || story.events.length > 0) return story;
  throw orchestratorError('unknown-id', `there is no agent ${agent}, and nothing has happened to one`, {
    details: { id: agent },
  });
}

/** The hash of the adaptation that is meant; undefined when it cannot be one. Throws `ambiguous-id`. */
async function findAdaptation(place: StoryPlace, id: string): Promise<string | undefined> {
  const start = id.replace(/^adaptation\./, '');
  if (!/^[0-9a-f]{4,32}$/.test(start)) return undefined;
  const known = [...place.mirror.state.adaptations.values()].map(({ hash }) => hash);
  const found = known.filter((hash) => hash.startsWith(start));
  const [only, ...others] = found.length > 0 ? found : await prunedAdaptations(place, start);
  if (others.length === 0) return only;
  const message = `${id} is the beginning of several adaptations (${[only, ...others].slice(0, 5).join(', ')}); give more of it`;
  throw orchestratorError('ambiguous-id', message, { details: { id } });
}

/** Adaptations whose records only the history has. */
async function prunedAdaptations({ bus, space }: StoryPlace, start: string): Promise<readonly string[]> {
  if (start.length === 32) return [start];
  const revisions = await readRecordedLike(bus, space, adaptationKey('*'));
  const hashes = revisions.flatMap(({ key }) => {
    const { content, id } = contentOf(key);
    return content === 'adaptation' && id.startsWith(start) ? [id] : [];
  });
  return [...new Set(hashes)];
}

/** The adaptation that a change set names as its cause, without being in it. */
function causeHash(changeSet: readonly RecordedRevision[]): string | undefined {
  const { trigger } = provenanceOf(changeSet);
  return trigger === undefined ? undefined : identityHash(trigger);
}
