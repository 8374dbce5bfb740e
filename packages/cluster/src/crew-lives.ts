/**
 * Lives in a crew of this process: each is a run like that of a process, with its end told exactly once (L1). One that has to
 * end and does not is left behind: it hears nothing any more, but what it is doing cannot be cut off (L2).
 */
import type { AgentCrew, CrewMember } from '@mabeam/agents';
import type { Run, RunListeners } from './run.ts';
import type { Exit } from './supervision.ts';

/** Begins lives in a crew and hears of their ends. */
export class CrewLives {
  readonly #over = new Map<string, (exit: Omit<Exit, 'asked'>) => void>();

  /** Begins a life in the crew; what becomes of it is told. */
  begin(
    crew: AgentCrew,
    member: CrewMember,
    { onSpawn, onMessage, onEnd }: Omit<RunListeners, 'onLine'>,
  ): Run {
    const { id, ordinal = 0 } = member;
    const name = `${id}.${ordinal}`;
    let isOver = false;
    const over = (exit: Omit<Exit, 'asked'>): void => {
      if (isOver) return;
      isOver = true;
      if (this.#over.get(name) === over) this.#over.delete(name);
      onEnd(exit);
    };
    this.#over.set(name, over);
    queueMicrotask(onSpawn);
    void crew.add(member).then(
      () => {
        if (isOver) return;
        onMessage({ kind: 'ready', process: crew.process, publicKey: crew.publicKeyOf(id, { ordinal }) });
      },
      (error: unknown) => over(failed(error)),
    );
    const end = async (drainMs: number): Promise<void> => {
      await crew.remove(id, { ordinal, drainMs });
      over(ended);
    };
    return {
      pid: process.pid,
      kill: (signal, drainMs = 0) => void end(signal === 'SIGKILL' ? 0 : drainMs),
      send: () => undefined,
    };
  }

  /** What a crew tells of a member that has ended (`CrewOptions.onEnded`). */
  readonly onEnded = (name: string, error?: unknown): void => {
    this.#over.get(name)?.(error === undefined ? ended : failed(error));
  };
}

const ended = { code: 0, signal: null } as const;

function failed(error: unknown): Omit<Exit, 'asked'> {
  return { code: 1, signal: null, failure: error instanceof Error ? error.message : String(error) };
}
