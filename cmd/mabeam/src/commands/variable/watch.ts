/** `mabeam variable watch`: every new revision as it arrives, until Ctrl-C or until a revision is reached. */
import type { Command } from 'commander';
import type { SpaceChange, VariableStore } from '@mabeam/variables';
import { wholeNumber, withSpace, type SpaceFlags } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { openOutput, type Output } from '../../output.ts';
import { newsOf, renderNews } from '../../render/changes.ts';
import { interruption } from '../../session.ts';
import { withStore } from '../../variable-access.ts';

interface WatchFlags extends SpaceFlags {
  readonly until?: number;
}

/** The command `variable watch`. */
export function watchCommand(): Command {
  const command = teachCommand({
    name: 'watch',
    description:
      'Follow the variables: each new revision with its value, author and cause; without ids the graph, freezes and refused values too. Ends on Ctrl-C, or when the space is at the revision of --until.',
    examples: [
      'mabeam variable watch',
      'mabeam variable watch threshold words.smoothing -o json',
      'mabeam variable watch --until 57',
    ],
    exits: { 0: 'ended by Ctrl-C, or the revision is here' },
  })
    .argument('[variable...]', 'ids, or <agent>.<name> for local ones; default: all')
    .option('--until <revision>', 'end when the space is at this revision or a later one', wholeNumber(1));
  return withSpace(command).action(async (ids: readonly string[], flags: WatchFlags) => {
    const output = openOutput(flags.output);
    const signal = interruption();
    await withStore(flags, async (store) => {
      for (const id of ids) store.get(id);
      await watch(store, { ids, output, until: flags.until ?? Infinity, signal });
    });
  });
}

interface Watching {
  readonly ids: readonly string[];
  readonly output: Output;
  readonly until: number;
  readonly signal: AbortSignal;
}

/** Tells each change in the turn in which it is applied, so that no revision is passed over. */
async function watch(store: VariableStore, { ids, output, signal, until }: Watching): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    if (store.applied >= until) resolve();
  };
  const tell = (change: SpaceChange): void => {
    for (const news of newsOf(change, ids)) output.result(news, () => renderNews(news, output.paint));
  };
  using _changes = store.onChange(tell);
  using _revisions = store.replica.onChange(look);
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (signal.aborted) resolve();
  const { applied: revision } = store;
  output.result({ kind: 'watching', revision }, () =>
    output.paint(['dim'], `at revision ${revision}; what changes from now on:`),
  );
  look();
  await promise;
}
