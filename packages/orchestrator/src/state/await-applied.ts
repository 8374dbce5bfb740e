/**
 * Waiting until a team is as its variables say: the same question by which an adaptation becomes `applied` (settlement.ts), asked
 * by somebody who has just written.
 */
import { sameJson } from '@mabeam/variables';
import { findLaggards, type Laggard } from '../adaptation/settlement.ts';
import { situationOf, type SpaceMirror } from './space-mirror.ts';
import { wantedGraphOf } from './space-state.ts';

/** Who stands between a revision and its being in force; nobody and a graph that is right: it is in force. */
export interface Standing {
  readonly laggards: readonly Laggard[];
  /** The graph in force is the one the variables ask for. */
  readonly isWired: boolean;
}

/** How long is waited; the signal ends it earlier. */
export interface AwaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const lookAgainMs = 500;

/**
 * Resolves as soon as every instance that ought to run works with the revision or a later one, nothing else is at work and the
 * graph is right; at the latest after `timeoutMs`, or when the signal aborts, with what is missing then.
 */
export async function awaitApplied(
  mirror: SpaceMirror,
  revision: number,
  { timeoutMs, signal }: AwaitOptions,
): Promise<Standing> {
  const end = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  for (;;) {
    const standing = standingOf(mirror, revision);
    const isDone = standing.laggards.length === 0 && standing.isWired;
    if (end.aborted || (isDone && mirror.state.view.revision >= revision)) return standing;
    await mirror.nextChange(lookAgainMs, end);
  }
}

function standingOf(mirror: SpaceMirror, revision: number): Standing {
  const { state } = mirror;
  return {
    laggards: findLaggards(situationOf(mirror), revision),
    isWired: sameJson(wantedGraphOf(state), state.view.graph?.graph),
  };
}
