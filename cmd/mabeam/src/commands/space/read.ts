/** `mabeam space list|get|export|schema`: which spaces there are, how they are defined, and the form of a definition. */
import type { Command } from 'commander';
import { listSpaces } from '@mabeam/bus';
import {
  readSpace,
  spaceDocument,
  spaceSchema,
  spaceYaml,
  type DefinedSpace,
  type ReadSpaceOptions,
} from '@mabeam/orchestrator';
import { withDocument, withServer, type DocumentFlags, type ServerFlags } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { openOutput } from '../../output.ts';
import { renderSpace } from '../../render/space.ts';
import { inSpace, onServer } from '../../session.ts';

/** The command `space list`. */
export function listCommand(): Command {
  const command = teachCommand({
    name: 'list',
    description: 'List the spaces on the server.',
    examples: ['mabeam space list', "mabeam space list -o json | jq -r '.[]'"],
  });
  return withServer(command).action(async (flags: ServerFlags) => {
    const spaces = await onServer(flags, listSpaces);
    openOutput(flags.output).result(spaces, () =>
      spaces.length === 0 ? 'no spaces; create one with mabeam space apply -f space.yaml' : spaces.join('\n'),
    );
  });
}

/** The command `space get`. */
export function getCommand(): Command {
  const command = teachCommand({
    name: 'get',
    description:
      'Show how a space is defined: its agents, variables, policies and rules. With -o yaml or json, the definition itself.',
    examples: ['mabeam space get', 'mabeam space get desk -o yaml'],
  }).argument('[space]', 'id (default: as --space)');
  return withDocument(command, 'table').action(async (space: string | undefined, flags: DocumentFlags) => {
    await tellSpace(space, flags, {});
  });
}

/** The command `space export`. */
export function exportCommand(): Command {
  const command = teachCommand({
    name: 'export',
    description:
      'Print the definition of a space so that applying it to an empty server gives the same space. With --values the variables begin there with the values they have now.',
    examples: [
      'mabeam space export desk > space.yaml',
      'mabeam space export desk --values -o json',
      'mabeam space export desk | mabeam space apply -f - --server nats://other:4222',
    ],
  })
    .argument('[space]', 'id (default: as --space)')
    .option('--values', 'the values of now are the initial ones')
    .option('--schema <path>', 'begin with a line that tells editors where the schema is');
  type ExportFlags = DocumentFlags & { readonly values?: boolean; readonly schema?: string };
  return withDocument(command, 'yaml').action(async (space: string | undefined, flags: ExportFlags) => {
    await tellSpace(space, flags, { withValues: flags.values === true }, flags.schema);
  });
}

/** The command `space schema`. */
export function schemaCommand(): Command {
  const command = teachCommand({
    name: 'schema',
    description:
      'Print the JSON Schema (draft 2020-12) of a definition file, for editors and other programs. Name it in a file: # yaml-language-server: $schema=./space.schema.json',
    examples: ['mabeam space schema > space.schema.json', "mabeam space schema | jq '.properties.rules'"],
  });
  return withServer(command).action(async (flags: ServerFlags) => {
    const schema = spaceSchema();
    openOutput(flags.output).result(schema, () => JSON.stringify(schema, null, 2));
  });
}

/** Says a definition in the form that is wanted; what could not be read is told beside it. */
async function tellSpace(
  wanted: string | undefined,
  flags: DocumentFlags,
  options: ReadSpaceOptions,
  schema?: string,
): Promise<void> {
  const { output: format, ...rest } = flags;
  const output = openOutput(format === 'json' ? 'json' : 'table');
  const place = wanted === undefined ? {} : { space: wanted };
  const defined = await inSpace({ ...rest, ...place, output: output.format }, ({ bus, space }) =>
    readSpace(bus, space, options),
  );
  for (const [key, why] of defined.problems) process.stderr.write(`left out: ${key} (${why})\n`);
  output.result(documentOf(defined, format), () =>
    format === 'table' ? renderSpace(defined, output.paint) : spaceYaml(defined.definition, schema),
  );
}

function documentOf({ definition }: DefinedSpace, format: DocumentFlags['output']): unknown {
  return format === 'json' ? spaceDocument(definition) : undefined;
}
