/** `mabeam variable create`: a variable of a space that runs, from flags or from a file. */
import type { Command } from 'commander';
import { nearestWord, parseVariableDefinitions, type SpaceMirror } from '@mabeam/orchestrator';
import { infeasibility, parseVariableDefinition, type VariableDefinition } from '@mabeam/variables';
import { commandError } from '../../errors.ts';
import { withSpace, type SpaceFlags } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { parseJsonText } from '../../input.ts';
import { openOutput } from '../../output.ts';
import { shownValue } from '../../render/table.ts';
import { author } from '../../session.ts';
import { withMirror } from '../../variable-access.ts';
import { readNamedText } from '../space/definition-file.ts';

interface CreateFlags extends SpaceFlags {
  readonly file?: string;
  readonly kind?: string;
  readonly agents?: string;
  readonly scope?: string;
  readonly initial?: string;
  readonly domain?: string;
  readonly constraints?: string;
  readonly by?: string;
  readonly cause?: string;
}

/** The command `variable create`. */
export function createCommand(): Command {
  const command = teachCommand({
    name: 'create',
    description:
      'Create a variable in a space that runs, with its first value. One that is there already in the same form is nothing; in another form it is refused. To keep it when the file of the space is applied again, write it there too.',
    examples: [
      'mabeam variable create budget --kind custom --initial 10 --domain \'{"min":0,"max":100}\'',
      'mabeam variable create night-shift --kind agent-selection --agents words,links --initial words',
      'mabeam variable create -f variable.yaml',
    ],
    exits: { 3: 'there is another variable of that name' },
  })
    .argument('[variable]', 'id; with -f the file says')
    .option('-f, --file <path>', 'definitions, YAML or JSON, with their ids; - for standard input')
    .option('--kind <kind>', 'what its value means, for instance agent-selection or custom')
    .option('--agents <ids>', 'whom it concerns, with commas between them')
    .option('--scope <scope>', 'who sees it: global or cluster (default: global)')
    .option('--initial <value>', 'its first value: JSON, text, or agents with commas between them')
    .option('--domain <json>', 'which values it may have: {min, max, step, enum, pattern, patterns}')
    .option('--constraints <json>', 'its constraints: {minActive, maxConcurrent, exclusive, …}')
    .option('--by <name>', 'who creates it (default: the user)')
    .option('--cause <text>', 'why');
  return withSpace(command).action(async (id: string | undefined, flags: CreateFlags) => {
    const output = openOutput(flags.output);
    const definitions = await definitionsMeant(id, flags);
    await withMirror(flags, async (mirror) => {
      for (const definition of definitions) assertMakesSense(mirror, definition);
      for (const definition of definitions) {
        const { by = author(), cause } = flags;
        const { kind, revision } = await mirror.store.create(definition, { by, cause });
        const { initial } = definition;
        output.result(
          { kind: kind === 'written' ? 'created' : 'unchanged', id: definition.id, revision, initial },
          () =>
            kind === 'written'
              ? `${definition.id} created with ${shownValue(initial)} at revision ${revision}`
              : `${definition.id} is there already; nothing changed`,
        );
      }
    });
  });
}

/** The definitions of the file, or the one of the flags. Throws `invalid-usage`, and what is wrong with them. */
async function definitionsMeant(
  id: string | undefined,
  flags: CreateFlags,
): Promise<readonly VariableDefinition[]> {
  if (flags.file === undefined) return [definitionOf(id, flags)];
  const { kind, agents, scope, initial, domain, constraints } = flags;
  const others = Object.entries({ '<variable>': id, kind, agents, scope, initial, domain, constraints });
  const [doubled] = others.filter(([, value]) => value !== undefined);
  if (doubled !== undefined)
    throw commandError('invalid-usage', `with -f the file says it all; leave ${doubled[0]} out`);
  const { path, text } = await readNamedText(flags.file);
  return parseVariableDefinitions(text, { path });
}

function definitionOf(id: string | undefined, flags: CreateFlags): VariableDefinition {
  const { agents, constraints, domain, initial, kind, scope } = flags;
  if (id === undefined || kind === undefined)
    throw commandError('invalid-usage', 'say which variable and of which --kind, or name a file with -f');
  return parseVariableDefinition({
    id,
    kind,
    ...(scope === undefined ? {} : { scope }),
    ...(agents === undefined ? {} : { agents: listOf(agents) }),
    ...(domain === undefined ? {} : { domain: parseJsonText('--domain', domain) }),
    ...(constraints === undefined ? {} : { constraints: parseJsonText('--constraints', constraints) }),
    ...(initial === undefined ? {} : { initial: valueOf(kind, initial) }),
  });
}

/** JSON where it is JSON; for a selection a list with commas; else the text. */
function valueOf(kind: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return kind.replaceAll('_', '-') === 'agent-selection' ? listOf(text) : text;
  }
}

function listOf(text: string): readonly string[] {
  const words = text.split(',').map((word) => word.trim());
  return words.filter((word) => word !== '');
}

/** Its agents are there, and some selection of them meets its constraints. Throws `no-such-agent`, `invalid-usage`. */
function assertMakesSense(mirror: SpaceMirror, definition: VariableDefinition): void {
  const specs = [...mirror.state.agents.values()].map(({ spec }) => spec);
  const names = specs.map(({ id }) => id);
  const stranger = definition.agents.find((agent) => !names.includes(agent));
  if (stranger !== undefined) {
    const near = nearestWord(stranger, names);
    const cure = near === undefined ? `there are: ${names.join(', ')}` : `did you mean ${near}?`;
    const message = `${definition.id}: there is no agent ${stranger}; ${cure}`;
    throw commandError('no-such-agent', message, { details: { variable: definition.id, agent: stranger } });
  }
  const problem = infeasibility(definition, (agent) => specs.find(({ id }) => id === agent)?.role);
  if (problem === undefined) return;
  const message = `${definition.id}: ${problem.field}: ${problem.message}`;
  throw commandError('invalid-usage', message, {
    details: { variable: definition.id, field: problem.field },
  });
}
