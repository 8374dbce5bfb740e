/** `mabeam variable …`: the control plane by hand: read variables, write them, see what they were, go back. */
import type { Command } from 'commander';
import { MabeamError, type Bus } from '@mabeam/bus';
import { nearestWord } from '@mabeam/orchestrator';
import { openVariables, type VariableStore, type WriteOutcome } from '@mabeam/variables';
import { wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { readSetting } from '../input.ts';
import { openOutput, type Output } from '../output.ts';
import { shownValue } from '../render/table.ts';
import {
  historyDocument,
  renderHistory,
  renderVariable,
  renderVariables,
  variableDocument,
} from '../render/variables.ts';
import { author, inSpace } from '../session.ts';

interface WriteFlags extends SpaceFlags {
  readonly ifRevision?: number;
  readonly by?: string;
  readonly cause?: string;
}

/** How long a write, or a revision that is named, may take to arrive here. */
const applyTimeoutMs = 1_500;

/** The command `variable` with its five. */
export function variableCommand(): Command {
  return teachCommand({
    name: 'variable',
    description:
      'Read and write the variables of a space. A new revision starts, stops, rewires and retunes the running agents. Local variables are called <agent>.<name>.',
    examples: ['mabeam variable list', 'mabeam variable set specialists words,headers'],
  })
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(setCommand())
    .addCommand(historyCommand())
    .addCommand(rollbackCommand());
}

function listCommand(): Command {
  const command = teachCommand({
    name: 'list',
    description: 'List the variables with their values and revisions.',
    examples: ['mabeam variable list', "mabeam variable list -o json | jq -r '.[].id'"],
  });
  return withSpace(command).action(async (flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    const states = await withStore(flags, async (store) => store.list());
    output.result(states.map(variableDocument), () => renderVariables(states, output.paint));
  });
}

function getCommand(): Command {
  const command = teachCommand({
    name: 'get',
    description: 'Show one variable: its value, who wrote it, and what it may be.',
    examples: ['mabeam variable get threshold', 'mabeam variable get words.smoothing -o json | jq .value'],
  }).argument('<variable>', 'id, or <agent>.<name> for a local one');
  return withSpace(command).action(async (id: string, flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    const state = await withStore(flags, async (store) => store.get(id));
    output.result(variableDocument(state), () => renderVariable(state, output.paint));
  });
}

function setCommand(): Command {
  const command = teachCommand({
    name: 'set',
    description:
      'Write a value: validated against the domain and the constraints, then compare-and-set. A value that is JSON is read as JSON, else as text; for a selection of agents a list with commas will do.',
    examples: [
      'mabeam variable set threshold 0.7',
      'mabeam variable set specialists words,headers,links',
      'mabeam variable set wiring \'{"pattern":"star","hub":"judge"}\' --if-revision 41',
    ],
  })
    .argument('<variable>', 'id, or <agent>.<name> for a local one')
    .argument('<value>', 'JSON, text, or agents with commas between them')
    .option('--json', 'the value must be JSON; nothing is guessed');
  return writing(command).action(
    async (id: string, text: string, flags: WriteFlags & { readonly json?: boolean }) => {
      const output = openOutput(flags.output);
      const outcome = await withStore(flags, (store) => {
        const value = readSetting(store.get(id).definition, text, { mustBeJson: flags.json === true });
        return store.update(id, value, writeOptions(flags));
      });
      tellWritten(output, id, outcome);
    },
  );
}

function historyCommand(): Command {
  const command = teachCommand({
    name: 'history',
    description: 'Show the kept revisions of a variable (64), newest first, with author and cause.',
    examples: ['mabeam variable history specialists', 'mabeam variable history threshold --limit 5 -o json'],
  })
    .argument('<variable>', 'id, or <agent>.<name> for a local one')
    .option('--limit <n>', 'at most so many', wholeNumber(1));
  return withSpace(command).action(async (id: string, flags: SpaceFlags & { readonly limit?: number }) => {
    const output = openOutput(flags.output);
    const { limit } = flags;
    const records = await withStore(flags, (store) =>
      store.history(id, limit === undefined ? {} : { limit }),
    );
    output.result(records.map(historyDocument), () => renderHistory(records, output.paint));
  });
}

function rollbackCommand(): Command {
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
    const outcome = await withStore(flags, (store) => store.rollBack(id, revision, writeOptions(flags)));
    tellWritten(output, id, outcome);
  });
}

function writing(command: Command): Command {
  return withSpace(
    command
      .option(
        '--if-revision <n>',
        'write only if the variable is at this revision (0: initial)',
        wholeNumber(0),
      )
      .option('--by <name>', 'who writes (default: the user)')
      .option('--cause <text>', 'why'),
  );
}

function writeOptions({ by, cause, ifRevision }: WriteFlags): {
  readonly by: string;
  readonly cause?: string | undefined;
  readonly ifRevision?: number | undefined;
} {
  return { by: by ?? author(), cause, ifRevision };
}

function tellWritten(output: Output, id: string, { kind, revision, changes }: WriteOutcome): void {
  const [change] = changes;
  output.result({ kind, id, revision, from: change?.from, to: change?.to }, () => {
    const what = change?.isDifferent === false ? 'affirmed' : 'set';
    return `${id} ${what} to ${shownValue(change?.to)} at revision ${revision}`;
  });
}

/** Works with the space's variables; an unknown one is told with the nearest there is. */
function withStore<T>(flags: SpaceFlags, work: (store: VariableStore) => Promise<T>): Promise<T> {
  return inSpace(flags, async ({ bus, space }) => onStore(bus, space, work));
}

async function onStore<T>(bus: Bus, space: string, work: (store: VariableStore) => Promise<T>): Promise<T> {
  await using store = await openVariables(bus, space, { applyTimeoutMs });
  try {
    return await work(store);
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
