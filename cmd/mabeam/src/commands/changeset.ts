/** `mabeam changeset apply`: several values as one change, for everybody at once, or on trial and under guard. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { arrivalLimitMs, parseValues } from '@mabeam/orchestrator';
import { askLeader, awaitDecision, exitOf } from '../adaptation-command.ts';
import { commandError } from '../errors.ts';
import { durationMs, wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { readSetting } from '../input.ts';
import { openOutput } from '../output.ts';
import { renderAnswer } from '../render/rollout.ts';
import { oneLine } from '../render/table.ts';
import { author, interruption } from '../session.ts';
import { withMirror } from '../variable-access.ts';
import type { SpaceMirror } from '@mabeam/orchestrator';
import { readNamedText } from './space/definition-file.ts';

/** The command `changeset` with its one. */
export function changesetCommand(): Command {
  return teachCommand({
    name: 'changeset',
    description: 'Several values as one change: all or nothing, and for every agent at once.',
    examples: [
      'mabeam changeset apply threshold=0.7 pace=3',
      'mabeam changeset apply threshold=0.7 --canary 10% --guard quality --window 60s --wait',
    ],
  }).addCommand(applyCommand());
}

interface ApplyFlags extends SpaceFlags {
  readonly file?: string;
  readonly canary?: number;
  readonly guard?: string;
  readonly bad: 'above' | 'below';
  readonly window: number;
  readonly windows: number;
  readonly id?: string;
  readonly by?: string;
  readonly wait?: boolean;
  readonly timeout?: number;
}

function applyCommand(): Command {
  const command = teachCommand({
    name: 'apply',
    description:
      'Write several values as one change. With --guard the change is judged by that metric for some windows and taken back when it is for the worse; with --canary only that share of the conversations sees it meanwhile. What gives a team its structure (selections, topologies, allocations) is for everybody at once, and before is compared with after.',
    examples: [
      'mabeam changeset apply threshold=0.7 pace=3',
      'mabeam changeset apply threshold=0.7 --canary 10% --guard quality --window 60s --wait',
      'mabeam changeset apply -f values.yaml --guard latency --bad above',
    ],
    exits: {
      0: 'written; with --wait: it has arrived, or was judged and stays',
      1: 'with --wait: taken back',
      3: 'a guard is judging one of the variables, or with --wait: somebody else wrote it since',
      4: 'with --wait: not decided in time; it goes on by itself',
    },
  })
    .argument('[settings...]', 'id=value; a value that is JSON is read as JSON')
    .option('-f, --file <file>', 'a YAML or JSON object of values by variable; - for standard input')
    .option('--canary <share>', 'share of the conversations that see it, as 10% or 0.1', share)
    .option('--guard <metric>', 'the metric of the scores by which it is judged, e.g. quality')
    .addOption(
      new Option('--bad <side>', 'on which side of its former level the metric is bad')
        .choices(['above', 'below'])
        .default('below'),
    )
    .option('--window <duration>', 'length of one window', durationMs, 60_000)
    .option('--windows <n>', 'how many windows it is judged for', wholeNumber(1), 3)
    .option('--id <id>', 'identity of the change: asked for again, nothing happens')
    .option('--by <name>', 'who changes it (default: the user)')
    .option('--wait', 'wait until it is decided, or has arrived')
    .option('--timeout <duration>', 'with --wait: how long (default: the windows and 40s)', durationMs);
  return withSpace(command).action((settings: readonly string[], flags: ApplyFlags) =>
    applyChanges(settings, flags),
  );
}

async function applyChanges(settings: readonly string[], flags: ApplyFlags): Promise<void> {
  const output = openOutput(flags.output);
  const guard = guardOf(flags);
  const given = flags.file === undefined ? undefined : await readNamedText(flags.file);
  await withMirror(flags, async (mirror, place) => {
    const { variables } = mirror.state.view;
    const read = given === undefined ? [] : parseValues(given.text, given, variables);
    const changes = [...read, ...changesOf(mirror, settings)];
    if (changes.length === 0)
      throw commandError('invalid-usage', 'which values? write id=value, or name a file with -f');
    const { id, by = author() } = flags;
    const wish = {
      changes,
      by,
      ...(guard === undefined ? {} : { guard }),
      ...(id === undefined ? {} : { id }),
    };
    const answer = await askLeader(place, 'adapt', wish);
    if (answer.kind === 'noop' || flags.wait !== true) {
      output.result(answer, () => renderAnswer(answer));
      return;
    }
    const { timeout = arrivalLimitMs + 10_000 + (guard === undefined ? 0 : flags.window * flags.windows) } =
      flags;
    const waiting = { timeoutMs: timeout, signal: interruption() };
    const record = await awaitDecision(mirror, answer.adaptation, waiting);
    const { outcome, reason, rollout } = record;
    const evidence = rollout?.decision?.evidence;
    output.result({ ...answer, outcome, reason, evidence }, () => {
      const why = reason === undefined ? '' : `: ${oneLine(reason)}`;
      return `adaptation ${answer.adaptation} is ${outcome}${why}`;
    });
    process.exitCode = exitOf(record);
  });
}

/** Throws `invalid-usage` for a canary that nobody judges. */
function guardOf({ bad, canary, guard, window, windows }: ApplyFlags): object | undefined {
  if (guard !== undefined)
    return {
      metric: guard,
      direction: bad,
      windowMs: Math.round(window),
      windows,
      ...(canary === undefined ? {} : { share: canary }),
    };
  if (canary === undefined) return undefined;
  throw commandError('invalid-usage', '--canary needs a guard that decides about it; add --guard quality');
}

/** Each wish, read as its variable reads it. Throws `invalid-usage`, `unknown-variable`. */
function changesOf(
  mirror: SpaceMirror,
  settings: readonly string[],
): readonly { readonly variable: string; readonly value: unknown }[] {
  return settings.map((setting) => {
    const at = setting.indexOf('=');
    if (at < 1)
      throw commandError('invalid-usage', `"${setting}" is not id=value, as threshold=0.7; write it so`);
    const variable = setting.slice(0, at);
    const { definition } = mirror.store.get(variable);
    return { variable, value: readSetting(definition, setting.slice(at + 1)) };
  });
}

/** A share such as 10% or 0.1, for commander. */
function share(text: string): number {
  const [, amount, sign] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  const value = Number(amount) / (sign === '%' ? 100 : 1);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('It is not a share such as 10% or 0.1.');
}
