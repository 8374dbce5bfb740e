/**
 * Durable tasks: at-least-once work with exactly one accepted outcome.
 *
 * Invariants
 *  T1  A submitted task is delivered until an outcome is accepted for it; redelivery is unlimited on the server.
 *  T2  At most one outcome per task is ever accepted: it is stored expecting that the task has none.
 *  T3  A delivery is acknowledged only after its task has an outcome, its own or another worker's.
 *  T4  The delivery count is looked at before running: past the limit the task is failed with its input, so a poison
 *      message that kills its worker ends as well.
 *  T5  What a worker has and does not work on is on its way to another: it reads ahead only while its tasks are quick, and
 *      gives back what it has read when it has been full for long. So nothing waits, and is delivered again, behind a busy one.
 */
import type { Bus } from './bus.ts';
import { decodeBody, encodeBody, type ContentType } from './codec.ts';
import { consumeStream, fetchStream, type ConsumeOptions, type Delivery } from './consume.ts';
import { busError } from './errors.ts';
import { errorBodyOf, MabeamError } from './error.ts';
import { isToken } from './ids.ts';
import { assertJourney, conversationIn, hopsInHeader, journeyHeaders, type Journey } from './journey.ts';
import { parseOutcome, type TaskOutcome, type TaskResult } from './outcome.ts';
import { readBatch, readStream, type StoredMessage } from './read-stream.ts';
import { attributes } from './semconv.ts';
import { spaceNames } from './space-names.ts';
import { subjects, type Subjects } from './subjects.ts';
import { activeTraceparent, contextFrom, inSpan } from './tracing.ts';
import { wireOf, type Wire } from './wire.ts';

/** One delivery of a task, as its handler sees it. */
export interface Task {
  readonly id: string;
  readonly group: string;
  readonly input: unknown;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Agents the task has passed before this worker. */
  readonly hops: number;
  /** The conversation it belongs to: as its submitter names it, else the task's id; the same for each attempt. */
  readonly conversation: string;
  /** Aborts when the worker closes and its grace has passed: the task will be delivered again. */
  readonly signal: AbortSignal;
}

/** Works on a task; what it returns is the output. An error that is `retryable`, or a stranger's, brings the task again. */
export type TaskHandler = (task: Task) => unknown;

/** Who works, on how much at once, and when a task is given up. */
export interface WorkOptions {
  readonly agent: string;
  readonly instance: string;
  /** Tasks worked on at once. Default 8. */
  readonly concurrency?: number;
  /** A worker that shows no life for this long loses the task to another. Default 5 000. */
  readonly ackWaitMs?: number;
  /**
   * Deliveries before the task is failed for good, when what it needs is not there (errors that are `retryable`). Default 10:
   * with the pauses between them about a minute.
   */
  readonly maxDeliveries?: number;
  /** Deliveries before it is failed for good when its handler throws anything else. Default 3. */
  readonly maxFailures?: number;
}

/** How a task is submitted, and the journey it is part of. */
export interface SubmitOptions extends Journey {
  readonly contentType?: ContentType;
  /** How long to keep trying over lost connections. Default 30 000. */
  readonly timeoutMs?: number;
}

/** From where to read outcomes, and until when. */
export interface OutcomeReadOptions {
  readonly from?: number | 'new';
  readonly signal?: AbortSignal;
  /**
   * Told of a message that is no outcome, or says of itself what its subject does not: it is left out. Default: a process
   * warning.
   */
  readonly onRefused?: (error: MabeamError) => void;
}

/** The tasks of a space: submitting them, working on them, and what became of them. */
export interface Tasks {
  /** Submits a task once per id; resolves with its sequence. Throws `overloaded` when the stream is full. */
  submit(group: string, id: string, input: unknown, options?: SubmitOptions): Promise<number>;
  /** Works on a group's tasks until disposed: then takes no new ones and finishes those it has. */
  work(group: string, handler: TaskHandler, options: WorkOptions): Worker;
  /** Yields accepted outcomes from a sequence on, for ever, until the signal aborts. */
  outcomes(options?: OutcomeReadOptions): AsyncGenerator<TaskOutcome, void>;
  /** The task's outcome, if it has one yet. */
  outcomeOf(task: string): Promise<TaskOutcome | undefined>;
}

