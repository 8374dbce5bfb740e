/**
 * The state of a space as its bucket says: agents, rules and adaptations beside its variables and
 * graph. A fold over the keys. Pure.
 *
 * V1 What cannot be read is left out and named in `problems`, never guessed: an unreadable definition starts nothing.
 * V2 A state never changes; folding gives a new one, so a decision works with one consistent revision.
 */
import { parseAgentSpec } from '@mabeam/agents';
import { parseJson, type BucketEntry } from '@mabeam/bus';
import { parseKey, type SpaceView } from '@mabeam/variables';
import {
  adaptationHash,
  parseAdaptationRecord,
  type AdaptationRecord,
} from '../adaptation/adaptation-record.ts';
import { parseRule, type AdaptationRule } from '../adaptation/adaptation-rule.ts';
import type { DefinedAgent } from '../instances/desired.ts';

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
  /** Keys that could not be read, and why. */
  readonly problems: ReadonlyMap<string, string>;
}

export interface SpaceState extends SpaceParts {
  /** Variables and graph, and the revision of the bucket this state is as of. */
  readonly view: SpaceView;
}

/** The parts of a space in which nothing was ever written. */
export function emptyParts(): SpaceParts {
  return { agents: new Map(), rules: new Map(), adaptations: new Map(), problems: new Map() };
}

/** The parts after these entries. */
export function foldParts(parts: SpaceParts, entries: readonly BucketEntry[]): SpaceParts {
  const next = {
    agents: new Map(parts.agents),
    rules: new Map(parts.rules),
    adaptations: new Map(parts.adaptations),
    problems: new Map(parts.problems),
  };
  for (const entry of entries) {
    for (const map of Object.values(next)) map.delete(entry.key);
    if (entry.operation === 'put') acceptEntry(next, entry);
  }
  return next;
}

/** The prefix of the keys of rules. */
const rulePrefix = 'definition.rule.';

/** The key of a rule. */
export function ruleKey(rule: string): string {
  return `${rulePrefix}${rule}`;
}

interface Draft {
  readonly agents: Map<string, DefinedAgent>;
  readonly rules: Map<string, AdaptationRule>;
  readonly adaptations: Map<string, StoredAdaptation>;
  readonly problems: Map<string, string>;
}

function acceptEntry(draft: Draft, { key, data, revision }: BucketEntry): void {
  const hash = adaptationHash(key);
  try {
    if (parseKey(key).kind === 'agent-definition') {
      draft.agents.set(key, { spec: parseAgentSpec(parseJson(data)), revision });
    } else if (key.startsWith(rulePrefix)) {
      draft.rules.set(key, parseRule(parseJson(data)));
    } else if (hash !== undefined) {
      draft.adaptations.set(key, { hash, revision, record: parseAdaptationRecord(parseJson(data)) });
    }
  } catch (error) {
    draft.problems.set(key, error instanceof Error ? error.message : String(error));
  }
}
