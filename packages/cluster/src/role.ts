/**
 * The frame of a process that plays one role of the platform (node, orchestrator, observer): flags, help, signals, the pipe to
 * whoever supervises it, and the exit status of whatever ends it.
 */
import { MabeamError } from '@mabeam/bus';
import { exitWithParent, type ParentLink } from './exit-with-parent.ts';

/** What a role's work is given. */
export interface RoleLife {
  /** Aborts on SIGTERM, on SIGINT, and when the supervising process is gone. */
  readonly signal: AbortSignal;
  readonly parent: ParentLink;
}

export interface Role<F> {
  /** What `--help` prints. */
  readonly help: string;
  /** Reads the command line; what it throws (`parseArgs` explains itself) is a wrong usage. */
  readonly readFlags: () => F;
  /** Runs until the signal aborts. */
  readonly run: (flags: F, life: RoleLife) => Promise<void>;
  readonly onError: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Plays the role to its end; resolves with the exit status of the process. Throws only what is a defect. */
export async function playRole<F extends { readonly help: boolean }>(role: Role<F>): Promise<number> {
  const stop = new AbortController();
  try {
    const flags = role.readFlags();
    if (flags.help) {
      console.log(role.help);
      return 0;
    }
    const parent = exitWithParent(() => stop.abort());
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
    await role.run(flags, { signal: stop.signal, parent });
    return 0;
  } catch (error) {
    // Told to stop before it had begun.
    if (stop.signal.aborted) return 0;
    if (error instanceof MabeamError) {
      role.onError(error.message, { code: error.code, details: error.details });
      return error.exit;
    }
    if (error instanceof TypeError && 'code' in error) {
      role.onError(`${error.message} (see --help)`, {});
      return 2;
    }
    throw error;
  }
}
