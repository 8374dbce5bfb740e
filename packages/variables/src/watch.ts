/**
 * Watching and waiting: what a reader hears of a view that moves. Level-triggered: a reader that was busy is told once what
 * differs from what it last saw, so nothing queues up and the newest state is never missed.
 */
import { busErrors, errorsOf, MabeamError } from '@mabeam/bus';
import { changeBetween, type SpaceChange } from './difference.ts';
import { variableError } from './errors.ts';
import type { SpaceView } from './view.ts';

const busError = errorsOf(busErrors);

/** A view that moves, and the end of its moving. */
export interface ViewSource {
  readonly view: () => SpaceView;
  /** Calls the listener whenever the view has moved. */
  readonly onView: (listener: () => void) => Disposable;
  readonly closing: AbortSignal;
}

/** Options of a watch. */
export interface WatchOptions {
  /** Only these variables, and neither graph, freeze, nor rejections of others; all when absent. */
  readonly ids?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Options of a wait. */
export interface WaitOptions {
  /** Default 5 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How a wait ended. */
export type WaitEnding = 'reached' | 'timed-out' | 'cancelled' | 'closed';

/** Yields what changed since the reader last looked, beginning with the view at the start of the loop. Ends with the signal or the source. */
export async function* watchChanges(
  source: ViewSource,
  options: WatchOptions,
): AsyncGenerator<SpaceChange, void> {
  let seen = source.view();
  const end = endOf(source, options.signal);
  let wake = Promise.withResolvers<void>();
  const ring = (): void => wake.resolve();
  using _hearing = source.onView(ring);
  end.addEventListener('abort', ring, { once: true });
  using _listening = { [Symbol.dispose]: () => end.removeEventListener('abort', ring) };
  while (!end.aborted) {
    const change = narrowed(changeBetween(seen, source.view()), options.ids);
    seen = source.view();
    if (change !== undefined) yield change;
    await wake.promise;
    wake = Promise.withResolvers<void>();
  }
}

/** Waits until the view satisfies a condition; resolves with how it ended. */
export async function awaitView(
  source: ViewSource,
  isReached: (view: SpaceView) => boolean,
  options: WaitOptions,
): Promise<WaitEnding> {
  if (isReached(source.view())) return 'reached';
  const end = endOf(source, options.signal);
  if (end.aborted) return endingOf(source);
  const { promise, resolve } = Promise.withResolvers<WaitEnding>();
  const onEnd = (): void => resolve(endingOf(source));
  const timer = setTimeout(() => resolve('timed-out'), options.timeoutMs ?? 5_000);
  end.addEventListener('abort', onEnd, { once: true });
  using _hearing = source.onView(() => {
    if (isReached(source.view())) resolve('reached');
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    end.removeEventListener('abort', onEnd);
  }
}

/** Waits until the view is at least at a revision. Throws not-applied at the deadline, cancelled, store-closed. */
export async function requireRevision(
  source: ViewSource,
  revision: number,
  options: WaitOptions,
): Promise<void> {
  const ending = await awaitView(source, (view) => view.revision >= revision, options);
  const details = { revision, applied: source.view().revision };
  const at = `revision ${revision} (at ${details.applied})`;
  switch (ending) {
    case 'reached':
      return;
    case 'timed-out':
      throw variableError(
        'not-applied',
        `${at} did not arrive in time; check the connection and wait again`,
        { details },
      );
    case 'cancelled':
      throw busError('cancelled', `waiting for ${at} was cancelled`, { details });
    case 'closed':
      throw variableError('store-closed', `the store was closed while waiting for ${at}; open another`, {
        details,
        cause: causeOf(source),
      });
  }
}

/** Throws `store-closed` when the source has ended. */
export function assertOpen(source: ViewSource): void {
  if (!source.closing.aborted) return;
  const message = 'the variables of this space were closed here; open them again';
  throw variableError('store-closed', message, { cause: causeOf(source) });
}

/** Why the source ended, when it was not by our own closing. */
function causeOf({ closing }: ViewSource): unknown {
  const reason: unknown = closing.reason;
  return reason instanceof MabeamError ? reason : undefined;
}

function endOf(source: ViewSource, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? source.closing : AbortSignal.any([source.closing, signal]);
}

function endingOf(source: ViewSource): WaitEnding {
  return source.closing.aborted ? 'closed' : 'cancelled';
}

function narrowed(
  change: SpaceChange | undefined,
  ids: readonly string[] | undefined,
): SpaceChange | undefined {
  if (change === undefined || ids === undefined) return change;
  const changes = change.changes.filter(({ id }) => ids.includes(id));
  const rejections = change.rejections.filter(({ id }) => id !== undefined && ids.includes(id));
  if (changes.length === 0 && rejections.length === 0) return undefined;
  return { ...change, changes, rejections, hasNewGraph: false, hasNewFreeze: false };
}
