/**
 * Bringing a space into being, or up to date: from its definition to the writes that make the bucket say so.
 *
 * S1 One atomic batch: either all of the definition is in force or nothing changed.
 * S2 The same definition again writes nothing.
 * S3 A variable keeps its value, in the form its definition gives it; a new definition the value does not fit is refused with the
 *    cure. The value is written again with a changed definition, so that a write validated against the former one loses its race.
 * S4 What the definition does not name any more is deleted with its value; the revisions stay in the history.
 * S5 The space that results is judged as a whole: what was kept before and would not be any more is refused; so is what leaves nobody
 *    who directs (assert-roles.ts). A space with rules
 *    between its parts is changed onto the very state that was judged.
 */
import {
  commitBatch,
  ensureStreams,
  errorsOf,
  hasStream,
  bucketStream,
  MabeamError,
  openReplica,
  platformStreams,
  spaceNames,
  spaceStreams,
  subjects,
  type BatchWrite,
  type BucketEntry,
  type Bus,
} from '@mabeam/bus';
import {
  brokenByChange,
  emptyView,
  foldChanges,
  predicatesOf,
  sameJson,
  validateValue,
  valueKey,
  variableErrors,
  type ConstraintHandler,
  type Predicates,
  type SpaceView,
  type VariableDefinition,
} from '@mabeam/variables';
import { assertRoles } from './assert-roles.ts';
import { bodyOf, definitionBodies, presentBodies } from './bodies.ts';
import { localVariables } from './definition-parts.ts';
import { diffSpace, type PartDifference } from './diff-space.ts';
import { orchestratorError } from '../errors.ts';
import { assertSpaceDefinition, type SpaceDefinition } from './space-definition.ts';
import { scaleKey } from '../state/scale-entry.ts';

const variableError = errorsOf(variableErrors);

/** In whose name a space is created or changed. */
export interface CreateSpaceOptions {
  /** Who creates or changes the space; recorded with each value. */
  readonly by: string;
  /** The predicates that the definition names; one that is missing refuses what it would judge. */
  readonly constraints?: readonly ConstraintHandler[];
}

/**
 * What came of it: `noop` when the space was like this already; `keys` are those written or deleted, `differences` what that changed in
 * the space as it was then.
 */
export type SpaceCreated =
  | {
      readonly kind: 'created' | 'updated';
      readonly revision: number;
      readonly keys: readonly string[];
      readonly differences: readonly PartDifference[];
    }
  | { readonly kind: 'noop' };

/** The server takes so many messages in one atomic batch. */
const largestBatch = 1_000;
const attempts = 5;

/**
 * Makes the space be as defined: its streams and buckets, definitions, initial values and rules (S1–S5).
 * Throws `space-definition-invalid`, `resource-impossible`, `value-outgrown`, `last-coordinator`, what broken rules are called (`constraint-violation`,
 * `handler-not-registered`), or `conflict` when somebody keeps writing the same keys.
 */
export async function createSpace(
  bus: Bus,
  definition: SpaceDefinition,
  options: CreateSpaceOptions,
): Promise<SpaceCreated> {
  assertSpaceDefinition(definition);
  await ensureStreams(bus, [...platformStreams(), ...spaceStreams(definition.space)]);
  const { bucket } = spaceNames(definition.space);
  for (let attempt = 1; ; attempt++) {
    const present = await readBucket(bus, definition.space);
    const writes = planSpace(definition, present, planOptions(options));
    if (writes.length === 0) return { kind: 'noop' };
    try {
      const { revision } = await commitBatch(bus, bucket, writes);
      const isNew = !present.entries().some(({ key }) => key.startsWith('definition.'));
      const differences = diffSpace(presentBodies(present.entries()), definition);
      const keys = writes.map(({ key }) => key);
      return { kind: isNew ? 'created' : 'updated', revision, keys, differences };
    } catch (error) {
      if (!(error instanceof MabeamError) || error.code !== 'conflict' || attempt === attempts) throw error;
    }
  }
}

/** What `createSpace` would do to a space. */
export interface SpacePreview {
  /** Does the space exist already? */
  readonly exists: boolean;
  readonly differences: readonly PartDifference[];
  readonly writes: readonly BatchWrite[];
}

