/** `mabeam space apply`: the server's space becomes what a file says; with --dry-run, what that would do. */
import type { Command } from 'commander';
import {
  createSpace,
  openSpaceMirror,
  previewSpace,
  type SpaceDefinition,
  type SpacePreview,
} from '@mabeam/orchestrator';
import type { Bus } from '@mabeam/bus';
import { withServer, type ServerFlags } from '../../flags.ts';
import { foreseeWrites } from '../../foresight.ts';
import { teachCommand } from '../../help.ts';
import { openOutput, type Output } from '../../output.ts';
import { foresightDocument, renderForesight } from '../../render/foresight.ts';
import { renderDifferences } from '../../render/space.ts';
import { author, onServer } from '../../session.ts';
import { loadConstraints, readDefinitionFile } from './definition-file.ts';

interface ApplyFlags extends ServerFlags {
  readonly file?: string;
  readonly dryRun?: boolean;
  readonly by?: string;
  readonly predicates?: string;
}

/** The command `space apply`. */
export function applyCommand(): Command {
  const command = teachCommand({
    name: 'apply',
    description:
      'Make a space be as a file says, in one atomic step: what is new is created, what differs is changed, what the file does not name any more is deleted. Variables keep their values; a definition that a value does not fit is refused. The same file again changes nothing.',
    examples: [
      'mabeam space apply -f space.yaml',
      'mabeam space apply -f space.yaml --dry-run',
      'mabeam space export desk | mabeam space apply -f -',
    ],
    exits: { 2: 'wrong usage, or a mistake in the file: its line, column and cure are named' },
  })
    .option('-f, --file <path>', 'the definition, YAML or JSON; - for standard input')
    .option('--dry-run', 'change nothing; say what would change, start, stop and be rewired')
    .option('--by <name>', 'who applies it (default: the user)')
    .option('--predicates <path>', 'a module that exports the predicates the definition names');
  return withServer(command).action(async (flags: ApplyFlags) => {
    const output = openOutput(flags.output);
    const definition = await readDefinitionFile(flags.file);
    const constraints = await loadConstraints(flags.predicates);
    const options = { by: flags.by ?? author(), constraints };
    await onServer(flags, async (bus) => {
      if (flags.dryRun === true)
        return tellDryRun(output, bus, definition, await previewSpace(bus, definition, options));
      tellApplied(output, definition, await createSpace(bus, definition, options));
    });
  });
}

function tellApplied(
  output: Output,
  { space }: SpaceDefinition,
  made: Awaited<ReturnType<typeof createSpace>>,
): void {
  if (made.kind === 'noop')
    return output.result({ kind: 'unchanged', space }, () => `space ${space} is so already; nothing changed`);
  const { differences, kind, revision } = made;
  output.result({ kind, space, revision, differences }, () =>
    [`space ${space} ${kind} at revision ${revision}`, renderDifferences(differences, output.paint)].join(
      '\n',
    ),
  );
}

async function tellDryRun(
  output: Output,
  bus: Bus,
  { space }: SpaceDefinition,
  { differences, exists, writes }: SpacePreview,
): Promise<void> {
  if (writes.length === 0)
    return output.result(
      { kind: 'dry-run', space, would: 'nothing' },
      () => `space ${space} is so already; nothing would change`,
    );
  const would = exists ? 'update' : 'create';
  const said = { kind: 'dry-run', space, would, differences };
  const head = [
    `space ${space} would be ${would}d; nothing was`,
    renderDifferences(differences, output.paint),
  ];
  if (!exists) return output.result(said, () => head.join('\n'));
  await using mirror = await openSpaceMirror(bus, space);
  const foresight = foreseeWrites(mirror, writes);
  output.result({ ...said, ...foresightDocument(foresight) }, () =>
    [...head, renderForesight(foresight, output.paint)].join('\n'),
  );
}
