/** The command line as a whole: its commands, and one way in which all of them end. */
import { readFileSync } from 'node:fs';
import { exitWithParent } from '@mabeam/cluster';
import type { Command } from 'commander';
import { askCommand } from './commands/ask.ts';
import { devCommand } from './commands/dev.ts';
import { doctorCommand } from './commands/doctor.ts';
import { eventCommand } from './commands/event.ts';
import { logsCommand } from './commands/logs.ts';
import { psCommand } from './commands/ps.ts';
import { runCommand } from './commands/run.ts';
import { taskCommand } from './commands/task.ts';
import { traceCommand } from './commands/trace.ts';
import { variableCommand } from './commands/variable.ts';
import { tellFailure } from './failure.ts';
import { wantsJson } from './flags.ts';
import { teachCommand } from './help.ts';
import { endWithReader } from './output.ts';

/** The program with all its commands; `args` only for what follows `--`, which commander does not tell apart. */
export function createProgram(args: readonly string[] = []): Command {
  const dashes = args.indexOf('--');
  const program = teachCommand({
    name: 'mabeam',
    description:
      'MABEAM: teams of agents whose variables start, stop, rewire and retune them. All meet on NATS.',
    examples: ['mabeam dev space.yaml', 'mabeam ps', 'mabeam variable set threshold 0.7', 'mabeam doctor'],
  }).version(readVersion(), '--version', 'show the version');
  for (const command of [
    devCommand(),
    runCommand(dashes < 0 ? undefined : args.slice(dashes + 1)),
    psCommand(),
    variableCommand(),
    eventCommand(),
    askCommand(),
    taskCommand(),
    logsCommand(),
    traceCommand(),
    doctorCommand(),
  ]) {
    program.addCommand(command);
  }
  return program;
}

/** The whole life of the process: does what the arguments say, ending with its reader and with its launcher. */
export function runProcess(args: readonly string[]): Promise<number | undefined> {
  endWithReader();
  // The launcher (bin/mabeam.js) was killed: commands that listen for SIGTERM end in good order, the others at once.
  exitWithParent(() => {
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1);
  });
  return runCommandLine(args);
}

/** Does what the arguments say; returns the exit status of a failure, which has been told, or undefined. */
async function runCommandLine(args: readonly string[]): Promise<number | undefined> {
  try {
    await createProgram(args).parseAsync(args, { from: 'user' });
    return undefined;
  } catch (error) {
    return tellFailure(error, { json: wantsJson(args) });
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
