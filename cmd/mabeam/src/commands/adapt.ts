/** `mabeam adapt list|trigger|undo`: how a space has adapted, and how to have it adapt. */
import type { Command } from 'commander';
import { askLeader, chosenAdaptation } from '../adaptation-command.ts';
import { durationMs, wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand, type Lesson } from '../help.ts';
import { readJsonInput } from '../input.ts';
import { openOutput } from '../output.ts';
import { renderOutcome } from '../render/adaptation.ts';
import { adaptationDocument, renderAdaptations, renderAnswer } from '../render/rollout.ts';
import { author, inSpace } from '../session.ts';
import { withMirror } from '../variable-access.ts';
import { publishTrigger } from './event.ts';

/** The command `adapt` with its three. */
export function adaptCommand(): Command {
  return teachCommand({
    name: 'adapt',
    description: 'Adaptations: what triggers, events and people have led to.',
    examples: ['mabeam adapt list', `mabeam adapt trigger quality-low '{"score":0.7}'`],
  })
    .addCommand(listCommand())
    .addCommand(triggerCommand())
    .addCommand(undoCommand());
}

interface ListFlags extends SpaceFlags {
  readonly limit: number;
  readonly variable?: string;
}

function listCommand(): Command {
  const command = teachCommand({
    name: 'list',
    description: 'List the adaptations that are kept, the newest first, also those that changed nothing.',
    examples: ['mabeam adapt list', "mabeam adapt list --variable threshold -o json | jq '.[0]'"],
  })
    .option('--variable <id>', 'only those that changed it')
    .option('--limit <n>', 'at most so many', wholeNumber(1), 20);
  return withSpace(command).action(async ({ limit, variable, ...flags }: ListFlags) => {
    const output = openOutput(flags.output);
    await withMirror(flags, async ({ state, store }) => {
      const found = [...state.adaptations.values()]
        .filter(
          ({ record }) => variable === undefined || record.changes.some((each) => each.variable === variable),
        )
        .toSorted((a, b) => b.record.at.localeCompare(a.record.at))
        .slice(0, limit);
      // Of a variable that is gone there may be adaptations; of one that never was there are none.
      if (variable !== undefined && found.length === 0) store.get(variable);
      output.result(
        found.map((each) => adaptationDocument(each)),
        () =>
          found.length === 0
            ? 'no adaptations; cause one with mabeam adapt trigger <name>'
            : renderAdaptations(found, Date.now(), output.paint),
      );
    });
  });
}

interface TriggerFlags extends SpaceFlags {
  readonly id?: string;
  readonly source?: string;
  readonly timeout: number;
}

function triggerCommand(): Command {
  const command = teachCommand({
    name: 'trigger',
    description:
      'Publish a trigger and wait for what it leads to. It acts once per identity (--source, --id); without an id each is a new one.',
    examples: [
      `mabeam adapt trigger quality-low '{"score":0.7}'`,
      'mabeam adapt trigger quality-low --id run-42 --source nightly',
    ],
    exits: { 4: 'nobody has dealt with it in time; it is kept and will be' },
  })
    .argument('<name>', 'name of the trigger')
    .argument('[json]', 'body: JSON, @file, or - for standard input')
    .option('--id <id>', 'identity of the trigger')
    .option('--source <name>', 'its source, part of its identity')
    .option('--timeout <duration>', 'how long to wait', durationMs, 10_000);
  return withSpace(command).action(async (name: string, json: string | undefined, flags: TriggerFlags) => {
    const output = openOutput(flags.output);
    const body = json === undefined ? undefined : await readJsonInput('the body', json);
    await inSpace(flags, async (place) => {
      const { outcome } = await publishTrigger(place, name, body, { ...flags, follow: true });
      output.result(outcome, () => (outcome === undefined ? '' : renderOutcome(outcome, output.paint)));
    });
  });
}

function undoCommand(): Command {
  return decidingCommand('undo', {
    name: 'undo',
    description:
      'Take an adaptation back, whoever or whatever brought it about: the exact former values as new revisions, unless somebody else has written since.',
    examples: ['mabeam adapt undo 9c51e8', 'mabeam adapt undo 9c51e8 --by ada -o json'],
    exits: { 3: 'nothing of it is there to undo, or somebody else has written the variable since' },
  });
}

/** A command that has the leader decide about one adaptation. */
export function decidingCommand(verb: 'undo' | 'promote', lesson: Lesson): Command {
  const command = teachCommand(lesson)
    .argument('<adaptation>', 'its id, or the beginning of it')
    .option('--by <name>', 'who decides (default: the user)');
  return withSpace(command).action(async (id: string, flags: SpaceFlags & { readonly by?: string }) => {
    const output = openOutput(flags.output);
    await withMirror(flags, async (mirror, place) => {
      const { hash } = chosenAdaptation(mirror, id);
      const answer = await askLeader(place, verb, { adaptation: hash, by: flags.by ?? author() });
      output.result(answer, () => renderAnswer(answer));
    });
  });
}
