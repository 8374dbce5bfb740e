/** The command line as a whole: its commands, and one way in which all of them end. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { commandEntries, type CommandEntry } from './commands.ts';
import { refuseEmpty, wantsJson } from './flags.ts';
import { teachCommand } from './help.ts';
import { endWithReader } from './output.ts';

/** The program; of its commands only the `wanted` ones are loaded, of the others there is the line in the overview. */
export async function createProgram(
  args: readonly string[],
  wanted: (entry: CommandEntry) => boolean,
): Promise<Command> {
  const program = teachCommand({
    name: 'mabeam',
    description:
      'MABEAM: teams of agents whose variables start, stop, rewire and retune them. All meet on NATS.',
    examples: ['mabeam dev space.yaml', 'mabeam ps', 'mabeam variable set threshold 0.7', 'mabeam doctor'],
  }).version(readVersion(), '--version', 'show the version');
  for (const entry of commandEntries) {
    const command = wanted(entry) ? await entry.load(args) : new Command(entry.name);
    program.addCommand(command.summary(entry.summary));
  }
  return program.hook('preAction', (_program, command) => refuseEmpty(command));
}

/** The whole life of the process: does what the arguments say, ending with its reader and with its launcher. */
export async function runProcess(args: readonly string[]): Promise<number | undefined> {
  endWithReader();
  try {
    const word = args.find((arg) => !arg.startsWith('-'));
    const program = await createProgram(args, ({ name }) => name === word);
    await program.hook('preAction', endWithLauncher).parseAsync(args, { from: 'user' });
    return undefined;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined;
    const { tellFailure } = await import('./failure.ts');
    return tellFailure(error, { json: wantsJson(args) });
  }
}

/** The launcher (bin/mabeam.js) was killed: commands that listen for SIGTERM end in good order, the others at once. */
async function endWithLauncher(): Promise<void> {
  const { exitWithParent } = await import('@mabeam/cluster');
  exitWithParent(() => {
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1);
  });
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
