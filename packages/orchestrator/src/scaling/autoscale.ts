/**
 * Scaling while a term lasts: once a second the leader looks at the policies of the space, and commits what they decide, fenced and
 * with its cause. In a frozen space it decides nothing. What it remembers – for how long fewer would have done – is lost with the
 * term, which makes the next leader more patient, never hastier; when an agent was scaled last stands in its entry.
 */
import { pause, readBacklog, type Backlog } from '@mabeam/bus';
import { demandOf, observedKey, type ResourceAmounts } from '@mabeam/cluster';
import { freezeKey } from '@mabeam/variables';
import { activeAgents } from '../instances/desired.ts';
import { addAll, heldByVariables, poolState, poolTotal } from '../instances/pool.ts';
import { scaleKey, type ScaleEntry } from '../state/scale-entry.ts';
import { demandsOfVariables } from '../state/reconcile-input.ts';
import { situationOf } from '../state/space-mirror.ts';
import { spaceRecordOf } from '../state/space-state.ts';
import { orchestratorAuthor } from '../term/repair.ts';
import type { Term } from '../term/term.ts';
import type { ScalingDecision, ScalingReason, ScalingState } from './decide-scaling.ts';
import { governedAgents, planScaling, type GovernedAgent } from './plan-scaling.ts';
import { activeInstances } from './space-metrics.ts';

const everyMs = 1_000;

/** Over how long cores are looked at: short enough to follow a load, long enough not to follow a breath. */
const windowMs = 10_000;

/** Looks once a second until the term is over. */
export async function runScaling({ log, signal }: Term, autoscaler: Autoscaler): Promise<void> {
  while (!signal.aborted) {
    try {
      await autoscaler.look();
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'could not look at the scaling this time');
    }
    await pause(everyMs, signal);
  }
}

/** The scaling of one term: its memory, and one look at a time. */
export class Autoscaler {
  readonly #term: Term;
  #states: ReadonlyMap<string, ScalingState> = new Map();
  #looking: Promise<readonly ScalingDecision[]> | undefined;
  /** Why agents could not have more, when that has been said. */
  readonly #said = new Map<string, ScalingReason>();

  constructor(term: Term) {
    this.#term = term;
  }

  /**
   * Decides for every agent that a policy governs, and commits what is decided; resolves with the decisions, those that leave the
   * replicas as they are included. Who asks during a look gets its decisions. None in a frozen space.
   */
  async look(): Promise<readonly ScalingDecision[]> {
    this.#looking ??= this.#decide().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #decide(): Promise<readonly ScalingDecision[]> {
    const { metrics, mirror } = this.#term;
    if (mirror.freeze !== undefined) return [];
    const { agents: defined, scales, scaling, view } = mirror.state;
    const policies = [...scaling.values()];
    const agents = activeAgents([...defined.values()], [...view.variables.values()]);
    const governed = governedAgents(policies, agents);
    if (governed.length === 0) return [];
    const backlogs = await readBacklogs(this.#term, governed);
    const now = Date.now();
    const queues = new Map([...backlogs].map(([agent, { pending }]) => [agent, pending]));
    const { decisions, states } = planScaling({
      policies,
      agents,
      scales,
      ready: countBy(activeInstances(mirror)),
      metrics: metrics.metrics(mirror, now, { queues, windowMs }),
      backlogs,
      available: availableWhenAllRun(this.#term),
      states: this.#states,
      now,
    });
    this.#states = states;
    for (const decision of decisions) {
      this.#tell(decision);
      if (decision.reason === 'scale') await commitScale(this.#term, decision);
    }
    return decisions;
  }

  /** Says once that an agent would have more and cannot, and why. */
  #tell({ agent, from, policy, reason, why }: ScalingDecision): void {
    const isShort = reason === 'no-capacity' || reason === 'at-max';
    if (isShort && this.#said.get(agent) !== reason) {
      const cause = reason === 'at-max' ? 'its limits allow no more' : 'the pool has no room for more';
      this.#term.log.warn(
        { agent, policy, reason, replicas: from },
        `${agent} would have more: ${why}; ${cause}`,
      );
      this.#said.set(agent, reason);
    }
    if (reason === 'scale' || reason === 'steady') this.#said.delete(agent);
  }
}

/** Of agents with a group that somebody works for. */
async function readBacklogs(
  { bus, names, subjects }: Term,
  governed: readonly GovernedAgent[],
): Promise<ReadonlyMap<string, Backlog>> {
  const backlogs = new Map<string, Backlog>();
  for (const { agent } of governed) {
    const { group, id } = agent.spec;
    if (group === undefined) continue;
    const about = { stream: names.tasks, durable: group, filter: subjects.task(group) };
    const backlog = await readBacklog(bus, about);
    if (backlog.isConsumed || backlog.pending > 0) backlogs.set(id, backlog);
  }
  return backlogs;
}

function countBy(instances: readonly { readonly agent: string }[]): ReadonlyMap<string, number> {
  const by = Map.groupBy(instances, ({ agent }) => agent);
  return new Map([...by].map(([agent, all]) => [agent, all.length]));
}

/** The pool less what is wanted and what has started and is wanted no more. */
function availableWhenAllRun({ mirror }: Term): ResourceAmounts {
  const { agents, desired, leases } = situationOf(mirror);
  const wanted = new Set(desired.map(observedKey));
  const specs = new Map(agents.map(({ spec }) => [spec.id, spec]));
  const parts = [
    ...desired.map(({ spec }) => demandOf(spec)),
    ...leases
      .filter((lease) => !wanted.has(observedKey(lease)))
      .map(({ agent }) => demandOf(specs.get(agent) ?? {})),
    heldByVariables(demandsOfVariables(mirror.state)),
  ];
  const total = poolTotal(spaceRecordOf(mirror.state)?.pool, mirror.nodes);
  return poolState(total, addAll(parts)).available;
}

/** Writes the scale; who wrote meanwhile wins, and the next look decides anew. */
async function commitScale({ leadership, log, mirror }: Term, decision: ScalingDecision): Promise<void> {
  const { agent, from, policy, to, why } = decision;
  const key = scaleKey(agent);
  const body: ScaleEntry = {
    v: 1,
    replicas: to,
    by: orchestratorAuthor,
    at: new Date().toISOString(),
    cause: `scaling ${policy}: ${why}`,
  };
  const freezeRevision = mirror.revisionOf(freezeKey);
  const outcome = await leadership.commit([{ key, body, expect: mirror.revisionOf(key) }], {
    freezeRevision,
  });
  if (outcome.kind !== 'committed') return;
  log.info(
    { agent, from, to, policy, revision: outcome.revision },
    `${agent} is to have ${to} replicas: ${why}`,
  );
  await mirror.reach(outcome.revision);
}