/** The tasks of a space on this connection. Throws `invalid-id`. */
export function openTasks(bus: Bus, space: string): Tasks {
  const at = subjects(space);
  const { outcomes } = spaceNames(space);
  return {
    submit: (group, id, input, options) => submit(bus, at, { group, id, input }, options),
    work: (group, handler, options) => new Worker(bus, at, group, handler, options),
    outcomes: async function* ({ onRefused = warn, ...options } = {}) {
      const filter = at.at('event.task.*.*.*');
      for await (const message of readStream(bus, outcomes, { ...options, filter })) {
        const outcome = acceptable(message, onRefused);
        if (outcome !== undefined) yield outcome;
      }
    },
    outcomeOf: (task) => outcomeOf(bus, at, task),
  };
}

const retryDelayMs = 100;
const retryDelayMaxMs = 30_000;
/** A task is quick when it takes less than this share of the acknowledgement wait. */
const quickShare = 0.02;
/** A worker reads ahead when all tasks of so many rounds of its concurrency were quick. */
const quickRounds = 4;

async function submit(
  bus: Bus,
  at: Subjects,
  task: Pick<Task, 'id' | 'group' | 'input'>,
  options: SubmitOptions = {},
): Promise<number> {
  const contentType = options.contentType ?? 'application/json';
  const subject = at.task(task.group);
  at.outcomesOf(task.id);
  assertJourney(options);
  const spanned = {
    [attributes.space]: at.space,
    [attributes.messagingDestination]: subject,
    [attributes.task]: task.id,
  };
  return inSpan({ kind: 'producer', name: `send task.${task.group}`, attributes: spanned }, async () => {
    const own = { 'Content-Type': contentType, 'Mabeam-Task': task.id, traceparent: activeTraceparent() };
    const headers = { ...own, ...journeyHeaders(options) };
    const { timeoutMs } = options;
    const stored = {
      headers,
      messageId: `task.${task.id}`,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    return (await bus.store(subject, encodeBody(task.input, contentType), stored)).sequence;
  });
}

/** A stranger's message must not end the reading of all others. */
function acceptable(
  message: StoredMessage,
  onRefused: NonNullable<OutcomeReadOptions['onRefused']>,
): TaskOutcome | undefined {
  try {
    return parseOutcome(message);
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    onRefused(error);
    return undefined;
  }
}

function warn(error: MabeamError): void {
  process.emitWarning(error.message, { type: 'MabeamWarning', code: error.code });
}

/** Has the task an end? One that cannot be read counts: the server accepts no other. */
async function hasOutcome(bus: Bus, at: Subjects, task: string): Promise<boolean> {
  const stored = await readBatch(wireOf(bus), spaceNames(at.space).outcomes, 1, at.outcomesOf(task));
  return stored.length > 0;
}

async function outcomeOf(bus: Bus, at: Subjects, task: string): Promise<TaskOutcome | undefined> {
  const [stored] = await readBatch(wireOf(bus), spaceNames(at.space).outcomes, 1, at.outcomesOf(task));
  return stored === undefined ? undefined : parseOutcome(stored);
}

/** How long handlers have to obey their signal when the worker closes. */
const obeyMs = 1_000;

/** A running worker of one group; disposing finishes what it has. */
export class Worker implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #at: Subjects;
  readonly #group: string;
  readonly #handler: TaskHandler;
  readonly #options: Required<WorkOptions>;
  readonly #wire: Wire;
  readonly #running = new Set<Delivery>();
  /** Called when one of them has ended. */
  readonly #waiting: (() => void)[] = [];
  /** Takes no new tasks. */
  readonly #closing = new AbortController();
  /** Gives up the tasks it has. */
  readonly #aborting = new AbortController();
  /** Tasks in a row that were quick. */
  #quickCount = 0;
  readonly #done: Promise<void>;

  constructor(bus: Bus, at: Subjects, group: string, handler: TaskHandler, options: WorkOptions) {
    this.#bus = bus;
    this.#wire = wireOf(bus);
    this.#at = at;
    this.#group = group;
    this.#handler = handler;
    this.#options = { concurrency: 8, ackWaitMs: 5_000, maxDeliveries: 10, maxFailures: 3, ...options };
    this.#done = this.#pull().catch((error: unknown) => {
      // Who closes the bus under a worker has ended it; what it had is delivered again.
      if (!(error instanceof MabeamError) || error.code !== 'closed') throw error;
    });
    this.#done.catch(() => undefined);
  }

  /** Resolves when the worker has ended; rejects when it ended by an error. */
  get done(): Promise<void> {
    return this.#done;
  }

  /**
   * Drains: takes no new tasks and finishes those it has within `graceMs` (default 5 000), then their signals abort; what is
   * left is given back. A handler that does not obey its signal is not waited for.
   */
  async close(graceMs = 5_000): Promise<void> {
    this.#closing.abort();
    this.#wake();
    if (!(await this.#isIdle(graceMs))) {
      this.#aborting.abort();
      if (!(await this.#isIdle(obeyMs))) this.#abandon();
    }
    await this.#done;
    this.#wire.outbox.send();
  }

  /** Closes it, with the default grace. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #pull(): Promise<void> {
    const { concurrency, ackWaitMs } = this.#options;
    const source = {
      stream: spaceNames(this.#at.space).tasks,
      durable: this.#group,
      filter: this.#at.task(this.#group),
      maxMessages: concurrency,
      ackWaitMs,
      signal: this.#closing.signal,
    };
    const alive = setInterval(() => this.#showLife(), ackWaitMs / 3);
    try {
      while (!this.#closing.signal.aborted)
        await (this.#isQuick() ? this.#readAhead(source) : this.#takeWhatItCan(source));
    } finally {
      while (this.#running.size > 0 && !this.#wire.closed) await this.#oneHasEnded();
      clearInterval(alive);
    }
  }

  /** For quick tasks: the next ones are here already when one has ended. Returns when it has been full for long (T5). */
  async #readAhead(source: ConsumeOptions): Promise<void> {
    for await (const delivery of consumeStream(this.#bus, source)) {
      this.#begin(delivery);
      if (await this.#hasRoom(this.#options.ackWaitMs / 3)) continue;
      this.#quickCount = 0;
      return;
    }
  }

  /** For tasks of which it is not known that they are quick: takes as many as it can work on at once. */
  async #takeWhatItCan(source: ConsumeOptions): Promise<void> {
    const { concurrency } = this.#options;
    const room = async (): Promise<number> => {
      await this.#hasRoom();
      return this.#isQuick() || this.#closing.signal.aborted ? 0 : concurrency - this.#running.size;
    };
    for await (const delivery of fetchStream(this.#bus, source, room)) this.#begin(delivery);
  }

  #begin(delivery: Delivery): void {
    if (this.#closing.signal.aborted) this.#tell(() => delivery.nak());
    else void this.#workOn(delivery);
  }

  /** So quick, and so many of them in a row, that what is read ahead is not kept waiting. */
  #isQuick(): boolean {
    return this.#quickCount >= quickRounds * this.#options.concurrency;
  }

  /** Resolves true when it can take one more, or closes; false when it has been full for so long, while connected. */
  async #hasRoom(patienceMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    let until = performance.now() + patienceMs;
    while (this.#running.size >= this.#options.concurrency && !this.#closing.signal.aborted) {
      await this.#oneHasEnded(patienceMs);
      if (!this.#wire.connected) until = performance.now() + patienceMs;
      else if (performance.now() >= until) return false;
    }
    return true;
  }

  /** Resolves true when nothing runs any more, false after `withinMs`. */
  async #isIdle(withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (this.#running.size > 0) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) return false;
      await this.#oneHasEnded(leftMs);
    }
    return true;
  }

  /** Resolves when one of those that run has ended, when the worker closes, or after `withinMs`. */
  #oneHasEnded(withinMs = Number.POSITIVE_INFINITY): Promise<void> {
    return new Promise((resolve) => {
      const timer = Number.isFinite(withinMs) ? setTimeout(resolve, withinMs) : undefined;
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Gives back what runs and does not obey its signal. Should it end after all, its outcome is as good as another's. */
  #abandon(): void {
    for (const delivery of this.#running) this.#tell(() => delivery.nak());
    this.#running.clear();
    this.#wake();
  }

  /** What runs is kept alive, whoever waits for it. */
  #showLife(): void {
    if (!this.#wire.connected) return;
    for (const delivery of this.#running) this.#tell(() => delivery.working());
  }

  /** One delivery; whatever goes wrong, it is delivered again. Does not reject. */
  async #workOn(delivery: Delivery): Promise<void> {
    const startedAt = performance.now();
    this.#running.add(delivery);
    try {
      await this.#settle(delivery);
      this.#wire.outbox.add(() => this.#tell(() => delivery.ack()));
    } catch (error) {
      const pauseMs = Math.min(retryDelayMs * 2 ** (delivery.count - 1), retryDelayMaxMs);
      const isClosed = error instanceof MabeamError && error.code === 'closed';
      if (!isClosed) this.#tell(() => delivery.nak(pauseMs));
    } finally {
      this.#running.delete(delivery);
      const isQuick = performance.now() - startedAt < this.#options.ackWaitMs * quickShare;
      this.#quickCount = isQuick ? this.#quickCount + 1 : 0;
      this.#wake();
    }
  }

  /** Tells the server what becomes of a delivery; on a connection that has closed nobody is told, and it is delivered again. */
  #tell(say: () => void): void {
    try {
      say();
    } catch (error) {
      if (!this.#wire.closed) this.#wire.reportUntaken(this.#at.task(this.#group), error);
    }
  }

  /** Returns when the task has an outcome (T3); throws when it should be tried again. */
  async #settle(delivery: Delivery): Promise<void> {
    const named = delivery.headers.get('mabeam-task') ?? '';
    // A name that cannot stand in the outcome's subject is none: else the task could never end.
    const task = isToken(named) ? named : `s${delivery.sequence}`;
    if (delivery.count > 1 && (await hasOutcome(this.#bus, this.#at, task))) return;
    const parent = contextFrom(delivery.headers.get('traceparent'));
    const spanned = {
      [attributes.space]: this.#at.space,
      [attributes.messagingDestination]: delivery.subject,
      [attributes.task]: task,
      [attributes.agent]: this.#options.agent,
      [attributes.messagingDeliveryAttempt]: delivery.count,
    };
    await inSpan(
      { kind: 'consumer', name: `process task.${this.#group}`, attributes: spanned, parent },
      async () => {
        await this.#record(await this.#run(delivery, task));
      },
    );
  }

  async #run(delivery: Delivery, task: string): Promise<TaskResult> {
    const { agent, instance, maxDeliveries, maxFailures } = this.#options;
    const base = { task, agent, instance, delivery: { sequence: delivery.sequence, count: delivery.count } };
    let input: unknown;
    try {
      input = decodeBody(delivery.data, delivery.headers.get('content-type'));
      if (delivery.count > maxDeliveries) throw exhausted(task, delivery.count - 1);
      const { signal } = this.#aborting;
      const output = await this.#handler({
        id: task,
        group: this.#group,
        input,
        attempt: delivery.count,
        hops: hopsInHeader(delivery.headers.get('mabeam-hops')) ?? 0,
        conversation: conversationIn(delivery.headers.get('mabeam-conversation')) ?? task,
        signal,
      });
      return { ...base, kind: 'completed', output: output ?? null };
    } catch (error) {
      if (this.#aborting.signal.aborted) throw error;
      const isMissing = error instanceof MabeamError && error.retryable;
      const isRefused = error instanceof MabeamError && !error.retryable;
      const isFinal =
        isRefused || delivery.count >= (isMissing ? maxDeliveries : Math.min(maxFailures, maxDeliveries));
      if (!isFinal) throw error;
      return {
        ...base,
        kind: 'failed',
        error: errorBodyOf(error),
        ...(input === undefined ? {} : { input }),
      };
    }
  }

  /** T2: stores the outcome unless there is one; another worker's is as good. */
  async #record(result: TaskResult): Promise<void> {
    try {
      const subject = this.#at.outcome(result.task, result.agent, result.kind);
      await this.#bus.store(subject, encodeBody(result, 'application/json'), {
        headers: { 'Content-Type': 'application/json', traceparent: activeTraceparent() },
        expectLastSequence: 0,
        expectSubject: this.#at.outcomesOf(result.task),
      });
    } catch (error) {
      if (!(error instanceof MabeamError) || error.code !== 'conflict') throw error;
    }
  }
}

function exhausted(task: string, deliveries: number): MabeamError {
  const message = `task ${task} was delivered ${deliveries} times without an outcome; its input is kept in this outcome`;
  return busError('deliveries-exhausted', message, { details: { task, deliveries } });
}
