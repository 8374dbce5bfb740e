/**
 * Recovery: from the failures seen to what is written down about them, and so to what becomes of the agents. Pure and level-triggered.
 *
 * R1 A failure is decided once: its incarnation is in the record that the decision is committed with.
 * R2 The lives of siblings that are to end are named in the same record: all of them end, and each once, whoever leads.
 * R3 An agent that is down for `patienceMs` leaves the graph, and returns to it when it is up: at most one change of the graph for each
 *    failure and one for its end.
 * R4 A temporary agent takes nobody along, and nothing is done for it.
 * R5 In one pass a later decision knows the earlier ones. One that moves a selection ends the pass: the next sees what came of it.
 */
import { observedKey, type ObservedInstance } from '@mabeam/cluster';
import type { WishedValue } from '@mabeam/variables';
import type { DefinedAgent } from '../instances/desired.ts';
import { decideFailure } from './decide-failure.ts';
import { unrecordedFailures } from './failures.ts';
import { emptyRecovery, type AgentFailure, type Recovered, type RecoveryRecord } from './recovery-record.ts';
import { sceneOf, type RecoveryInput, type Scene } from './scene.ts';

export type { RecoveryInput } from './scene.ts';

/** What there is to tell: a failure and its decision, a recovery, or that an agent has left the graph or is back. */
export type RecoveryNews =
  | { readonly kind: 'failed'; readonly failure: AgentFailure }
  | { readonly kind: 'recovered'; readonly recovered: Recovered }
  | { readonly kind: 'absent' | 'rejoined'; readonly incarnation: string; readonly at: string };

/** What is to be written about one agent, in one commit, and told. */
export interface AgentRecovery {
  readonly agent: string;
  readonly record: RecoveryRecord;
  /** The revision that its record has now. */
  readonly expect: number;
  readonly wishes: readonly WishedValue[];
  readonly news: readonly RecoveryNews[];
}

const defaultPatienceMs = 5_000;

/** What is new about failures (R1–R5); an agent about which nothing is new is not in it. */
export function planRecovery(input: RecoveryInput): readonly AgentRecovery[] {
  const concerned = agentsConcerned(input);
  if (concerned.size === 0) return [];
  const seen = input.observed.filter(({ agent }) => concerned.has(agent));
  const observed = Map.groupBy(seen, ({ agent }) => agent);
  const scene = sceneOf(input);
  const records = new Map(input.records);
  const plan: AgentRecovery[] = [];
  for (const agent of input.agents) {
    const { id } = agent.spec;
    if (!concerned.has(id)) continue;
    const mine = (observed.get(id) ?? []).toSorted((a, b) => a.ordinal - b.ordinal);
    const stored = input.records.get(id);
    const former = stored?.record ?? emptyRecovery();
    const draft = redraft(
      { agent, observed: mine, record: former, wishes: [], news: [] },
      { ...scene, records },
    );
    if (draft.news.length === 0 && draft.record.open.length === former.open.length) continue;
    const expect = stored?.revision ?? 0;
    records.set(id, { revision: expect, record: draft.record });
    plan.push({ agent: id, record: trimmed(draft, scene), expect, wishes: draft.wishes, news: draft.news });
    if (draft.wishes.length > 0) break;
  }
  return plan;
}

/** The agents about which there may be something new: hardly ever one, and this is asked in every round. */
export function agentsConcerned({
  lost,
  now,
  observed,
  records,
  reported,
}: Pick<RecoveryInput, 'lost' | 'now' | 'observed' | 'records' | 'reported'>): ReadonlySet<string> {
  const isLost = ({ incarnation }: ObservedInstance): boolean => lost.has(incarnation);
  const concerned = new Set<string>();
  for (const [agent, { record }] of records)
    if (record.open.length > 0 || record.absentSince !== undefined) concerned.add(agent);
  for (const instance of observed) {
    const { agent, incarnation, restarts, status } = instance;
    const mayHaveFailed =
      restarts > 0 || status === 'failed' || isLost(instance) || reported?.has(incarnation) === true;
    if (!mayHaveFailed || concerned.has(agent)) continue;
    const record = records.get(agent)?.record ?? emptyRecovery();
    if (unrecordedFailures([instance], record, { isLost, now, reported }).length > 0) concerned.add(agent);
  }
  return concerned;
}

/** The record of one agent while it is being rewritten. */
interface Draft {
  readonly agent: DefinedAgent;
  readonly observed: readonly ObservedInstance[];
  readonly record: RecoveryRecord;
  readonly wishes: readonly WishedValue[];
  readonly news: readonly RecoveryNews[];
}

function redraft(draft: Draft, scene: Scene): Draft {
  return withAbsence(withRecoveries(withFailures(draft, scene), scene), scene);
}