/** What `createSpace` would do now; nothing is created, not even the space. Throws what it would throw. */
export async function previewSpace(
  bus: Bus,
  definition: SpaceDefinition,
  options: CreateSpaceOptions,
): Promise<SpacePreview> {
  assertSpaceDefinition(definition);
  const present = await presentOf(bus, definition.space);
  const differences = diffSpace(presentBodies(present.entries()), definition);
  return {
    exists: present !== noBucket,
    differences,
    writes: planSpace(definition, present, planOptions(options)),
  };
}

/** The parts of a space that a definition would change; whether it could be applied is not asked. */
export async function compareSpace(
  bus: Bus,
  definition: SpaceDefinition,
): Promise<readonly PartDifference[]> {
  assertSpaceDefinition(definition);
  const present = await presentOf(bus, definition.space);
  return diffSpace(presentBodies(present.entries()), definition);
}

/** The bucket of a space as it is; an empty one when the space does not exist. */
async function presentOf(bus: Bus, space: string): Promise<PresentBucket> {
  const exists = await hasStream(bus, bucketStream(spaceNames(space).bucket));
  return exists ? readBucket(bus, space) : noBucket;
}

function planOptions({ by, constraints = [] }: CreateSpaceOptions): PlanOptions {
  return { by, at: new Date().toISOString(), predicates: predicatesOf(constraints) };
}

/** What is asked of the bucket as it is; a replica answers it. */
export interface PresentBucket {
  /** The revision up to which the bucket is known. */
  readonly applied: number;
  get(key: string): BucketEntry | undefined;
  entries(): readonly BucketEntry[];
  /** The revision of the key's newest entry, deleted or not; 0 when there is none. */
  revisionOf(key: string): number;
}

const noBucket: PresentBucket = { applied: 0, get: () => undefined, entries: () => [], revisionOf: () => 0 };

async function readBucket(bus: Bus, space: string): Promise<PresentBucket> {
  const { bucket } = spaceNames(space);
  const replica = await openReplica(bus, { bucket, prefix: subjects(space).at('variable') });
  await replica.close();
  return replica;
}

export interface PlanOptions {
  readonly by: string;
  readonly at: string;
  readonly predicates?: Predicates;
}

/** The writes that make a bucket say what the definition says; none when it does (S1–S5). Throws as `createSpace`. Pure. */
export function planSpace(
  definition: SpaceDefinition,
  present: PresentBucket,
  options: PlanOptions,
): readonly BatchWrite[] {
  const wanted = definitionBodies(definition);
  const before = viewOf(present, options.predicates);
  const changed = [...wanted].filter(([key, body]) => !sameJson(bodyOf(present.get(key)), body));
  const writes = [
    ...changed.map(([key, body]) => ({ key, body, expect: present.revisionOf(key) })),
    ...valueWrites(definition, before, present, options),
    ...removals(definition, wanted, present),
  ];
  if (writes.length > largestBatch) throw tooMuch(definition.space, writes.length);
  assertRoles(presentBodies(present.entries()), definition.agents);
  const after = viewAfterWrites(before, writes);
  assertWhole(definition.space, before, after);
  return isBound(before) || isBound(after) ? sealed(writes, present.applied) : writes;
}

/** First values of new variables; of those with a changed definition, and of what these are bound to, the value once more (S3). */
function valueWrites(
  definition: SpaceDefinition,
  before: SpaceView,
  present: PresentBucket,
  { by, at }: PlanOptions,
): readonly BatchWrite[] {
  const variables = [...definition.variables, ...definition.agents.flatMap(localVariables)];
  const isChanged = ({ id, ...rest }: VariableDefinition): boolean =>
    !sameJson(before.variables.get(id)?.definition, { id, ...rest });
  const changed = variables.filter(isChanged);
  const touched = new Set(
    changed.flatMap(({ id, constraints }) => [id, ...Object.keys(constraints.compatible ?? {})]),
  );
  return variables.flatMap((variable): readonly BatchWrite[] => {
    const key = valueKey(variable.id);
    // 0: the definition has no revision yet, it is written in the same batch.
    const entry = { v: 1, definitionRevision: 0, by, at };
    const write = (value: unknown, cause: string): readonly BatchWrite[] => [
      { key, body: { ...entry, value, cause }, expect: present.revisionOf(key) },
    ];
    const state = before.variables.get(variable.id);
    const isLocal = variable.scope === 'local';
    if (state === undefined || (state.entry === undefined && present.get(key) === undefined))
      return isLocal ? [] : write(variable.initial, 'initial');
    if (!touched.has(variable.id) || state.entry === undefined) return [];
    return write(keptValue(variable, state.value, present), 'redefined');
  });
}

