/**
 * A command's connection: opened for one piece of work and closed after it, whatever happens; and the space the work is
 * about. Which space: the flag, else `$MABEAM_SPACE`, else the only one there is.
 */
import { connectBus, listSpaces, parseId, type Bus } from '@mabeam/bus';
import { commandError } from './errors.ts';
import type { ServerFlags, SpaceFlags } from './flags.ts';

/** How long a command looks for its server. */
const connectTimeoutMs = 2_000;

/** A space on a server. */
export interface Place {
  readonly bus: Bus;
  readonly space: string;
}

/** Does work on a connection of its own. Throws `server-unavailable`, and what the work throws. */
export async function onServer<T>(flags: ServerFlags, work: (bus: Bus) => Promise<T>): Promise<T> {
  await using bus = await connectBus({
    name: 'mabeam command line',
    connectTimeoutMs,
    ...(flags.server === undefined ? {} : { url: flags.server }),
  });
  return await work(bus);
}

/** Does work in a space. Throws `space-not-chosen`, `unknown-space`, and what the work throws. */
export function inSpace<T>(flags: SpaceFlags, work: (place: Place) => Promise<T>): Promise<T> {
  return onServer(flags, async (bus) => {
    return work({ bus, space: await chooseSpace(wantedSpace(flags), await listSpaces(bus)) });
  });
}

/** The space that is asked for: by the flag, else by `$MABEAM_SPACE` unless that is empty. */
export function wantedSpace(flags: SpaceFlags, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const usual = env['MABEAM_SPACE'];
  return flags.space ?? (usual === '' ? undefined : usual);
}

/** The space that is meant. Throws `space-not-chosen` when nobody says and there is not exactly one, `unknown-space`. */
export async function chooseSpace(wanted: string | undefined, spaces: readonly string[]): Promise<string> {
  const [only, ...others] = spaces;
  const known = spaces.join(', ');
  if (wanted !== undefined) {
    parseId('space', wanted);
    if (spaces.includes(wanted)) return wanted;
    const { nearestWord } = await import('@mabeam/orchestrator');
    const near = nearestWord(wanted, spaces);
    const cure =
      near !== undefined
        ? `did you mean ${near}?`
        : only === undefined
          ? 'there is none yet; create one with "mabeam dev space.yaml"'
          : `there are: ${known}`;
    throw commandError('unknown-space', `there is no space ${wanted}; ${cure}`, {
      details: { space: wanted, spaces },
    });
  }
  if (only !== undefined && others.length === 0) return only;
  const message =
    only === undefined
      ? 'the server has no space yet; create one with "mabeam dev space.yaml"'
      : `the server has several spaces (${known}); say which with --space or MABEAM_SPACE`;
  throw commandError('space-not-chosen', message, { details: { spaces } });
}

/** Who writes, in records of changes: the user at this terminal. */
export function author(env: NodeJS.ProcessEnv = process.env): string {
  return `cli:${env['USER'] ?? env['USERNAME'] ?? 'operator'}`.slice(0, 128);
}

/** A launcher, or `timeout`, may send a signal twice; that is one wish, not two. */
const doubledWithinMs = 500;

/**
 * A signal that aborts at the first Ctrl-C or SIGTERM: the end of commands that would go on for ever. Another one, half a second
 * later or more, ends the process at once.
 */
export function interruption(onFirst: () => void = () => undefined): AbortSignal {
  const stop = new AbortController();
  let firstAtMs = Infinity;
  const interrupt = (): void => {
    if (performance.now() - firstAtMs > doubledWithinMs) process.exit(1);
    if (stop.signal.aborted) return;
    firstAtMs = performance.now();
    onFirst();
    stop.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  return stop.signal;
}
