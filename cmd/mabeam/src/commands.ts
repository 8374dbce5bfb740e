/**
 * The commands there are, with the line that the overview shows; each is loaded when it is meant, for most of them bring half the
 * platform along and the overview should be there at once.
 */
import type { Command } from 'commander';

/** A command before it is loaded. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Makes the command; `args` are all of the command line, for what follows `--`. */
  readonly load: (args: readonly string[]) => Promise<Command>;
}

/** All commands, in the order in which one meets them. */
export const commandEntries: readonly CommandEntry[] = [
  {
    name: 'dev',
    summary: 'run the whole platform here',
    load: async () => (await import('./commands/dev.ts')).devCommand(),
  },
  {
    name: 'run',
    summary: 'host one agent in this terminal: a module, or any command after --',
    load: async (args) => (await import('./commands/run.ts')).runCommand(foreignWords(args)),
  },
  {
    name: 'ps',
    summary: 'the agents of a space as they are now, its nodes and its leader',
    load: async () => (await import('./commands/ps.ts')).psCommand(),
  },
  {
    name: 'space',
    summary: 'apply, compare, show, export and delete spaces; how one stands',
    load: async () => (await import('./commands/space.ts')).spaceCommand(),
  },
  {
    name: 'variable',
    summary: 'read, write, watch and delete variables',
    load: async () => (await import('./commands/variable.ts')).variableCommand(),
  },
  {
    name: 'topology',
    summary: 'who may send to whom: show it, set another pattern',
    load: async () => (await import('./commands/topology.ts')).topologyCommand(),
  },
  {
    name: 'event',
    summary: 'publish events and triggers, and follow them',
    load: async () => (await import('./commands/event.ts')).eventCommand(),
  },
  {
    name: 'changeset',
    summary: 'several values at once, on trial or under guard if you like',
    load: async () => (await import('./commands/changeset.ts')).changesetCommand(),
  },
  {
    name: 'rollout',
    summary: 'changes under guard: how they stand; promote or undo one',
    load: async () => (await import('./commands/rollout.ts')).rolloutCommand(),
  },
  {
    name: 'adapt',
    summary: 'adaptations: list them, cause one, undo one',
    load: async () => (await import('./commands/adapt.ts')).adaptCommand(),
  },
  {
    name: 'explain',
    summary: 'the whole story of a revision, variable, adaptation or instance',
    load: async () => (await import('./commands/explain.ts')).explainCommand(),
  },
  {
    name: 'ask',
    summary: 'ask an agent and print its answer',
    load: async () => (await import('./commands/ask.ts')).askCommand(),
  },
  {
    name: 'task',
    summary: 'submit durable work, and follow it to its outcome',
    load: async () => (await import('./commands/task.ts')).taskCommand(),
  },
  {
    name: 'stop',
    summary: 'drain and stop an agent now',
    load: async () => (await import('./commands/stop.ts')).stopCommand(),
  },
  {
    name: 'scale',
    summary: 'have so many replicas of an agent',
    load: async () => (await import('./commands/scale.ts')).scaleCommand(),
  },
  {
    name: 'pool',
    summary: 'what a space has of memory and cores, and who has it',
    load: async () => (await import('./commands/pool.ts')).poolCommand(),
  },
  {
    name: 'freeze',
    summary: 'stop all automation of a space',
    load: async () => (await import('./commands/freeze.ts')).freezeCommand(),
  },
  {
    name: 'unfreeze',
    summary: 'let the automation of a space go on',
    load: async () => (await import('./commands/freeze.ts')).unfreezeCommand(),
  },
  {
    name: 'negotiate',
    summary: 'let parties agree on the value of a variable',
    load: async () => (await import('./commands/negotiate.ts')).negotiateCommand(),
  },
  {
    name: 'propose',
    summary: 'have parties decide, and keep the proof',
    load: async () => (await import('./commands/propose.ts')).proposeCommand(),
  },
  {
    name: 'round',
    summary: 'what parties agreed on, how, and who was late',
    load: async () => (await import('./commands/round.ts')).roundCommand(),
  },
  {
    name: 'logs',
    summary: 'what the agents wrote',
    load: async () => (await import('./commands/logs.ts')).logsCommand(),
  },
  {
    name: 'trace',
    summary: 'one journey through the processes, as a tree',
    load: async () => (await import('./commands/trace.ts')).traceCommand(),
  },
  {
    name: 'bench',
    summary: 'how fast this server carries questions, events and tasks',
    load: async () => (await import('./commands/bench.ts')).benchCommand(),
  },
  {
    name: 'doctor',
    summary: 'what is wrong, and the cure',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  },
];

/** What follows `--`, which commander does not tell apart from the rest; undefined without one. */
function foreignWords(args: readonly string[]): readonly string[] | undefined {
  const dashes = args.indexOf('--');
  return dashes < 0 ? undefined : args.slice(dashes + 1);
}
