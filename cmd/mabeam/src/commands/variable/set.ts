/** `mabeam variable set|rollback`: write a value; look first what it would cause; wait until the team is as it says. */
import type { Command } from 'commander';
import { awaitApplied, type SpaceMirror } from '@mabeam/orchestrator';
import { planChanges, type WriteOutcome } from '@mabeam/variables';
import { commandError } from '../../errors.ts';
import { durationMs, wholeNumber } from '../../flags.ts';
import { foreseeWrites } from '../../foresight.ts';
import { teachCommand } from '../../help.ts';
import { readSetting } from '../../input.ts';
import { openOutput, type Output } from '../../output.ts';
import { foresightDocument, renderForesight } from '../../render/foresight.ts';
import { shownValue } from '../../render/table.ts';
import { interruption } from '../../session.ts';
import { withMirror } from '../../variable-access.ts';
import { writeOptions, writing, type WriteFlags } from './writing.ts';

interface SetFlags extends WriteFlags {
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
}

/** The command `variable set`. */
export function setCommand(): Command {
  const command = teachCommand({
    name: 'set',
    description:
      'Write a value: validated against the domain and the constraints, then compare-and-set. A value that is JSON is read as JSON, else as text; for a selection of agents a list with commas will do. With --wait it ends when every agent concerned runs with it: those selected have started, the others are gone, the graph is right.',
    examples: [
      'mabeam variable set threshold 0.7',
      'mabeam variable set specialists words,headers,links --dry-run',
      'mabeam variable set specialists words,headers,links --wait --timeout 30s',
      'mabeam variable set wiring \'{"pattern":"star","hub":"judge"}\' --if-revision 41',
    ],
    exits: { 4: 'with --wait: written, but not everywhere in time; the laggards are named' },
  })
    .argument('<variable>', 'id, or <agent>.<name> for a local one')
    .argument('<value>', 'JSON, text, or agents with commas between them')
    .option('--json', 'the value must be JSON; nothing is guessed')
    .option('--dry-run', 'write nothing; say what would be written, started, stopped and rewired')
    .option('--wait', 'wait until all agents concerned run with it')
    .option('--timeout <duration>', 'with --wait: how long to wait', durationMs, 10_000);
  return writing(command).action((id: string, text: string, flags: SetFlags) => setVariable(id, text, flags));
}

async function setVariable(id: string, text: string, flags: SetFlags): Promise<void> {
  if (flags.dryRun === true && flags.wait === true)
    throw commandError('invalid-usage', '--dry-run writes nothing to wait for; leave --wait out');
  const output = openOutput(flags.output);
  await withMirror(flags, async (mirror) => {
    const { definition } = mirror.store.get(id);
    const value = readSetting(definition, text, { mustBeJson: flags.json === true });
    if (flags.dryRun === true) return tellDryRun(output, mirror, { id, value }, flags);
    const outcome = await mirror.store.update(id, value, writeOptions(flags));
    const { revision } = outcome;
    const settledMs = flags.wait === true ? await settle(mirror, { id, revision }, flags.timeout) : undefined;
    tellWritten(output, mirror, { id, outcome, settledMs });
  });
}

/** What would be written and what the orchestrator would do about it; the checks are those of the write itself. */
function tellDryRun(
  output: Output,
  mirror: SpaceMirror,
  { id, value }: { readonly id: string; readonly value: unknown },
  flags: SetFlags,
): void {
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

/** The command `variable rollback`. */
export function rollbackCommand(): Command {
  const command = teachCommand({
    name: 'rollback',
    description:
      'Write the value of an earlier revision again, as a new one. Revision 0 is the initial value.',
    examples: [
      'mabeam variable rollback threshold 41',
      'mabeam variable rollback specialists 0 --if-revision 52',
    ],
  })
    .argument('<variable>', 'id, or <agent>.<name> for a local one')
    .argument('<revision>', 'a revision from its history, or 0', wholeNumber(0));
  return writing(command).action(async (id: string, revision: number, flags: WriteFlags) => {
    const output = openOutput(flags.output);
    await withMirror(flags, async (mirror) => {
      const outcome = await mirror.store.rollBack(id, revision, writeOptions(flags));
      tellWritten(output, mirror, { id, outcome });
    });
  });
}

interface Written {
  readonly id: string;
  readonly outcome: WriteOutcome;
  /** How long it took to be in force everywhere, when that was waited for. */
  readonly settledMs?: number | undefined;
}

function tellWritten(output: Output, mirror: SpaceMirror, { id, outcome, settledMs }: Written): void {
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