/** R1. */
function withFailures(draft: Draft, scene: Scene): Draft {
  const isLost = ({ incarnation }: ObservedInstance): boolean => scene.lost.has(incarnation);
  const { now, reported } = scene;
  const seen = unrecordedFailures(draft.observed, draft.record, { isLost, now, reported });
  return seen.reduce((before, each) => {
    const { failure, givenUp, renew, wish } = decideFailure(
      { ...before, hasWish: before.wishes.length > 0 },
      each,
      scene,
    );
    const { at, incarnation, ordinal, replacement } = failure;
    const open = {
      ordinal,
      incarnation,
      detectedAt: at,
      ...(replacement === undefined ? {} : { replacement }),
    };
    const { record } = before;
    return {
      ...before,
      record: {
        ...record,
        failures: [...record.failures, failure],
        open: [...record.open, open],
        renew: [...record.renew, ...renew],
        ...(givenUp === undefined ? {} : { givenUp }),
      },
      wishes: wish === undefined ? before.wishes : [...before.wishes, wish],
      news: [...before.news, { kind: 'failed', failure }],
    };
  }, draft);
}

/** Failures that have their replacement are no longer open, nor those of instances that are not wanted any more. */
function withRecoveries(draft: Draft, scene: Scene): Draft {
  const { agent, record } = draft;
  const ended: Recovered[] = [];
  const open = record.open.filter(({ ordinal, incarnation, detectedAt, replacement }) => {
    const successor = successorOf(agent, ordinal, replacement, scene);
    if (successor === undefined || successor === incarnation)
      return replacement !== undefined || isWanted(agent, ordinal, scene);
    const recoveryMs = Math.max(0, scene.now - Date.parse(detectedAt));
    ended.push({ ordinal, incarnation, successor, recoveryMs, at: new Date(scene.now).toISOString() });
    return false;
  });
  const last = ended.at(-1);
  return {
    ...draft,
    record: { ...record, open, ...(last === undefined ? {} : { last }) },
    news: [...draft.news, ...ended.map((recovered) => ({ kind: 'recovered', recovered }) as const)],
  };
}

/** The life that is up in a failed one's place. */
function successorOf(
  { spec }: DefinedAgent,
  ordinal: number,
  replacement: string | undefined,
  { up }: Scene,
): string | undefined {
  if (replacement === undefined) return up.get(observedKey({ agent: spec.id, ordinal }));
  return [...up].find(([key]) => key.startsWith(`${replacement}.`))?.[1];
}

function isWanted({ spec }: DefinedAgent, ordinal: number, { active, desired }: Scene): boolean {
  const isOurs = spec.run !== undefined;
  return active.has(spec.id) && (!isOurs || desired.has(observedKey({ agent: spec.id, ordinal })));
}

/** R3. */
function withAbsence(draft: Draft, scene: Scene): Draft {
  const { active, now, patienceMs = defaultPatienceMs, up } = scene;
  const { agent, observed, record } = draft;
  const at = new Date(now).toISOString();
  const upNow = observed.map((instance) => up.get(observedKey(instance))).find((life) => life !== undefined);
  const [first] = record.open;
  if (upNow !== undefined) {
    if (record.absentSince === undefined) return draft;
    const { absentSince: _, ...present } = record;
    const news = [...draft.news, { kind: 'rejoined', incarnation: upNow, at } as const];
    return { ...draft, record: present, news };
  }
  if (first === undefined || record.absentSince !== undefined || !active.has(agent.spec.id)) return draft;
  // It was stopped since, or ended as it should.
  if (observed.every(({ status }) => status === 'inactive')) return draft;
  if (now < Date.parse(first.detectedAt) + patienceMs) return draft;
  const { incarnation } = first;
  const news = [...draft.news, { kind: 'absent', incarnation, at } as const];
  return { ...draft, record: { ...record, absentSince: at }, news };
}

/** So many failures are kept; more in one window have long escalated. */
const mostKept = 200;

/** What is kept: the failures that still count and the last of each instance, and the lives that have not ended yet. */
function trimmed({ agent, record }: Draft, scene: Scene): RecoveryRecord {
  const { policy } = scene.governance(agent.spec.id);
  const newest = new Map(record.failures.map((failure) => [failure.ordinal, failure]));
  const isKept = (failure: AgentFailure): boolean =>
    newest.get(failure.ordinal) === failure || Date.parse(failure.at) > scene.now - policy.windowMs;
  const known = new Set([...scene.observed, ...scene.leases].map(({ incarnation }) => incarnation));
  return {
    ...record,
    failures: record.failures.filter(isKept).slice(-mostKept),
    renew: record.renew.filter(({ incarnation }) => known.has(incarnation)),
  };
}
