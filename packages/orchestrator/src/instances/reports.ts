/**
 * What instances say of the revision they work with, whether each speaks for itself (heartbeats) or one process for all in it
 * (the applied signal, ruling R6). Pure, but for the memory of the last words.
 */
import type { AppliedReport } from '@mabeam/agents';
import { observedKey, type ObservedInstance } from '@mabeam/cluster';
import type { Report } from '../adaptation/settlement.ts';

/** Of so many processes the last word is kept: of the living ones, however many have died. */
const maxProcesses = 10_000;

/** The last word of each process. */
export class ProcessReports {
  readonly #applied = new Map<string, number>();

  /** Takes a word; true when it is another than the last. */
  take({ process, applied }: AppliedReport): boolean {
    const before = this.#applied.get(process);
    this.#applied.delete(process);
    this.#applied.set(process, applied);
    for (const oldest of this.#applied.keys()) {
      if (this.#applied.size <= maxProcesses) break;
      this.#applied.delete(oldest);
    }
    return before !== applied;
  }

  /**
   * The reports of instances: their own, and for those whose host says that a process speaks for them, that process's. One that is
   * not active yet is left out: what its start has read may be older.
   */
  with(own: ReadonlyMap<string, Report>, observed: readonly ObservedInstance[]): ReadonlyMap<string, Report> {
    const spoken = observed.flatMap((instance) => {
      const { incarnation, process, status } = instance;
      const applied = process === undefined || status !== 'active' ? undefined : this.#applied.get(process);
      return applied === undefined ? [] : [[observedKey(instance), { incarnation, applied }] as const];
    });
    return spoken.length === 0 ? own : new Map([...own, ...spoken]);
  }
}
