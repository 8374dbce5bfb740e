/** What the commands about adaptations share: which one is meant, asking the leader, and waiting for what becomes of it. */
import { MabeamError, subjects } from '@mabeam/bus';
import type { ChangeAnswer, AdaptationRecord, SpaceMirror, StoredAdaptation } from '@mabeam/orchestrator';
import { commandError } from './errors.ts';
import type { Place } from './session.ts';

/** The leader answers at once; a lost race or two take him a moment. */
const answerTimeoutMs = 5_000;

/** Asks the leader of the space. Throws `no-leader`, and what the leader answers. */
export async function askLeader(
  { bus, space }: Place,
  verb: 'adapt' | 'undo' | 'promote',
  body: object,
): Promise<ChangeAnswer> {
  try {
    const answer = await bus.request(subjects(space).at(`command.space.${space}.${verb}`), body, {
      timeoutMs: answerTimeoutMs,
    });
    // The leader of a space answers this command so (orchestrator, serve-adaptation.ts).
    return answer as ChangeAnswer;
  } catch (error) {
    if (!(error instanceof MabeamError) || error.code !== 'no-responders') throw error;
    const message = `nobody leads ${space}; start an orchestrator (mabeam dev, or mabeam-orchestrator) and try again`;
    throw commandError('no-leader', message, { cause: error, details: { space } });
  }
}

/** The adaptation that an id, or the beginning of one, means. Throws `unknown-adaptation`, also when it means several. */
export function chosenAdaptation({ state }: SpaceMirror, id: string): StoredAdaptation {
  const all = [...state.adaptations.values()];
  const found = all.filter(({ hash }) => hash.startsWith(id));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const message =
    only === undefined
      ? `there is no adaptation ${id}; mabeam adapt list shows those that are kept`
      : `${id} is the beginning of ${found.length} adaptations; give more of it: ${found
          .slice(0, 3)
          .map(({ hash }) => hash)
          .join(', ')}`;
  throw commandError('unknown-adaptation', message, { details: { id, found: found.length } });
}

/** How long to wait for an adaptation, and what ends the waiting before. */
export interface DecisionWait {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Waits until an adaptation is neither on its way nor being judged. Throws `adaptation-pending`. */
export async function awaitDecision(
  mirror: SpaceMirror,
  hash: string,
  { signal, timeoutMs }: DecisionWait,
): Promise<AdaptationRecord> {
  const endAt = performance.now() + timeoutMs;
  for (;;) {
    const record = [...mirror.state.adaptations.values()].find((each) => each.hash === hash)?.record;
    if (record !== undefined && record.outcome !== 'committed' && record.outcome !== 'evaluating')
      return record;
    const leftMs = endAt - performance.now();
    if (leftMs <= 0 || signal.aborted) {
      const waited = signal.aborted ? 'interrupted' : `after ${timeoutMs} ms`;
      const state = record?.outcome ?? 'not there';
      const message = `${waited} adaptation ${hash} is ${state}; it goes on by itself: mabeam rollout status ${hash}`;
      throw commandError('adaptation-pending', message, { details: { adaptation: hash, outcome: state } });
    }
    await mirror.nextChange(leftMs, signal);
  }
}

/** The exit code of what became of a change: 0 when it stayed, 3 when somebody else wrote, else 1. */
export function exitOf({ outcome }: Pick<AdaptationRecord, 'outcome'>): number {
  if (outcome === 'superseded') return 3;
  return outcome === 'rolled-back' || outcome === 'failure' ? 1 : 0;
}