/** The value in the form the definition gives it; throws `value-outgrown` when it allows it no more (S3). */
function keptValue(definition: VariableDefinition, value: unknown, present: PresentBucket): unknown {
  const { id } = definition;
  const verdict = validateValue(definition, value);
  if (verdict.kind === 'valid') return verdict.value;
  const message = `${id}: its present value ${JSON.stringify(value)} does not fit the new definition (${verdict.message}); set it first: mabeam variable set ${id} <value>`;
  const details = { variable: id, revision: present.revisionOf(valueKey(id)) };
  throw orchestratorError('value-outgrown', message, { details });
}

/** Values go before what declares them, so that nobody who reads in between takes them for another variable's (S4). */
function removals(
  definition: SpaceDefinition,
  wanted: ReadonlyMap<string, unknown>,
  present: PresentBucket,
): readonly BatchWrite[] {
  const variables = [...definition.variables, ...definition.agents.flatMap(localVariables)];
  const values = new Set(variables.map(({ id }) => valueKey(id)));
  const scales = new Set(definition.agents.map(({ id }) => scaleKey(id)));
  const keys = present.entries().map(({ key }) => key);
  const gone = [
    ...keys.filter((key) => /^(space|agent)\./.test(key) && !values.has(key)),
    ...keys.filter((key) => key.startsWith(scaleKey('')) && !scales.has(key)),
    ...keys.filter((key) => key.startsWith('definition.') && !wanted.has(key)),
  ];
  return gone.map((key) => ({ key, body: undefined, operation: 'delete', expect: present.revisionOf(key) }));
}

/** The variables as the bucket has them. */
function viewOf(present: PresentBucket, predicates?: Predicates): SpaceView {
  return foldChanges(emptyView(predicates), [{ revision: present.applied, entries: present.entries() }]);
}

/** The variables as they would be after the writes, at revisions that are only a guess. */
function viewAfterWrites(before: SpaceView, writes: readonly BatchWrite[]): SpaceView {
  const entries = writes.map(({ key, body, operation = 'put' }, index) => ({
    key,
    revision: before.revision + index + 1,
    operation,
    data: new TextEncoder().encode(body === undefined ? '' : JSON.stringify(body)),
  }));
  return foldChanges(before, [{ revision: before.revision + writes.length, entries }]);
}

/** S5: refuses a change that would break what was whole; all of it is named. */
function assertWhole(space: string, before: SpaceView, after: SpaceView): void {
  const broken = brokenByChange(before, after);
  const [first] = broken;
  if (first === undefined) return;
  const lines = broken.map(({ id, field, message }) => `${id}: ${field}: ${message}`);
  if (broken.some(({ code }) => code === 'handler-not-registered'))
    lines.push('(mabeam space apply --predicates <module> brings predicates along)');
  const details = { space, problems: broken.map(({ id, ...problem }) => ({ variable: id, ...problem })) };
  throw variableError(first.code, `space ${space}: ${lines.join('\n')}`, { details });
}

/** Are there rules between its variables, or between them and its agents? */
function isBound({ variables }: SpaceView): boolean {
  return [...variables.values()].some(
    ({ definition: { constraints } }) =>
      constraints.roleCoverage !== undefined || Object.keys(constraints.compatible ?? {}).length > 0,
  );
}

/** Nothing written since implies that the first write's own key was not written either. */
function sealed(writes: readonly BatchWrite[], revision: number): readonly BatchWrite[] {
  const [first, ...rest] = writes;
  return first === undefined ? writes : [{ ...first, expect: revision, expectKey: '>' }, ...rest];
}

function tooMuch(space: string, count: number): Error {
  const message = `space ${space}: ${count} definitions and values change at once, the server takes ${largestBatch} in one atomic batch; define the space in several steps`;
  return orchestratorError('space-definition-invalid', message, { details: { space } });
}
