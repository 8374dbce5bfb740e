/** Writing one value by a command: look first what it would cause, write it, wait until the team is as it says. */
import { awaitApplied, type SpaceMirror } from '@mabeam/orchestrator';
import { planChanges, type WriteOutcome } from '@mabeam/variables';
import { commandError } from '../../errors.ts';
import { foreseeWrites } from '../../foresight.ts';
import type { Output } from '../../output.ts';
import { foresightDocument, renderForesight } from '../../render/foresight.ts';
import { shownValue } from '../../render/table.ts';
import { interruption } from '../../session.ts';
import { writeOptions, type WriteFlags } from './writing.ts';

/** Flags of commands that write a value and may look first, or wait. */
export interface PutFlags extends WriteFlags {
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  /** How long `--wait` waits, in ms. */
  readonly timeout: number;
}

/** Throws `invalid-usage` when the flags contradict each other. */
export function refuseWaitingForNothing({ dryRun, wait }: PutFlags): void {
  if (dryRun === true && wait === true)
    throw commandError('invalid-usage', '--dry-run writes nothing to wait for; leave --wait out');
}

/** A variable, and the value it is to have. */
export interface Setting {
  readonly id: string;
  readonly value: unknown;
}

/** Writes a value, or with `--dry-run` says what that would cause. Throws what the write throws, and `set-pending`. */
export async function putValue(
  output: Output,
  mirror: SpaceMirror,
  setting: Setting,
  flags: PutFlags,
): Promise<void> {
  if (flags.dryRun === true) return tellDryRun(output, mirror, setting, flags);
  const { id, value } = setting;
  const outcome = await mirror.store.update(id, value, writeOptions(flags));
  const { revision } = outcome;
  const settledMs = flags.wait === true ? await settle(mirror, { id, revision }, flags.timeout) : undefined;
  tellWritten(output, mirror, { id, outcome, settledMs });
}

/** What would be written and what the orchestrator would do about it; the checks are those of the write itself. */
function tellDryRun(output: Output, mirror: SpaceMirror, { id, value }: Setting, flags: PutFlags): void {
  const { by, cause = 'updated', ifRevision } = writeOptions(flags);
  const { view } = mirror.state;
  const plan = planChanges(view, [{ id, value, ifRevision }], { by, cause, at: new Date() });
  const foresight = foreseeWrites(mirror, plan.writes);
  const { from, to } = plan.changes[0] ?? {};
  const isFrozen = mirror.freeze !== undefined;
  const document = { kind: 'dry-run', id, from, to, basedOn: plan.basedOn, isFrozen };
  output.result({ ...document, ...foresightDocument(foresight) }, () =>
    [
      `${id} would be set from ${shownValue(from)} to ${shownValue(to)}; nothing was written`,
      renderForesight(foresight, output.paint),
      ...(isFrozen ? ['the space is frozen: the directives would wait for mabeam unfreeze'] : []),
    ].join('\n'),
  );
}

/** Waits until the team is as the revision says; resolves with how long that took. Throws `set-pending`, naming the laggards. */
async function settle(
  mirror: SpaceMirror,
  { id, revision }: { readonly id: string; readonly revision: number },
  timeoutMs: number,
): Promise<number> {
  const beganMs = performance.now();
  const signal = interruption();
  const { isWired, laggards } = await awaitApplied(mirror, revision, { timeoutMs, signal });
  if (laggards.length === 0 && isWired) return Math.round(performance.now() - beganMs);
  const named = [
    ...laggards.map(({ agent, ordinal, reason }) => `${agent}.${ordinal} (${reason})`),
    ...(isWired ? [] : ['the graph']),
  ].join(', ');
  const cure = mirror.freeze === undefined ? 'see mabeam ps' : 'the space is frozen: mabeam unfreeze';
  const waited = signal.aborted ? 'interrupted' : `after ${timeoutMs} ms`;
  const message = `${id} is written at revision ${revision}; ${waited} it is not in force with: ${named}; ${cure}`;
  throw commandError('set-pending', message, { details: { id, revision, laggards, isWired } });
}

/** What came of a write. */
export interface Written {
  readonly id: string;
  readonly outcome: WriteOutcome;
  /** How long it took to be in force everywhere, when that was waited for. */
  readonly settledMs?: number | undefined;
}

/** Says what was written, and where it is in force. */
export function tellWritten(output: Output, mirror: SpaceMirror, { id, outcome, settledMs }: Written): void {
  const { kind, revision, changes } = outcome;
  const [change] = changes;
  const settled = settledMs === undefined ? {} : { settledMs };
  output.result({ kind, id, revision, from: change?.from, to: change?.to, ...settled }, () => {
    const what = change?.isDifferent === false ? 'affirmed' : 'set';
    const everywhere = settledMs === undefined ? '' : `; in force everywhere after ${settledMs} ms`;
    return `${id} ${what} to ${shownValue(change?.to)} at revision ${revision}${everywhere}`;
  });
  if (mirror.freeze !== undefined)
    output.note('the space is frozen: agents read the value, but nothing is started, stopped or rewired');
}
