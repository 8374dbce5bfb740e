/** `mabeam space diff`: what applying a file would change, part by part. */
import type { Command } from 'commander';
import { compareSpace } from '@mabeam/orchestrator';
import { withServer, type ServerFlags } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { openOutput } from '../../output.ts';
import { renderDifferences } from '../../render/space.ts';
import { onServer } from '../../session.ts';
import { readDefinitionFile } from './definition-file.ts';

/** The command `space diff`. */
export function diffCommand(): Command {
  const command = teachCommand({
    name: 'diff',
    description:
      'Compare a file with the space on the server: which agents, variables, policies and rules applying it would add (+), change (~) and remove (-), field by field. Values are no part of it: they are what variables are for.',
    examples: [
      'mabeam space diff -f space.yaml',
      'mabeam space diff -f space.yaml -o json | jq .differences',
    ],
    exits: { 0: 'no difference', 1: 'they differ' },
  }).option('-f, --file <path>', 'the definition, YAML or JSON; - for standard input');
  return withServer(command).action(async (flags: ServerFlags & { readonly file?: string }) => {
    const output = openOutput(flags.output);
    const definition = await readDefinitionFile(flags.file);
    const differences = await onServer(flags, (bus) => compareSpace(bus, definition));
    const differs = differences.length > 0;
    if (differs || output.format === 'json')
      output.result({ space: definition.space, differs, differences }, () =>
        renderDifferences(differences, output.paint),
      );
    if (differs) process.exitCode = 1;
  });
}
