/** What is measured: a question and its answer, an event and its arrival, a task and its outcome; each from end to end. */
import { randomUUID } from 'node:crypto';
import { lastSequence, openEvents, openTasks, spaceNames, subjects } from '@mabeam/bus';
import { commandError } from '../errors.ts';
import type { Ground } from './ground.ts';
import { measure, type Measurement, type MeasureOptions } from './measure.ts';

/** A kind of journey that is measured. */
export interface Journey {
  readonly name: string;
  /** One journey, again and again, until the time is up. Throws what the bus throws. */
  readonly run: (ground: Ground, options: MeasureOptions) => Promise<Measurement>;
}

/** All journeys there are. */
export const journeys: readonly Journey[] = [
  { name: 'question → answer', run: measureQuestions },
  { name: 'event → stored → follower', run: measureEvents },
  { name: 'task → worker → outcome', run: measureTasks },
];

async function measureQuestions({ far, near, space }: Ground, options: MeasureOptions): Promise<Measurement> {
  const subject = subjects(space).askAgent('echo');
  await using _echo = far.serve(subject, ({ body }) => body);
  await far.flush();
  return await measure(() => near.request(subject, { text: 'hello' }), options);
}

async function measureEvents({ far, near, space }: Ground, options: MeasureOptions): Promise<Measurement> {
  const arrivals = new Arrivals();
  const { signal } = arrivals;
  const from = (await lastSequence(far, spaceNames(space).events)) + 1;
  const events = openEvents(near, space);
  const following = (async () => {
    for await (const event of openEvents(far, space).follow({ from, signal })) arrivals.note(event.subject);
  })();
  return arrivals.whileFollowing(following, options, () =>
    measure(async () => {
      const id = randomUUID();
      const arrived = arrivals.of(subjects(space).event('bench', id, 'measured'));
      await events.publish('bench', id, 'measured', { text: 'hello' });
      await arrived;
    }, options),
  );
}

async function measureTasks({ far, near, space }: Ground, options: MeasureOptions): Promise<Measurement> {
  const arrivals = new Arrivals();
  const { signal } = arrivals;
  const from = (await lastSequence(near, spaceNames(space).outcomes)) + 1;
  const tasks = openTasks(near, space);
  const following = (async () => {
    for await (const { task } of tasks.outcomes({ from, signal })) arrivals.note(task);
  })();
  await using _worker = openTasks(far, space).work('bench', ({ input }) => input, {
    agent: 'echo',
    instance: 'echo.0',
    concurrency: 64,
  });
  return await arrivals.whileFollowing(following, options, () =>
    measure(async () => {
      const id = randomUUID();
      const arrived = arrivals.of(id);
      await tasks.submit('bench', id, { text: 'hello' });
      await arrived;
    }, options),
  );
}

/** How long after its time a measurement may wait for its last arrivals. */
const stallMs = 10_000;

/** Who waits for what to arrive. */
class Arrivals {
  readonly #waiting = new Map<string, () => void>();
  readonly #over = new AbortController();

  /** Ends the following. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  note(what: string): void {
    this.#waiting.get(what)?.();
    this.#waiting.delete(what);
  }

  of(what: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(what, resolve));
  }

  /** Does the work while the following goes on; throws what the following throws, and `bench-stalled` when nothing arrives any more. */
  async whileFollowing<T>(
    following: Promise<void>,
    { durationMs }: MeasureOptions,
    work: () => Promise<T>,
  ): Promise<T> {
    const stalled = Promise.withResolvers<never>();
    const message = `what was sent has not arrived ${stallMs} ms after the end; see mabeam doctor`;
    const timer = setTimeout(
      () => stalled.reject(commandError('bench-stalled', message)),
      durationMs + stallMs,
    );
    following.catch((error: unknown) => stalled.reject(error));
    try {
      return await Promise.race([work(), stalled.promise]);
    } finally {
      clearTimeout(timer);
      this.#over.abort();
    }
  }
}
