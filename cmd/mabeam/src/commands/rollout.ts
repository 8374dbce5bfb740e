/** `mabeam rollout list|status|promote|undo`: changes under guard. */
import type { Command } from 'commander';
import { evidenceSoFar } from '@mabeam/orchestrator';
import { chosenAdaptation } from '../adaptation-command.ts';
import { withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { adaptationDocument, renderAdaptations, renderRollout } from '../render/rollout.ts';
import { withMirror } from '../variable-access.ts';
import { decidingCommand } from './adapt.ts';

/** The command `rollout` with its four. */
export function rolloutCommand(): Command {
  return teachCommand({
    name: 'rollout',
    description:
      'Changes under guard: a metric is watched for some windows, what is for the worse is taken back, what is not stays. They are begun by rules with a guard and by mabeam changeset apply --guard.',
    examples: ['mabeam rollout list', 'mabeam rollout status 9c51e8'],
  })
    .addCommand(listCommand())
    .addCommand(statusCommand())
    .addCommand(promoteCommand())
    .addCommand(undoCommand());
}

function listCommand(): Command {
  const command = teachCommand({
    name: 'list',
    description: 'List the changes that are judged, or were, the newest first.',
    examples: ['mabeam rollout list', 'mabeam rollout list --open -o json'],
  }).option('--open', 'only those that are judged now');
  return withSpace(command).action(async (flags: SpaceFlags & { readonly open?: boolean }) => {
    const output = openOutput(flags.output);
    await withMirror(flags, async ({ state }) => {
      const found = [...state.adaptations.values()]
        .filter(({ record }) => record.rollout !== undefined)
        .filter(({ record }) => flags.open !== true || record.outcome === 'evaluating')
        .toSorted((a, b) => b.record.at.localeCompare(a.record.at));
      const documents = found.map((each) =>
        adaptationDocument(each, each.record.rollout?.decision?.evidence),
      );
      output.result(documents, () =>
        found.length === 0
          ? 'no rollouts; begin one with mabeam changeset apply <id>=<value> --guard quality'
          : renderAdaptations(found, Date.now(), output.paint),
      );
    });
  });
}

function statusCommand(): Command {
  const command = teachCommand({
    name: 'status',
    description: 'Show one change under guard: what both arms have scored so far, and what it is judged by.',
    examples: ['mabeam rollout status 9c51e8', "mabeam rollout status 9c51e8 -o json | jq '.evidence'"],
  }).argument('<adaptation>', 'its id, or the beginning of it');
  return withSpace(command).action(async (id: string, flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    await withMirror(flags, async (mirror, { bus, space }) => {
      const stored = chosenAdaptation(mirror, id);
      const evidence = await evidenceSoFar(bus, { mirror, space }, stored);
      output.result(adaptationDocument(stored, evidence), () =>
        renderRollout(stored, evidence, output.paint),
      );
    });
  });
}

function promoteCommand(): Command {
  return decidingCommand('promote', {
    name: 'promote',
    description: 'End an evaluation now: the change stays, and a candidate becomes the value for everybody.',
    examples: ['mabeam rollout promote 9c51e8', 'mabeam rollout promote 9c51e8 --by ada -o json'],
    exits: { 3: 'nothing is judged there, or somebody else has written the variable since' },
  });
}

function undoCommand(): Command {
  return decidingCommand('undo', {
    name: 'undo',
    description:
      'Take a change back, while it is judged or afterwards: the exact former values as new revisions, unless somebody else has written since.',
    examples: ['mabeam rollout undo 9c51e8', 'mabeam rollout undo 9c51e8 --by ada -o json'],
    exits: { 3: 'nothing of it is there, or somebody else has written the variable since' },
  });
}
