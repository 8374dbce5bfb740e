/**
 * Bringing a space into being, or up to date: from its definition to the writes that make the bucket say so.
 *
 * S1 One atomic batch: either all of the definition is in force or nothing changed.
 * S2 The same definition again writes nothing.
 * S3 A variable keeps its value; a new definition the value does not fit is refused with the cure.
 * S4 What the definition does not name any more loses its definition; its values stay in the history.
 */
import {
  commitBatch,
  ensureStreams,
  MabeamError,
  openReplica,
  parseJson,
  platformStreams,
  spaceNames,
  spaceStreams,
  subjects,
  type BatchWrite,
  type BucketEntry,
  type Bus,
} from '@mabeam/bus';
import {
  decodeEntry,
  definitionKey,
  localDefinitions,
  sameJson,
  validateValue,
  valueKey,
  type VariableDefinition,
} from '@mabeam/variables';
import { localVariables } from './definition-parts.ts';
import { orchestratorError } from '../errors.ts';
import { assertSpaceDefinition, type SpaceDefinition } from './space-definition.ts';
import { ruleKey } from '../state/space-state.ts';

/** In whose name a space is created or changed. */
export interface CreateSpaceOptions {
  /** Who creates or changes the space; recorded with each value. */
  readonly by: string;
}

/** What came of it: `noop` when the space was like this already; `keys` are those written or deleted. */
export type SpaceCreated =
  | { readonly kind: 'created' | 'updated'; readonly revision: number; readonly keys: readonly string[] }
  | { readonly kind: 'noop' };

/** The server takes so many messages in one atomic batch. */
const largestBatch = 1_000;
const attempts = 3;

/**
 * Makes the space be as defined: its streams and buckets, definitions, initial values and rules (S1–S4).
 * Throws `space-definition-invalid`, `value-outgrown`, or `conflict` when somebody keeps writing the same keys.
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
    const writes = planSpace(definition, present, { by: options.by, at: new Date().toISOString() });
    if (writes.length === 0) return { kind: 'noop' };
    try {
      const { revision } = await commitBatch(bus, bucket, writes);
      const isNew = !present.entries().some(({ key }) => key.startsWith('definition.'));
      return { kind: isNew ? 'created' : 'updated', revision, keys: writes.map(({ key }) => key) };
    } catch (error) {
      if (!(error instanceof MabeamError) || error.code !== 'conflict' || attempt === attempts) throw error;
    }
  }
}

/** What is asked of the bucket as it is; a replica answers it. */
export interface PresentBucket {
  get(key: string): BucketEntry | undefined;
  entries(): readonly BucketEntry[];
  /** The revision of the key's newest entry, deleted or not; 0 when there is none. */
  revisionOf(key: string): number;
}

async function readBucket(bus: Bus, space: string): Promise<PresentBucket> {
  const { bucket } = spaceNames(space);
  const replica = await openReplica(bus, { bucket, prefix: subjects(space).at('variable') });
  await replica.close();
  return replica;
}

export interface PlanOptions {
  readonly by: string;
  readonly at: string;
}

/** The writes that make a bucket say what the definition says; none when it does (S1–S4). Throws `value-outgrown`. Pure. */
export function planSpace(
  definition: SpaceDefinition,
  present: PresentBucket,
  options: PlanOptions,
): readonly BatchWrite[] {
  const wanted = new Map<string, unknown>([
    ...definition.agents.map((spec) => [agentKey(spec.id), spec] as const),
    ...definition.variables.map((variable) => [definitionKey(variable.id), variable] as const),
    ...definition.rules.map((rule) => [ruleKey(rule.id), rule] as const),
  ]);
  const changed = [...wanted].filter(([key, body]) => !sameJson(bodyOf(present.get(key)), plain(body)));
  const values = definition.variables.flatMap((variable) => valueWrites(variable, present, options));
  assertLocalValuesFit(definition, present);
  const removed = present.entries().filter(({ key }) => key.startsWith('definition.') && !wanted.has(key));
  const writes = [
    ...changed.map(([key, body]) => ({ key, body: plain(body), expect: present.revisionOf(key) })),
    ...values,
    ...removed.map(({ key, revision }) => ({
      key,
      body: undefined,
      operation: 'delete' as const,
      expect: revision,
    })),
  ];
  if (writes.length <= largestBatch) return writes;
  const message = `space ${definition.space}: ${writes.length} definitions and values change at once, the server takes ${largestBatch} in one atomic batch; define the space in several steps`;
  throw orchestratorError('space-definition-invalid', message, { details: { space: definition.space } });
}

/** A variable's first value, or nothing when it has one that still fits (S3). */
function valueWrites(
  definition: VariableDefinition,
  present: PresentBucket,
  { by, at }: PlanOptions,
): readonly BatchWrite[] {
  const key = valueKey(definition.id);
  const entry = present.get(key);
  if (entry !== undefined) {
    assertValueFits(definition, entry, present);
    return [];
  }
  // 0: the definition has no revision yet, it is written in the same batch.
  const body = { v: 1, value: definition.initial, definitionRevision: 0, by, at, cause: 'initial' };
  return [{ key, body, expect: present.revisionOf(key) }];
}

function assertLocalValuesFit(definition: SpaceDefinition, present: PresentBucket): void {
  for (const variable of definition.agents.flatMap(localVariables)) {
    const entry = present.get(valueKey(variable.id));
    if (entry !== undefined) assertValueFits(variable, entry, present);
  }
}

/** Only a changed definition can outgrow a value: an invalid raw put under an unchanged one is the orchestrator's to repair. */
function assertValueFits(definition: VariableDefinition, entry: BucketEntry, present: PresentBucket): void {
  const { id } = definition;
  if (isDeclaredSo(definition, present.get(definitionKey(id)))) return;
  const read = decodeEntry(entry.data);
  const verdict = read.kind === 'entry' ? validateValue(definition, read.entry.value) : undefined;
  if (verdict === undefined || verdict.kind === 'valid') return;
  const message = `${id}: its present value ${JSON.stringify(read.kind === 'entry' ? read.entry.value : null)} does not fit the new definition (${verdict.message}); set it first: mabeam variable set ${id} <value>`;
  throw orchestratorError('value-outgrown', message, { details: { variable: id, revision: entry.revision } });
}

function isDeclaredSo(definition: VariableDefinition, declared: BucketEntry | undefined): boolean {
  const body = bodyOf(declared);
  if (definition.scope === 'global') return sameJson(body, plain(definition));
  const agent = definition.agents[0] ?? '';
  return localDefinitions(agent, body).definitions.some((known) => sameJson(known, definition));
}

function agentKey(agent: string): string {
  return `definition.agent.${agent}`;
}

/** The JSON in an entry; undefined when there is none, or when it is no JSON and so is to be replaced. */
function bodyOf(entry: BucketEntry | undefined): unknown {
  if (entry === undefined) return undefined;
  try {
    return parseJson(entry.data);
  } catch {
    return undefined;
  }
}

/** A body as it will be read back: without the fields that are undefined. */
function plain(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body)) as unknown;
}
