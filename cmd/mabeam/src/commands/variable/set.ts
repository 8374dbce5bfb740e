/** `mabeam variable set|rollback`: write a value; look first what it would cause; wait until the team is as it says. */
import type { Command } from 'commander';
import { durationMs, wholeNumber } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { readSetting } from '../../input.ts';
import { openOutput } from '../../output.ts';
import { withMirror } from '../../variable-access.ts';
import { putValue, refuseWaitingForNothing, tellWritten, type PutFlags } from './put-value.ts';
import { writeOptions, writing, type WriteFlags } from './writing.ts';

interface SetFlags extends PutFlags {
  readonly json?: boolean;
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
  refuseWaitingForNothing(flags);
  const output = openOutput(flags.output);
  await withMirror(flags, async (mirror) => {
    const { definition } = mirror.store.get(id);
    const value = readSetting(definition, text, { mustBeJson: flags.json === true });
    await putValue(output, mirror, { id, value }, flags);
  });
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
