/**
 * How a space stands: what ought to run and what does, what is missing and why, and which adaptations are not over yet. It asks the very
 * functions by which the leader decides and by which an adaptation counts as applied, so it cannot tell another story. It only looks.
 */
import { observedKey } from '@mabeam/cluster';
import { sameJson } from '@mabeam/variables';
import { findLaggards, type Laggard } from '../adaptation/settlement.ts';
import type { Action, Waiting } from '../instances/actions.ts';
import { reconcile } from '../instances/reconcile.ts';
import { reconcileInputOf } from '../state/reconcile-input.ts';
import { wantedGraphOf, type SpaceState, type StoredAdaptation } from '../state/space-state.ts';
import { situationOf, type SpaceMirror } from '../state/space-mirror.ts';

/** A space against what its variables say, as of one revision. */
export interface SpaceStanding {
  readonly revision: number;
  /** Instances that ought to run, `<agent>.<ordinal>`. */
  readonly desired: readonly string[];
  /** Instances that are active under a live lease. */
  readonly running: readonly string[];
  /** Who does not work with the revision asked about yet, or works and ought not. */
  readonly laggards: readonly Laggard[];
  /** What the leader orders next, unless it has already. */
  readonly actions: readonly Action[];
  /** Who ought to run and is not being started, and why. */
  readonly waiting: readonly Waiting[];
  /** The graph in force is the one the variables ask for. */
  readonly isWired: boolean;
  /** Committed adaptations that are not over, newest first. */
  readonly open: readonly StoredAdaptation[];
  /** Keys that cannot be read or hold what is not valid, and why: they are not obeyed. */
  readonly problems: ReadonlyMap<string, string>;
}

/**
 * How the space of a mirror stands at `now` (ms), as to its newest revision or to an earlier one. What instances say of themselves is
 * known a heartbeat after the mirror was opened.
 */
export function spaceStanding(mirror: SpaceMirror, now: number, since?: number): SpaceStanding {
  const { state } = mirror;
  const { view } = state;
  const situation = situationOf(mirror);
  const { desired, leases, observed } = situation;
  const ahead = reconcile(reconcileInputOf(mirror, now));
  const active = new Set(
    observed.filter(({ status }) => status === 'active').map((each) => each.incarnation),
  );
  return {
    revision: view.revision,
    desired: desired.map(observedKey),
    running: leases
      .filter(({ incarnation }) => active.has(incarnation))
      .map(observedKey)
      .toSorted(),
    laggards: findLaggards(situation, since ?? view.revision),
    ...ahead,
    isWired: sameJson(wantedGraphOf(state), view.graph?.graph),
    open: openAdaptations(state),
    problems: problemsOf(state),
  };
}

/** Is everything as the variables say: everybody at work with this revision, nobody else, and the graph right? */
export function isAsDesired({ isWired, laggards }: SpaceStanding): boolean {
  return isWired && laggards.length === 0;
}

/** Adaptations that are not over: their outcome is not final. */
const openOutcomes: ReadonlySet<string> = new Set(['voting', 'committed', 'evaluating']);

function openAdaptations({ adaptations }: SpaceState): readonly StoredAdaptation[] {
  return [...adaptations.values()]
    .filter(({ record }) => openOutcomes.has(record.outcome))
    .toSorted((a, b) => b.revision - a.revision);
}

function problemsOf({ problems, view }: SpaceState): ReadonlyMap<string, string> {
  const rejected = [...view.rejected].map(([key, { message }]) => [key, message] as const);
  return new Map([...problems, ...rejected]);
}
