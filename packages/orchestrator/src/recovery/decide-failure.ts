/**
 * What is decided about one failure (plan-recovery.ts: R1, R2, R4). Pure.
 *
 *   failure ─► too many in the window? ── yes ─► escalate: notify (rest, then again) · remove-agent · stop-space
 *                    │ no
 *                    ▼
 *            restart      its host has begun already, or the orchestrator will; siblings by the strategy
 *            migrate      on another node, by the orchestrator; siblings by the strategy
 *            failover     a spare of the selection takes its place; when none fits, as restart
 *            degrade      given up, while the selections' `minActive` holds; else as restart
 *            fail-fast    given up
 */
import { observedKey, type ObservedInstance } from '@mabeam/cluster';
import type { WishedValue } from '@mabeam/variables';
import type { DefinedAgent } from '../instances/desired.ts';
import { canDegrade, spareFor } from './failover.ts';
import type { SeenFailure } from './failures.ts';
import type { AgentFailure, GivenUp, InstanceLife, RecoveryRecord } from './recovery-record.ts';
import type { Scene } from './scene.ts';
import { countedFailures, givenUpNow } from './standing.ts';

/** An agent, what its hosts see of it, and its record so far: with the failure, before the decision. */
export interface FailedAgent {
  readonly agent: DefinedAgent;
  readonly observed: readonly ObservedInstance[];
  readonly record: RecoveryRecord;
  /** A value is wished for already; one commit moves one selection. */
  readonly hasWish: boolean;
}

/** What was decided, and what it writes beside that. */
export interface Decision {
  readonly failure: AgentFailure;
  readonly wish?: WishedValue;
  readonly givenUp?: GivenUp;
  /** Lives of siblings that are to end. */
  readonly renew: readonly InstanceLife[];
}

/** Decides about one failure. A life that has failed only by what somebody says is itself among those that are to end. */
export function decideFailure(failed: FailedAgent, seen: SeenFailure, scene: Scene): Decision {
  const decision = decide(failed, seen, scene);
  const { incarnation, ordinal } = seen;
  const isUp = scene.up.get(observedKey({ agent: failed.agent.spec.id, ordinal })) === incarnation;
  if (!isUp) return decision;
  return { ...decision, renew: [...decision.renew, { agent: failed.agent.spec.id, ordinal, incarnation }] };
}

function decide(failed: FailedAgent, seen: SeenFailure, scene: Scene): Decision {
  const { agent, record } = failed;
  const { id, restart } = agent.spec;
  const { policy, supervisor, variable, way } = scene.governance(id);
  const common = {
    ...seen,
    strategy: policy.strategy,
    renewed: [],
    ...(supervisor === undefined ? {} : { supervisor }),
  };
  // R4; who is not wanted any more, or given up already, needs no replacement either.
  const isOver = !scene.active.has(id) || givenUpNow(agent, record, scene.variables) !== undefined;
  if (restart === 'temporary' || isOver) return { failure: { ...common, outcome: 'ended' }, renew: [] };
  const { now } = scene;
  const count = countedFailures([...record.failures, seen], seen.ordinal, { now, windowMs: policy.windowMs });
  if (seen.kind === 'ended' && count > policy.maxFailures) return escalated(common, failed, scene);
  const chosen = { ...common, ...(variable === undefined ? {} : { variable }) };
  const given = (why: GivenUp['why']): GivenUp => givenUpAt(agent, why, now);
  if (way === 'fail-fast')
    return { failure: { ...chosen, outcome: 'failed-fast' }, givenUp: given('failed-fast'), renew: [] };
  if (way === 'degrade' && !hasOtherUp(failed, seen, scene) && canDegrade(id, scene))
    return { failure: { ...chosen, outcome: 'degraded' }, givenUp: given('degraded'), renew: [] };
  const spare = way === 'failover' && !failed.hasWish ? spareFor(id, variable, scene) : undefined;
  if (spare !== undefined) {
    const failure = { ...chosen, outcome: 'failed-over', replacement: spare.agent } as const;
    return { failure, wish: spare.wish, renew: [] };
  }
  const renew = livesToRenew(failed, scene);
  const renewed = [...new Set(renew.map((life) => life.agent))];
  const outcome = way === 'migrate' ? 'migrating' : 'restarting';
  return { failure: { ...chosen, outcome, renewed }, renew };
}

type Undecided = Omit<AgentFailure, 'outcome'>;

function escalated(common: Undecided, { agent }: FailedAgent, scene: Scene): Decision {
  const { escalation } = scene.governance(agent.spec.id).policy;
  const failure = { ...common, outcome: 'escalated', escalation } as const;
  if (escalation === 'notify') return { failure, renew: [] };
  const why = escalation === 'remove-agent' ? 'removed' : 'space-stopped';
  return { failure, givenUp: givenUpAt(agent, why, scene.now), renew: [] };
}

function givenUpAt({ revision }: DefinedAgent, why: GivenUp['why'], now: number): GivenUp {
  return { why, definitionRevision: revision, at: new Date(now).toISOString() };
}

/** Is another instance of the agent up? */
function hasOtherUp({ observed }: FailedAgent, failure: SeenFailure, { up }: Scene): boolean {
  return observed.some((instance) => instance.ordinal !== failure.ordinal && up.has(observedKey(instance)));
}

/** R2: the lives of siblings that are to end; who has failed or is ending anyway is not named, nor who is named already. */
function livesToRenew(
  { agent, record }: FailedAgent,
  { leases, observed, siblingsOf }: Scene,
): readonly InstanceLife[] {
  const siblings = new Set(siblingsOf(agent.spec.id));
  if (siblings.size === 0) return [];
  const seen = new Map(observed.map((instance) => [observedKey(instance), instance]));
  const known = new Set(record.renew.map(({ incarnation }) => incarnation));
  return leases.flatMap((lease): readonly InstanceLife[] => {
    const { incarnation, ordinal } = lease;
    const state = seen.get(observedKey(lease));
    const isGoing =
      state?.incarnation === incarnation && (state.status === 'failed' || state.status === 'stopping');
    const isNamed = isGoing || known.has(incarnation) || !siblings.has(lease.agent);
    return isNamed ? [] : [{ agent: lease.agent, ordinal, incarnation }];
  });
}
