/** `mabeam task send`: durable work for a group, and what became of it. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import {
  openTasks,
  readStream,
  spaceNames,
  subjects,
  type SubmitOptions,
  type TaskOutcome,
} from '@mabeam/bus';
import { converse } from '../conversation.ts';
import { commandError } from '../errors.ts';
import { durationMs, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { decodeText, readInput, readJsonInput } from '../input.ts';
import { openOutput, type Output } from '../output.ts';
import { shownValue } from '../render/table.ts';
import { inSpace, type Place } from '../session.ts';

interface SendFlags extends SpaceFlags {
  readonly id?: string;
  readonly follow?: boolean;
  readonly raw?: boolean;
  readonly timeout: number;
}

/** The command `task` with `send`. */
export function taskCommand(): Command {
  return teachCommand({
    name: 'task',
    description: 'Durable tasks: delivered until exactly one outcome is accepted.',
    examples: [
      `mabeam task send readers '{"path":"a.eml"}'`,
      'mabeam task send readers @a.eml --raw --follow',
    ],
  }).addCommand(sendCommand());
}

function sendCommand(): Command {
  const command = teachCommand({
    name: 'send',
    description:
      'Submit a task to a group of agents; the same id again is the same task. With --follow, wait for its outcome.',
    examples: [
      `mabeam task send readers '{"path":"a.eml"}' --follow`,
      'mabeam task send readers @a.eml --raw --id mail-1',
      'cat a.json | mabeam task send readers - -o json',
    ],
    exits: { 1: 'the task failed', 4: 'no outcome in time; the task goes on' },
  })
    .argument('<group>', 'group of agents that works on it')
    .argument('<json>', 'input: JSON, @file, or - for standard input')
    .option('--id <id>', 'id of the task (default: a new one)')
    .option('--raw', 'the input is no JSON: hand it over as it is, UTF-8 as text and anything else as bytes')
    .option('--follow', 'wait for the outcome')
    .option('--timeout <duration>', 'with --follow: how long to wait', durationMs, 60_000);
  return withSpace(command).action(async (group: string, argument: string, flags: SendFlags) => {
    const output = openOutput(flags.output);
    const { input, options } = await taskInput(argument, flags);
    const id = flags.id ?? randomUUID();
    await inSpace(flags, async (place) => {
      const { result: sequence, traceId } = await converse(place, `task send ${group}`, () =>
        openTasks(place.bus, place.space).submit(group, id, input, options),
      );
      if (traceId !== undefined) output.note(`trace ${traceId}`);
      if (flags.follow === true) return tellOutcome(output, await outcomeWithin(place, id, flags.timeout));
      return output.result(
        { task: id, group, sequence, traceId },
        () => `task ${id} is number ${sequence} for ${group}`,
      );
    });
  });
}

async function taskInput(
  argument: string,
  { raw }: SendFlags,
): Promise<{ readonly input: unknown; readonly options: SubmitOptions }> {
  if (raw !== true) return { input: await readJsonInput('the input', argument), options: {} };
  const bytes = await readInput(argument);
  const text = decodeText(bytes);
  if (text !== undefined) return { input: text, options: {} };
  return { input: bytes, options: { contentType: 'application/msgpack' } };
}

/** The task's one outcome, which may have been there before. Throws `task-pending`. */
async function outcomeWithin({ bus, space }: Place, id: string, withinMs: number): Promise<TaskOutcome> {
  const signal = AbortSignal.timeout(withinMs);
  const filter = subjects(space).outcomesOf(id);
  for await (const _outcome of readStream(bus, spaceNames(space).outcomes, { filter, signal })) {
    const outcome = await openTasks(bus, space).outcomeOf(id);
    if (outcome !== undefined) return outcome;
  }
  const message = `task ${id} has no outcome after ${withinMs} ms; it goes on, ask again with the same --id and --follow`;
  throw commandError('task-pending', message, { details: { task: id } });
}

function tellOutcome(output: Output, outcome: TaskOutcome): void {
  if (outcome.kind === 'failed') {
    const { task, agent, error, delivery } = outcome;
    const message = `task ${task} failed in ${agent}: ${error.message} (${error.code})`;
    throw commandError('task-failed', message, { details: { task, agent, error, delivery } });
  }
  output.result(outcome, () => shownValue(outcome.output, Infinity));
}
