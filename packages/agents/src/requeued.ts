/**
 * Tasks that come again: what one worker has not finished, another takes up. That is told as a kept event, so that the story of a failure
 * says what became of the work: `event.recovery.<agent>.requeued`, by the instance that has the task now.
 */
import { MabeamError, type Events, type Task } from '@mabeam/bus';
import type { Logger } from '@mabeam/telemetry/api';
import type { Instance } from './ways.ts';

/** So many failures of its own are remembered; an older one would be told as another's. */
const mostRemembered = 1_024;

/** What the desk writes to. */
interface Teller {
  readonly instance: Instance;
  readonly premises: { readonly events: Events };
  readonly log: Logger;
}

/** Tells which tasks come again to one member, but for those that have failed under its own hands. */
export class RequeuedTasks {
  readonly #teller: Teller;
  readonly #failedHere = new Set<string>();

  constructor(teller: Teller) {
    this.#teller = teller;
  }

  /** Works on a task; told first if another has had it. Throws what the work throws. */
  async take<T>(task: Task, work: () => Promise<T>): Promise<T> {
    if (task.attempt > 1 && !this.#failedHere.has(task.id)) void this.#tell(task);
    try {
      return await work();
    } catch (error) {
      this.#failedHere.add(task.id);
      for (const id of this.#failedHere) {
        if (this.#failedHere.size <= mostRemembered) break;
        this.#failedHere.delete(id);
      }
      throw error;
    }
  }

  /** The work does not wait for it, and goes on without it. */
  async #tell({ attempt, group, id }: Task): Promise<void> {
    const { instance, log, premises } = this.#teller;
    const { agent, incarnation, ordinal } = instance;
    const reason = `it takes up the task ${id}, attempt ${attempt}`;
    const body = { agent, ordinal, incarnation, task: id, group, attempt, reason };
    try {
      const messageId = `${id}-${attempt}-requeued`;
      await premises.events.publish('recovery', agent, 'requeued', body, { messageId });
    } catch (error) {
      if (!(error instanceof MabeamError)) throw error;
      log.warn({ task: id, code: error.code }, 'that a task comes again could not be told');
    }
  }
}
