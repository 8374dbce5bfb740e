/** Replicas by hand: how many are wanted and how many are there, and wishing for another number. */
import { commitBatch, spaceNames, type Bus } from '@mabeam/bus';
import { cureFor } from '../definition/check-problem.ts';
import { activeAgents } from '../instances/desired.ts';
import type { Waiting } from '../instances/reconcile.ts';
import { orchestratorError } from '../errors.ts';
import { waitingIn } from '../state/reconcile-input.ts';
import { scaleKey, wantedReplicas, type ScaleEntry } from '../state/scale-entry.ts';
import type { SpaceMirror } from '../state/space-mirror.ts';
import { activeInstances } from './space-metrics.ts';

/** The replicas of an agent that our nodes start. */
export interface Replicas {
  readonly agent: string;
  /** How many are wanted; 0 when no selection selects it. */
  readonly wanted: number;
  /** How many are active. */
  readonly ready: number;
  /** Between which numbers they may be scaled; absent: they are not. */
  readonly bounds?: { readonly min: number; readonly max: number } | undefined;
  /** Who scaled it last, when and why; absent: nobody has. */
  readonly scale?: ScaleEntry | undefined;
  /** Why those that are missing are. */
  readonly waiting: readonly Pick<Waiting, 'ordinal' | 'reason'>[];
}

/** The replicas of all agents of a space, by agent; `now` in ms since the epoch. */
export function replicasIn(mirror: SpaceMirror, now: number): readonly Replicas[] {
  const { agents, scales, view } = mirror.state;
  const defined = [...agents.values()].filter(({ spec }) => spec.run !== undefined);
  const active = new Set(activeAgents(defined, [...view.variables.values()]).map(({ spec }) => spec.id));
  const ready = Map.groupBy(activeInstances(mirror), ({ agent }) => agent);
  const waiting = Map.groupBy(waitingIn(mirror, now), ({ agent }) => agent);
  return defined
    .map(({ spec }) => {
      const { bounds, id } = spec;
      const scale = scales.get(scaleKey(id));
      return {
        agent: id,
        wanted: active.has(id) ? wantedReplicas(spec, scale) : 0,
        ready: ready.get(id)?.length ?? 0,
        ...(bounds === undefined ? {} : { bounds }),
        ...(bounds === undefined || scale === undefined ? {} : { scale }),
        waiting: (waiting.get(id) ?? []).map(({ ordinal, reason }) => ({ ordinal, reason })),
      };
    })
    .toSorted((a, b) => (a.agent < b.agent ? -1 : 1));
}

/** Who wishes, and why. */
export interface ScaleOptions {
  readonly by: string;
  /** Default `operator`. */
  readonly cause?: string;
}

/** What became of a wish: `noop` when so many were wanted already. */
export interface ScaledAgent {
  readonly kind: 'applied' | 'noop';
  readonly agent: string;
  readonly from: number;
  readonly to: number;
  /** Of the bucket; 0 for a `noop` of what was never scaled. */
  readonly revision: number;
}

/**
 * Wishes for so many replicas of an agent, by compare-and-set; a policy that governs it may wish otherwise after its cooldown. Throws
 * `unknown-id`, `not-scalable`, `beyond-bounds`, and `conflict` when somebody wrote meanwhile.
 */
export async function scaleAgent(
  bus: Bus,
  { space, mirror }: { readonly space: string; readonly mirror: SpaceMirror },
  { agent, replicas }: { readonly agent: string; readonly replicas: number },
  { by, cause = 'operator' }: ScaleOptions,
): Promise<ScaledAgent> {
  const specs = [...mirror.state.agents.values()].map((defined) => defined.spec);
  const spec = specs.find(({ id }) => id === agent);
  const details = { agent, replicas, id: agent };
  if (spec === undefined) {
    const known = specs.map(({ id }) => id).toSorted();
    throw orchestratorError('unknown-id', `there is no agent ${agent}${cureFor(agent, known)}`, { details });
  }
  const { bounds } = spec;
  if (bounds === undefined) {
    const message = `${agent} may not be scaled; give its definition replicas: {min, max}`;
    throw orchestratorError('not-scalable', message, { details });
  }
  if (replicas < bounds.min || replicas > bounds.max) {
    const message = `${agent} may have ${bounds.min} to ${bounds.max} replicas, not ${replicas}; change the bounds in its definition`;
    throw orchestratorError('beyond-bounds', message, { details: { ...details, bounds } });
  }
  const key = scaleKey(agent);
  const scale = mirror.state.scales.get(key);
  const from = wantedReplicas(spec, scale);
  const present = mirror.revisionOf(key);
  // One that says the same beyond the bounds is written anew: the bounds may change again.
  if (from === replicas && (scale === undefined || scale.replicas === replicas))
    return { kind: 'noop', agent, from, to: replicas, revision: present };
  const body: ScaleEntry = { v: 1, replicas, by, at: new Date().toISOString(), cause };
  const { bucket } = spaceNames(space);
  const { revision } = await commitBatch(bus, bucket, [{ key, body, expect: present }]);
  return { kind: 'applied', agent, from, to: replicas, revision };
}
