/** What a run of the desk has led to, beside verdicts: agreements, trials and replicas, read from its space when the mail is judged. */
import type { Bus } from '@mabeam/bus';
import { readRounds } from '@mabeam/coordination';
import {
  openSpaceMirror,
  scaleKey,
  type AdaptationRecord,
  type SpaceDefinition,
  type SpaceMirror,
} from '@mabeam/orchestrator';
import { agreementsOf } from './rounds.ts';
import type { RunFacts } from './summary.ts';
import { trialsOf } from './trials.ts';
import type { Witness } from './witness.ts';

/** So long what was begun near the end may take to arrive everywhere: somebody may just be starting. */
const settleMs = 20_000;
const lookAgainMs = 200;

/** What of a run is known only afterwards. */
type Became = Pick<RunFacts, 'agreements' | 'trials' | 'scaled'>;

/**
 * What was agreed on and tried in a space, and to how many replicas those have come that may be scaled: when what was begun shortly
 * before the end has led to something as well, or has had `settleMs` for that.
 */
export async function whatBecame(
  bus: Bus,
  definition: SpaceDefinition | undefined,
  witness: Witness,
): Promise<Became> {
  if (definition === undefined) return { agreements: [], trials: [], scaled: [] };
  await using mirror = await openSpaceMirror(bus, definition.space);
  const end = AbortSignal.timeout(settleMs);
  for (;;) {
    const became = await readOff(bus, definition, mirror);
    if (end.aborted || !(isUnderway(mirror, witness) || isAwaited(mirror, became))) return became;
    await mirror.nextChange(lookAgainMs, end);
  }
}

async function readOff(
  bus: Bus,
  { agents, space }: SpaceDefinition,
  { state }: SpaceMirror,
): Promise<Became> {
  const scaled = agents.flatMap(({ id }) => {
    const scale = state.scales.get(scaleKey(id));
    return scale === undefined ? [] : [{ agent: id, replicas: scale.replicas, cause: scale.cause }];
  });
  const records = [...state.adaptations.values()].map(({ record }) => record);
  const agreements = agreementsOf(await readRounds(bus, space), records);
  return { agreements, trials: trialsOf(records), scaled };
}

/** Has a change been committed for good that has not arrived everywhere, or not been told? */
function isUnderway({ state }: SpaceMirror, { adaptations }: Witness): boolean {
  const isTold = (told: AdaptationRecord): boolean =>
    adaptations.some(({ id, trigger }) => id === told.id && trigger === told.trigger);
  return [...state.adaptations.values()].some(
    ({ record }) => record.outcome === 'committed' || (record.outcome === 'applied' && !isTold(record)),
  );
}

/** Has somebody been voted out who is still on the bench? */
function isAwaited({ state }: SpaceMirror, { agreements }: Became): boolean {
  const bench = state.view.variables.get('specialists')?.value;
  return agreements.some(
    ({ leaving, revision }) =>
      revision === null && Array.isArray(bench) && leaving.some((id) => bench.includes(id)),
  );
}
