/** `mabeam explain`: the whole story of a revision, a variable, an adaptation, a directive or an instance. */
import type { Command } from 'commander';
import { tellStory } from '@mabeam/orchestrator';
import { withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderStory, storyDocument } from '../render/explain.ts';
import { withMirror } from '../variable-access.ts';

/** The command `explain`. */
export function explainCommand(): Command {
  const command = teachCommand({
    name: 'explain',
    description:
      'Tell the whole story: who changed what, when and why (cause, trigger, rule, evidence), what it led to (graph, instances started and stopped), who works with it, its trace, and what became of it. Of directives: for which revision, and who answered what. Of instances: why they run or do not, and what happened to them.',
    examples: [
      'mabeam explain 41',
      'mabeam explain specialists',
      'mabeam explain 5f2a9c',
      'mabeam explain words.0 -o json',
    ],
    exits: { 2: 'wrong usage, nothing known under that id, or a revision that is lost' },
  }).argument(
    '<id>',
    'a revision; a variable; an adaptation, by its hash or the beginning of it; a directive, by its id; an agent, <agent>.<ordinal>, or an incarnation',
  );
  return withSpace(command).action(async (id: string, flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    const story = await withMirror(flags, (mirror, { bus, space }) => tellStory({ bus, space, mirror }, id));
    output.result(storyDocument(story), () => renderStory(story, output.paint));
  });
}
