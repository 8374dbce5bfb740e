import type { Argument, Command } from 'commander';
import { expect, test } from 'vitest';
import { commandEntries } from './commands.ts';
import { mayBeEmpty } from './flags.ts';
import { exitMeanings } from './help.ts';
import { createProgram } from './program.ts';

/** A command and all below it, with the words that lead to it. */
function family(command: Command, path: readonly string[] = []): readonly (readonly [string, Command])[] {
  const here = [...path, command.name()];
  return [[here.join(' '), command], ...command.commands.flatMap((child) => family(child, here))];
}

const all = family(await createProgram([], () => true));
const leaves = all.filter(([, command]) => command.commands.length === 0);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  return text;
}

test('there are the commands that the README names', () => {
  const names = leaves.map(([path]) => path.replace('mabeam ', ''));
  expect(names).toEqual([
    'dev',
    'run',
    'ps',
    'space list',
    'space get',
    'space status',
    'space apply',
    'space diff',
    'space export',
    'space delete',
    'space schema',
    'variable list',
    'variable get',
    'variable create',
    'variable set',
    'variable watch',
    'variable history',
    'variable rollback',
    'variable delete',
    'topology show',
    'topology set',
    'event publish',
    'event tail',
    'changeset apply',
    'rollout list',
    'rollout status',
    'rollout promote',
    'rollout undo',
    'adapt list',
    'adapt trigger',
    'adapt undo',
    'explain',
    'ask',
    'task send',
    'stop',
    'scale',
    'pool',
    'freeze',
    'unfreeze',
    'negotiate',
    'propose',
    'round list',
    'round show',
    'round verify',
    'logs',
    'trace',
    'bench',
    'doctor',
  ]);
});

test.each(all)(
  'the help of "%s" describes it, shows two examples and names every exit code',
  (path, command) => {
    const text = helpOf(command);
    expect(command.description()).not.toBe('');
    const examples = text
      .split('\n')
      .filter((line) => line.startsWith('  $ mabeam ') || line.includes('| mabeam '));
    expect(examples.length).toBeGreaterThanOrEqual(2);
    expect(examples[0]).toContain(path);
    for (const code of Object.keys(exitMeanings)) expect(text).toMatch(new RegExp(`^  ${code}  \\S`, 'm'));
  },
);

test.each(leaves)('"%s" takes -o json and --server, and every option is explained', (_path, command) => {
  const flags = command.options.map(({ long }) => long);
  expect(flags).toEqual(expect.arrayContaining(['--output', '--server']));
  for (const { description } of command.options) expect(description).not.toBe('');
});

test('every command is called what the overview calls it, and has its line there', async () => {
  for (const { load, name, summary } of commandEntries) {
    expect((await load([])).name()).toBe(name);
    expect(helpOf(await createProgram([], () => false))).toContain(summary);
  }
});

test('only the command that is meant is loaded', async () => {
  const program = await createProgram([], ({ name }) => name === 'ps');
  const described = program.commands.filter((command) => command.description() !== '');
  expect(described.map((command) => command.name())).toEqual(['ps']);
});

test('examples can be typed: each begins with words that lead to a command', () => {
  const examples = all.flatMap(([, command]) =>
    helpOf(command)
      .split('\n')
      .flatMap((line) => /^ {2}\$ (?:.*\| )?mabeam (.*)$/.exec(line)?.[1] ?? []),
  );
  const known = all.map(([path]) => path.replace(/^mabeam ?/, ''));
  for (const example of examples) {
    const [first = '', second = ''] = example.split(' ');
    expect(known).toContain(known.includes(`${first} ${second}`) ? `${first} ${second}` : first);
  }
});

/** Runs the command with these words and nothing behind it; resolves with the code of what it throws. */
async function codeOf(path: string, words: readonly string[]): Promise<unknown> {
  const program = await createProgram([], () => true);
  const names = path.split(' ').slice(1);
  const command = names.reduce<Command>(
    (parent, name) => parent.commands.find((child) => child.name() === name) ?? parent,
    program,
  );
  command.action(() => undefined);
  const ended = program.parseAsync([...names, ...words], { from: 'user' });
  return ended.then(
    () => 'ran',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );
}

const refusals = ['invalid-usage', 'commander.invalidArgument'];

test.each(leaves)('"%s" goes on with no empty argument and no empty option', async (path, command) => {
  const { registeredArguments: known } = command;
  const words = soundWords(known);
  expect(await codeOf(path, words)).toBe('ran');
  for (const option of command.options.filter(({ required }) => required))
    expect([option.long, await codeOf(path, [...words, option.long ?? '', ''])]).toEqual([
      option.long,
      expect.toBeOneOf(refusals),
    ]);
  for (const [at, argument] of known.entries()) {
    if (mayBeEmpty.includes(argument.name())) continue;
    const given = known.slice(0, at).map((one) => soundWord(one.name()));
    const rest = soundWords(known.slice(at + 1));
    expect([argument.name(), await codeOf(path, [...given, ' ', ...rest])]).toEqual([
      argument.name(),
      expect.toBeOneOf(refusals),
    ]);
  }
});

function soundWords(known: readonly Argument[]): string[] {
  return known.filter(({ required }) => required).map((one) => soundWord(one.name()));
}

function soundWord(argument: string): string {
  const words: Readonly<Record<string, string>> = { revision: '1', replicas: '1', pattern: 'ring' };
  return words[argument] ?? 'word';
}
