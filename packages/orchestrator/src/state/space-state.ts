/**
 * The state of a space as its bucket says: agents, rules, scaling policies, scales, adaptations and the record of the space beside
 * its variables and graph. A fold over the keys. Pure.
 *
 * V1 What cannot be read is left out and named in `problems`, never guessed: an unreadable definition starts nothing.
 * V2 A state never changes; folding gives a new one, so a decision works with one consistent revision.
 */
import { parseAgentSpec, type EdgeKind } from '@mabeam/agents';
import { parseJson, type BucketEntry } from '@mabeam/bus';
import { type CoordinationGraph, parseKey, type Edge, type SpaceView } from '@mabeam/variables';
import {
  adaptationHash,
  parseAdaptationRecord,
  type AdaptationRecord,
} from '../adaptation/adaptation-record.ts';
import { parseRule, type AdaptationRule } from '../adaptation/adaptation-rule.ts';
import { isScalingKey, parseScalingPolicy, type ScalingPolicy } from '../definition/scaling-policy.ts';
import { parseSpaceRecord, spaceKey, type SpaceRecord } from '../definition/space-record.ts';
import { desiredGraph, type DefinedAgent } from '../instances/desired.ts';
import { parseRecovery, recoveringAgent, type StoredRecovery } from '../recovery/recovery-record.ts';
import { parseScaleEntry, scaledAgent, type ScaleEntry } from './scale-entry.ts';

export interface StoredAdaptation {
  readonly hash: string;
  readonly revision: number;
  readonly record: AdaptationRecord;
}

/** What the bucket holds beside variables; each by its key. */
export interface SpaceParts {
  readonly agents: ReadonlyMap<string, DefinedAgent>;
  readonly rules: ReadonlyMap<string, AdaptationRule>;
  readonly adaptations: ReadonlyMap<string, StoredAdaptation>;
  readonly scaling: ReadonlyMap<string, ScalingPolicy>;
  readonly scales: ReadonlyMap<string, ScaleEntry>;
  /** The records of failures, by agent. */
  readonly recoveries: ReadonlyMap<string, StoredRecovery>;
  /** The record of the space, under its one key. */
  readonly space: ReadonlyMap<string, SpaceRecord>;
  /** Keys that could not be read, and why. */
  readonly problems: ReadonlyMap<string, string>;
}

export interface SpaceState extends SpaceParts {
  /** Variables and graph, and the revision of the bucket this state is as of. */
  readonly view: SpaceView;
}

/** The parts of a space in which nothing was ever written. */
export function emptyParts(): SpaceParts {
  return draftOf(undefined);
}

/** The parts after these entries. */
export function foldParts(parts: SpaceParts, entries: readonly BucketEntry[]): SpaceParts {
  const next = draftOf(parts);
  for (const entry of entries) {
    for (const map of Object.values(next)) map.delete(entry.key);
    next.recoveries.delete(recoveringAgent(entry.key) ?? '');
    if (entry.operation === 'put') acceptEntry(next, entry);
  }
  return next;
}

/** The prefix of the keys of rules. */
const rulePrefix = 'definition.rule.';

/** The record of the space; undefined when nobody wrote one. */
export function spaceRecordOf({ space }: SpaceParts): SpaceRecord | undefined {
  return space.get(spaceKey);
}

/** The edges of one kind that the record of the space declares, whatever the topology. */
export function declaredEdgesOf(state: SpaceParts, kind: EdgeKind): readonly Edge[] {
  const { edges = [] } = spaceRecordOf(state) ?? {};
  return edges.filter((edge) => edge.kind === kind).map(({ from, to }) => [from, to]);
}

/** The key of a rule. */
export function ruleKey(rule: string): string {
  return `${rulePrefix}${rule}`;
}

/** The graph that ought to be in force. */
export function wantedGraphOf(state: SpaceState): CoordinationGraph | undefined {
  const { agents, view } = state;
  return desiredGraph([...agents.values()], [...view.variables.values()], spaceRecordOf(state)?.edges);
}

/** Parts that are being folded: nobody else has them yet (V2). */
type Draft = {
  readonly [Part in keyof SpaceParts]: SpaceParts[Part] extends ReadonlyMap<string, infer Held>
    ? Map<string, Held>
    : never;
};

function draftOf(parts: SpaceParts | undefined): Draft {
  return {
    agents: new Map(parts?.agents),
    rules: new Map(parts?.rules),
    adaptations: new Map(parts?.adaptations),
    scaling: new Map(parts?.scaling),
    scales: new Map(parts?.scales),
    recoveries: new Map(parts?.recoveries),
    space: new Map(parts?.space),
    problems: new Map(parts?.problems),
  };
}

function acceptEntry(draft: Draft, { key, data, revision }: BucketEntry): void {
  const hash = adaptationHash(key);
  const recovering = recoveringAgent(key);
  try {
    if (parseKey(key).kind === 'agent-definition') {
      draft.agents.set(key, { spec: parseAgentSpec(parseJson(data)), revision });
    } else if (key.startsWith(rulePrefix)) {
      draft.rules.set(key, parseRule(parseJson(data)));
    } else if (isScalingKey(key)) {
      draft.scaling.set(key, parseScalingPolicy(parseJson(data)));
    } else if (scaledAgent(key) !== undefined) {
      draft.scales.set(key, parseScaleEntry(parseJson(data)));
    } else if (recovering !== undefined) {
      draft.recoveries.set(recovering, { revision, record: parseRecovery(parseJson(data)) });
    } else if (key === spaceKey) {
      draft.space.set(key, parseSpaceRecord(parseJson(data)));
    } else if (hash !== undefined) {
      draft.adaptations.set(key, { hash, revision, record: parseAdaptationRecord(parseJson(data)) });
    }
  } catch (error) {
    draft.problems.set(key, error instanceof Error ? error.message : String(error));
  }
}
