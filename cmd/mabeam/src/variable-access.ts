/** A command's access to variables: the store of the space that is meant, and names that are nearly right. */
import { MabeamError } from '@mabeam/bus';
import { nearestWord, openSpaceMirror, type SpaceMirror } from '@mabeam/orchestrator';
import { openVariables, type VariableStore } from '@mabeam/variables';
import type { SpaceFlags } from './flags.ts';
import { inSpace, type Place } from './session.ts';

/** How long a write, or a revision that is named, may take to arrive here. */
const applyTimeoutMs = 1_500;

/** Works with the space's variables; an unknown one is told with the nearest there is. */
export function withStore<T>(
  flags: SpaceFlags,
  work: (store: VariableStore, place: Place) => Promise<T>,
): Promise<T> {
  return inSpace(flags, async (place) => {
    await using store = await openVariables(place.bus, place.space, { applyTimeoutMs });
    return await suggesting(store, () => work(store, place));
  });
}

/** Works with the whole of the space: its variables, and what runs in it. */
export function withMirror<T>(
  flags: SpaceFlags,
  work: (mirror: SpaceMirror, place: Place) => Promise<T>,
): Promise<T> {
  return inSpace(flags, async (place) => {
    await using mirror = await openSpaceMirror(place.bus, place.space, { applyTimeoutMs });
    return await suggesting(mirror.store, () => work(mirror, place));
  });
}

async function suggesting<T>(store: VariableStore, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withSuggestion(error, [...store.view.variables.keys()]);
  }
}

function withSuggestion(error: unknown, known: readonly string[]): unknown {
  if (!(error instanceof MabeamError) || error.code !== 'unknown-variable') return error;
  const near = nearestWord(String(error.details['id']), known);
  if (near === undefined) return error;
  const kind = { retryable: error.retryable, exit: 2, status: error.status } as const;
  const details = { ...error.details, nearest: near };
  return new MabeamError(error.code, kind, `${error.message}; did you mean ${near}?`, {
    cause: error,
    details,
  });
}
