/** `mabeam variable delete`: a variable and its value go, if nothing refers to it. */
import type { Command } from 'commander';
import { deleteVariable, deletionSite, planDeletion } from '@mabeam/orchestrator';
import { wholeNumber, withSpace, type SpaceFlags } from '../../flags.ts';
import { foreseeWrites } from '../../foresight.ts';
import { teachCommand } from '../../help.ts';
import { openOutput } from '../../output.ts';
import { foresightDocument, renderForesight } from '../../render/foresight.ts';
import { author } from '../../session.ts';
import { withMirror } from '../../variable-access.ts';

interface DeleteFlags extends SpaceFlags {
  readonly ifRevision?: number;
  readonly by?: string;
  readonly dryRun?: boolean;
}

/** The command `variable delete`. */
export function deleteCommand(): Command {
  const command = teachCommand({
    name: 'delete',
    description:
      'Delete a global variable with its value, in one change set. Refused while rules adapt it. Agents that only it selected run always from then on: look with --dry-run. Its id may be used again.',
    examples: [
      'mabeam variable delete threshold --dry-run',
      'mabeam variable delete threshold --if-revision 41',
    ],
    exits: { 3: 'in use, or somebody else wrote first' },
  })
    .argument('<variable>', 'id')
    .option('--if-revision <n>', 'only if the variable is at this revision (0: initial)', wholeNumber(0))
    .option('--by <name>', 'who deletes it (default: the user)')
    .option('--dry-run', 'delete nothing; say what would be started, stopped and rewired');
  return withSpace(command).action(async (id: string, flags: DeleteFlags) => {
    const output = openOutput(flags.output);
    const { dryRun, by = author(), ifRevision } = flags;
    await withMirror(flags, async (mirror, { bus }) => {
      if (dryRun === true) {
        const writes = planDeletion(deletionSite(mirror), mirror.store.get(id));
        const foresight = foreseeWrites(mirror, writes);
        return output.result(
          { kind: 'dry-run', id, ...foresightDocument(foresight) },
          () => `${id} would be deleted; nothing was\n${renderForesight(foresight, output.paint)}`,
        );
      }
      const revision = await deleteVariable(bus, mirror, id, { by, ifRevision });
      output.result({ kind: 'deleted', id, revision }, () => `${id} deleted at revision ${revision}`);
    });
  });
}
