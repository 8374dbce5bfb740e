/**
 * What the records of failures mean for everything else: who is not to run, who is not in the graph, whose life is to end, how long a
 * failed instance rests and where it goes. A function of what is written down, so that every leader finds the same. Pure.
 *
 * T1 An agent is given up until its definition changes or it is selected anew; then its record says nothing any more.
 * T2 A life named in `renew` is to end and to be followed by another. The next life is not named, so this happens once, whoever
 *    leads and however often one looks.
 * T3 A lost instance is not started before its loss is recorded: else nobody would know that it was one.
 */
import type { ObservedInstance, RestartPolicy } from '@mabeam/cluster';
import type { VariableState } from '@mabeam/variables';
import type { SpaceRecord } from '../definition/space-record.ts';
import { selectionsOf, selectedIn, type DefinedAgent } from '../instances/desired.ts';
import type { AgentFailure, GivenUp, RecoveryRecord, StoredRecovery } from './recovery-record.ts';
import { governanceOf, supervisorsOf, type Governance } from './supervision.ts';

/** What the failures so far mean. */
export interface RecoveryStanding {
  /** Agents that are not to run, and why (T1). */
  readonly givenUp: ReadonlyMap<string, GivenUp['why']>;
  /** Agents that have been down for long: they are not in the graph. */
  readonly absent: ReadonlySet<string>;
  /** Incarnations that are to end and to be followed by others (T2). */
  readonly renewed: ReadonlySet<string>;
  /** Is the failure of this incarnation recorded (T3)? */
  isRecorded(agent: string, incarnation: string): boolean;
  /** How long a failed instance, given up by its host, rests before it is started again, in ms; undefined: as long as usual. */
  restMs(observed: ObservedInstance): number | undefined;
  /** The node on which it is not to be started again, if there is another. */
  nodeToAvoid(observed: ObservedInstance): string | undefined;
  /** How its host is to start it again; undefined: as the host does by itself. */
  restartsOf(agent: string): RestartPolicy | undefined;
}

/** What `standingOf` looks at. */
export interface StandingInput {
  readonly agents: readonly DefinedAgent[];
  readonly variables: readonly VariableState[];
  readonly space: SpaceRecord | undefined;
  /** By agent. */
  readonly records: ReadonlyMap<string, StoredRecovery>;
}

/** What the failures so far mean (T1–T3). */
export function standingOf(input: StandingInput): RecoveryStanding {
  const { agents, records, variables } = input;
  const governance = governanceBy(input);
  const isStopped = agents.some(
    (agent) => givenUpNow(agent, records.get(agent.spec.id)?.record, variables)?.why === 'space-stopped',
  );
  const givenUp = new Map(
    agents.flatMap((agent): readonly (readonly [string, GivenUp['why']])[] => {
      const { id } = agent.spec;
      if (isStopped) return [[id, 'space-stopped']];
      const state = givenUpNow(agent, records.get(id)?.record, variables);
      return state === undefined ? [] : [[id, state.why]];
    }),
  );
  const all = [...records];
  return {
    givenUp,
    absent: new Set(all.flatMap(([id, { record }]) => (record.absentSince === undefined ? [] : [id]))),
    renewed: new Set(all.flatMap(([, { record }]) => record.renew.map(({ incarnation }) => incarnation))),
    isRecorded: (agent, incarnation) =>
      records.get(agent)?.record.failures.some((failure) => failure.incarnation === incarnation) === true,
    restMs: (observed) => restOf(observed, records.get(observed.agent)?.record, governance(observed.agent)),
    nodeToAvoid: ({ agent, incarnation }) => {
      const failure = records.get(agent)?.record.failures.find((each) => each.incarnation === incarnation);
      return governance(agent).way === 'migrate' ? failure?.node : undefined;
    },
    restartsOf: (agent) => restartsBy(governance(agent)),
  };
}

/** The agents, by key, with what their failures have made of them. */
export function withStanding(
  agents: ReadonlyMap<string, DefinedAgent>,
  { absent, givenUp }: Pick<RecoveryStanding, 'absent' | 'givenUp'>,
): ReadonlyMap<string, DefinedAgent> {
  return new Map(
    [...agents].map(([key, agent]) => {
      const { id } = agent.spec;
      const standing = givenUp.has(id) ? 'given-up' : absent.has(id) ? 'absent' : undefined;
      return [key, standing === undefined ? agent : { ...agent, standing }];
    }),
  );
}

/** Why an agent is given up now, by its record (T1). */
export function givenUpNow(
  { revision, spec }: DefinedAgent,
  record: RecoveryRecord | undefined,
  variables: readonly VariableState[],
): GivenUp | undefined {
  const state = record?.givenUp;
  if (state === undefined || state.definitionRevision !== revision) return undefined;
  const isChosenAnew = selectionsOf(spec.id, variables).some(
    ({ entry, value }) =>
      entry !== undefined &&
      Date.parse(entry.at) > Date.parse(state.at) &&
      selectedIn(value).includes(spec.id),
  );
  return isChosenAnew ? undefined : state;
}

/** So many failures of an instance count at a moment: what was lost with its host is not the agent's fault. */
export function countedFailures(
  failures: readonly Pick<AgentFailure, 'ordinal' | 'kind' | 'at'>[],
  ordinal: number,
  { now, windowMs }: { readonly now: number; readonly windowMs: number },
): number {
  return failures.filter(
    (failure) =>
      failure.ordinal === ordinal && failure.kind === 'ended' && Date.parse(failure.at) > now - windowMs,
  ).length;
}

/** Governance by agent, each found once. */
export function governanceBy({
  agents,
  space,
  variables,
}: Omit<StandingInput, 'records'>): (agent: string) => Governance {
  const all = agents.map(({ spec }) => spec);
  const specs = new Map(all.map((spec) => [spec.id, spec]));
  const supervisors = supervisorsOf(all, space);
  const known = new Map<string, Governance>();
  return (agent) => {
    const found = known.get(agent) ?? governanceOf(agent, { specs, supervisors, space, variables });
    known.set(agent, found);
    return found;
  };
}

/** Where the host does not start again, the orchestrator does, with the policy's pauses; where it gave up, or there were too many, the long rest. */
function restOf(
  { incarnation, ordinal, since }: ObservedInstance,
  record: RecoveryRecord | undefined,
  { policy, way }: Governance,
): number | undefined {
  if (record === undefined || way === 'restart') return undefined;
  if (!record.failures.some((failure) => failure.incarnation === incarnation)) return undefined;
  const count = countedFailures(record.failures, ordinal, {
    now: Date.parse(since),
    windowMs: policy.windowMs,
  });
  if (count > policy.maxFailures) return undefined;
  return Math.min(policy.backoffMaxMs, policy.backoffMs * 2 ** Math.max(0, count - 1));
}

function restartsBy({ isWritten, policy, way }: Governance): RestartPolicy | undefined {
  const { backoffMaxMs, backoffMs, maxFailures, windowMs } = policy;
  if (way !== 'restart') return { maxFailures: 0, windowMs, backoffMs, backoffMaxMs };
  return isWritten ? { maxFailures, windowMs, backoffMs, backoffMaxMs } : undefined;
}
