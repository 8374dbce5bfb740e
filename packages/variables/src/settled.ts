/**
 * Settled (ruling R6): has a revision arrived in every process that works with this space? Both ends of the question
 * `command.space.<space>.settled`, which every process answers.
 *
 * Q1  The electorate are the instances active when the question is put, and those that were active at the commit and have ended
 *     since. An instance that starts later reads the bucket as it is then, and so has the revision.
 * Q2  A process answers as soon as it has the revision; just before the asker's deadline it says how far it is.
 * Q3  An instance that ends while the answers are awaited is not waited for; it is named under `gone`.
 */
import { busErrors, errorsOf, MabeamError, subjects } from '@mabeam/bus';
import type { Bus, Replica, Service } from '@mabeam/bus';
import * as z from 'zod';
import { isSame, openElectorate, type Electorate } from './electorate.ts';
import type { SettledInstance, SettledProcess } from './electorate.ts';
import type { VariableStore } from './store.ts';

/** A process without the revision. One that never answered is named after its node and pid, and has no `applied`. */
export interface SettledLaggard {
  readonly process: string;
  readonly instances: readonly SettledInstance[];
  readonly applied?: number | undefined;
}

/** How it ended. */
export type Settlement =
  | {
      readonly kind: 'settled';
      readonly revision: number;
      readonly processes: readonly SettledProcess[];
      readonly gone: readonly SettledInstance[];
    }
  | {
      readonly kind: 'unsettled';
      readonly revision: number;
      readonly laggards: readonly SettledLaggard[];
      readonly gone: readonly SettledInstance[];
    };

/** Options of {@link settled}. */
export interface SettledOptions {
  /** How long to wait for laggards. Default 5 000. */
  readonly timeoutMs?: number | undefined;
  /** Only the instances of these agents; all when absent. */
  readonly agents?: readonly string[] | undefined;
  /** An open copy of the space's observed bucket, to save reading it for this question; it stays open. */
  readonly observed?: Replica | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Who answers. */
export interface AnswerSettledOptions {
  /** Name of the process, unique in the space. */
  readonly process: string;
  /** The instances that live in it now. */
  readonly instances: () => readonly SettledInstance[];
}

/** One question lasts at most so long; who is missing then is looked up before the next. */
const roundMs = 500;
const pauseMs = 25;
/** An answer is sent so long before the asker stops listening, or at a fifth of the time if that is less. */
const marginMs = 50;

const answerSchema = z.object({
  process: z.string(),
  applied: z.number(),
  instances: z.array(z.object({ agent: z.string(), ordinal: z.int(), incarnation: z.string() })),
});

const questionSchema = z.object({ revision: z.int().min(0) });

/**
 * Asks all processes of a space whether they have a revision, and resolves when all have, or at the deadline with those that
 * have not. Throws stream-missing (no such space), disconnected, cancelled.
 */
export async function settled(
  bus: Bus,
  space: string,
  revision: number,
  options: SettledOptions = {},
): Promise<Settlement> {
  const { timeoutMs = 5_000, agents, observed, signal } = options;
  const deadline = performance.now() + timeoutMs;
  await using electorate = await openElectorate(bus, space, { revision, agents, observed });
  const answers = new Map<string, SettledProcess>();
  for (;;) {
    const leftMs = deadline - performance.now();
    const expect = electorate.expectedAnswers(answers);
    if (leftMs > 0 && expect > 0) {
      const timeout = Math.max(1, Math.min(roundMs, leftMs));
      for (const answer of await askAll(bus, space, revision, { timeoutMs: timeout, expect, signal }))
        answers.set(answer.process, answer);
    }
    const missing = electorate.missing([...answers.values()], revision);
    if (missing.length === 0)
      return { kind: 'settled', revision, processes: [...answers.values()], gone: electorate.gone() };
    await electorate.lookForTheDead([...answers.values()]);
    if (performance.now() >= deadline) return unsettled(electorate, answers, revision);
    await electorate.changed(Math.max(1, Math.min(pauseMs, deadline - performance.now())));
  }
}

/**
 * Answers the question for this process until the service is closed: at once when the store has the revision, or when it comes
 * to have it before the asker's deadline. Disposing of the service keeps the store open.
 */
export function answerSettled(bus: Bus, store: VariableStore, options: AnswerSettledOptions): Service {
  const { process, instances } = options;
  return bus.serve(subjects(store.space).command('space', store.space, 'settled'), async (request) => {
    const question = questionSchema.safeParse(request.body);
    if (!question.success) throw malformedQuestion(question.error.issues[0]?.message);
    const remainingMs = request.remainingMs ?? roundMs;
    const timeoutMs = Math.max(1, remainingMs - Math.min(marginMs, remainingMs / 5));
    try {
      await store.waitForRevision(question.data.revision, { timeoutMs, signal: request.signal });
    } catch (error) {
      if (!(error instanceof MabeamError) || error.code !== 'not-applied') throw error;
    }
    return { process, applied: store.applied, instances: instances() } satisfies SettledProcess;
  });
}

async function askAll(
  bus: Bus,
  space: string,
  revision: number,
  options: {
    readonly timeoutMs: number;
    readonly expect: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<SettledProcess[]> {
  const { signal, ...rest } = options;
  const subject = subjects(space).command('space', space, 'settled');
  const asked = signal === undefined ? rest : { ...rest, signal };
  const bodies = await bus.requestAll(subject, { revision }, asked);
  return bodies.flatMap((body) => answerSchema.safeParse(body).data ?? []);
}

function unsettled(
  electorate: Electorate,
  answers: ReadonlyMap<string, SettledProcess>,
  revision: number,
): Settlement {
  const missing = electorate.missing([...answers.values()], revision);
  const gone = electorate.gone();
  if (missing.length === 0) return { kind: 'settled', revision, processes: [...answers.values()], gone };
  const laggards = new Map<string, SettledLaggard>();
  for (const { instance, home } of missing) {
    const answer = [...answers.values()].find(({ instances }) =>
      instances.some((one) => isSame(one, instance)),
    );
    const process = answer?.process ?? home;
    const known = laggards.get(process)?.instances ?? [];
    laggards.set(process, { process, instances: [...known, instance], applied: answer?.applied });
  }
  return { kind: 'unsettled', revision, laggards: [...laggards.values()], gone };
}

const busError = errorsOf(busErrors);

function malformedQuestion(why = 'malformed'): MabeamError {
  return busError('malformed-message', `the question takes {revision}: ${why}; give a revision of the space`);
}
