/**
 * The rounds of the leader: on every change, or after half a second without one, it looks at the whole situation and does
 * what is missing: repairs values, writes down failures and what is to become of them, writes the graph, starts and stops
 * instances, closes adaptations that have arrived.
 * Every decision is a pure function elsewhere; this is the short loop that performs them. A round that fails is logged,
 * and the next one begins anew from what is then the case.
 */
import { pause } from '@mabeam/bus';
import { freezeKey, graphKey, sameJson, type FreezeState } from '@mabeam/variables';
import { Directives } from '../instances/directives.ts';
import { describeFreeze } from './freeze.ts';
import { reconcile, type Waiting } from '../instances/reconcile.ts';
import { repairValues } from './repair.ts';
import { closeAdaptations, isUnderway } from '../adaptation/settle.ts';
import { Recovery } from '../recovery/perform-recovery.ts';
import { reconcileInputOf } from '../state/reconcile-input.ts';
import { situationOf } from '../state/space-mirror.ts';
import { wantedGraphOf, type SpaceState } from '../state/space-state.ts';
import type { Term } from './term.ts';

const longestQuietMs = 500;
/** While an instance looks lost. */
const suspicionMs = 100;
const restAfterErrorMs = 200;
/** A term may have begun with a lost server: hosts take their leases again within a fraction of this. */
const hostsReturnWithinMs = 1_500;

/** Performs rounds until the term is over. */
export async function runRounds(term: Term): Promise<void> {
  const directives = new Directives(term);
  const lostAfter = Date.now() + hostsReturnWithinMs;
  const told: Told = { waiting: new Map(), freeze: undefined };
  const recovery = new Recovery(term);
  while (!term.signal.aborted) {
    try {
      await performRound(term, { directives, told, lostAfter, recovery });
    } catch (error) {
      if (term.signal.aborted) return;
      term.log.warn({ err: error }, 'a round failed; the next one begins anew');
      await pause(restAfterErrorMs, term.signal);
    }
    await term.mirror.nextChange(recovery.isWaiting ? suspicionMs : longestQuietMs, term.signal);
  }
}

/** What a term remembers from round to round: what is under way and what was said, never what ought to be. */
interface Progress {
  readonly directives: Directives;
  readonly told: Told;
  readonly lostAfter: number;
  readonly recovery: Recovery;
}

/**
 * One look at the situation, and what it calls for; in a frozen space only that what was committed before is recorded as applied
 * (freeze.ts, Z1). Nothing is decided on a value that still has to be repaired.
 */
async function performRound(term: Term, { directives, lostAfter, recovery, told }: Progress): Promise<void> {
  const { mirror } = term;
  tellFreeze(term, told);
  if (mirror.freeze !== undefined) return closeAdaptations(term, situationOf(mirror));
  if (await repairValues(term)) return;
  if (await recovery.look(lostAfter)) return;
  if (await writeGraph(term)) return;
  const situation = situationOf(mirror);
  const { observed, leases } = situation;
  const now = Date.now();
  const { actions, waiting } = reconcile({
    ...reconcileInputOf(mirror, now),
    inFlight: directives.underway(leases, observed, now),
    lostAfter,
  });
  const cause = causeOf(mirror.state);
  for (const action of actions) directives.issue(action, cause);
  tellWaiting(term, waiting, told.waiting);
  await closeAdaptations(term, situation);
}

/** Writes the graph the variables ask for, when it is another one; true when it did, or tried. */
async function writeGraph({ leadership, log, mirror }: Term): Promise<boolean> {
  const { state } = mirror;
  const { view } = state;
  const wanted = wantedGraphOf(state);
  const isBroken = view.rejected.has(graphKey);
  if (sameJson(wanted, view.graph?.graph) && !isBroken) return false;
  const write =
    wanted === undefined
      ? { key: graphKey, body: undefined, operation: 'delete' as const }
      : { key: graphKey, body: wanted };
  const freezeRevision = mirror.revisionOf(freezeKey);
  const outcome = await leadership.commit([{ ...write, expect: mirror.revisionOf(graphKey) }], {
    freezeRevision,
  });
  if (outcome.kind !== 'committed') return true;
  const epoch = outcome.revisions[graphKey];
  log.info({ epoch, topology: wanted?.topology, nodes: wanted?.nodes }, 'the graph has a new epoch');
  await mirror.reach(outcome.revision);
  return true;
}

/** What directives are issued for: the newest adaptation that has not arrived yet. Its trace goes on in them. */
function causeOf({ adaptations }: SpaceState): string | undefined {
  const open = [...adaptations.values()].filter(({ record }) => isUnderway(record));
  return open.toSorted((a, b) => b.revision - a.revision)[0]?.record.traceparent;
}

/** What has been said in the log, so that it is said once. */
interface Told {
  /** Why instances do not run, and since when (ms, monotonic); kept until it is no longer so. */
  readonly waiting: Map<string, { readonly since: number; isSaid: boolean }>;
  /** The freeze in force, when it has been said. */
  freeze: FreezeState | undefined;
}

/** Says when the space is frozen, by whom and why, and when it is no longer. */
function tellFreeze({ log, mirror }: Term, told: Told): void {
  const { freeze } = mirror;
  if (sameJson(freeze, told.freeze)) return;
  if (freeze === undefined) log.warn('the space is no longer frozen');
  else {
    const { at, by, reason } = freeze;
    const until = 'nothing is adapted, started, stopped or wired until it is unfrozen';
    log.warn({ at, by, reason }, `${describeFreeze(freeze)}; ${until}`);
  }
  told.freeze = freeze;
}

/** A reason that goes away by itself within this time is not worth a line. */
const patienceMs = 2_000;

/** The reasons that do not go away when one waits for them. */
const worthALine: ReadonlySet<Waiting['reason']> = new Set([
  'no-node',
  'back-off',
  'ended',
  'dependency',
  'resource-exhausted',
]);

/** Says once why a desired instance does not run, when that lasts, and again when the reason is another. */
function tellWaiting({ log }: Term, waiting: readonly Waiting[], told: Told['waiting']): void {
  const lines = new Map(
    waiting
      .filter(({ reason }) => worthALine.has(reason))
      .map(({ agent, ordinal, reason, on }) => [
        `${agent}.${ordinal} ${reason} ${on ?? ''}`,
        { agent, ordinal, reason, ...(on === undefined ? {} : { on }) },
      ]),
  );
  for (const line of told.keys()) if (!lines.has(line)) told.delete(line);
  const now = performance.now();
  for (const [line, about] of lines) {
    const known = told.get(line) ?? { since: now, isSaid: false };
    told.set(line, known);
    if (known.isSaid || now - known.since < patienceMs) continue;
    known.isSaid = true;
    const why = about.on === undefined ? about.reason : `it depends on ${about.on}, which is not there`;
    log.warn(about, `${about.agent}.${about.ordinal} is desired and does not run: ${why}`);
  }
}
