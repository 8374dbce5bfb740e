/**
 * The applied signal: which revision the agents of a process see, said each second and at once when it changes (R6). One for
 * each process, however many agents are in it, and one for all revisions that arrive together. It may be lost; the next one
 * follows.
 */
import { MabeamError } from '@mabeam/bus';
import { z } from 'zod';
import type { Premises } from './premises.ts';

/** What a process says of the revisions its agents see. */
export interface AppliedReport {
  readonly process: string;
  /** Revision of the space's bucket that the next call of every instance but the laggards sees. */
  readonly applied: number;
  /** Instances (`<agent>.<ordinal>`) that are still starting: what their `start` has read may be older. */
  readonly laggards: readonly string[];
  /** How many instances of the process are active. */
  readonly instances: number;
}

const appliedSchema: z.ZodType<AppliedReport> = z.object({
  process: z.string(),
  applied: z.number(),
  laggards: z.array(z.string()),
  instances: z.number(),
});

/** How often a process says what it has applied. */
export const appliedEveryMs = 1_000;

/** Reads the signal; undefined when it is none: a stranger's message on the subject is nothing. */
export function parseApplied(body: unknown): AppliedReport | undefined {
  return appliedSchema.safeParse(body).data;
}

/** Says it until disposed. */
export function startAppliedSignal(
  { bus, at, store, process }: Premises,
  census: () => Pick<AppliedReport, 'laggards' | 'instances'>,
): Disposable {
  const subject = at.signal('applied', process);
  const say = (): void => {
    try {
      bus.publish(subject, { process, applied: store.applied, ...census() } satisfies AppliedReport);
    } catch (error) {
      if (!(error instanceof MabeamError)) throw error;
      // Not connected: the next one after the reconnect says it all.
    }
  };
  let soon: NodeJS.Immediate | undefined;
  const sayOnce = (): void => {
    soon = undefined;
    say();
  };
  const timer = setInterval(say, appliedEveryMs);
  const changes = store.replica.onChange(() => {
    soon ??= setImmediate(sayOnce);
  });
  const reconnects = bus.onReconnect(say);
  say();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      clearImmediate(soon);
      changes[Symbol.dispose]();
      reconnects[Symbol.dispose]();
    },
  };
}
