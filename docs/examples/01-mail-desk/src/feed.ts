/**
 * Feeding a desk: submits mail as durable tasks, a bounded number at once, and takes the outcomes.
 *
 * Invariants
 *  F1  Each mail is submitted once under its own id, and ends with exactly one outcome; a second one would be an error.
 *  F2  Nothing waits for ever: without any outcome for `stallMs` the feed fails as `desk-stalled`, naming what is missing.
 */
import { openTasks, type Bus, type TaskOutcome } from '@mabeam/bus';
import { context, trace } from '@opentelemetry/api';
import { mailDeskError } from './errors.ts';
import { readMail, type Label, type MailEntry } from './mail-entry.ts';
import { ruling, type Ruling } from './messages.ts';

/** One judged mail. */
export interface JudgedMail {
  readonly id: string;
  readonly name?: string;
  readonly phase: number;
  readonly truth?: Label;
  readonly latencyMs: number;
  readonly result:
    | { readonly kind: 'ruled'; readonly ruling: Ruling }
    | { readonly kind: 'failed'; readonly code: string; readonly message: string };
  /** The trace of its journey, when that was sampled. */
  readonly traceId?: string;
}

/** A mail in its place in the order of arrival. */
export interface QueuedMail {
  readonly entry: MailEntry;
  readonly phase: number;
}

export interface FeedOptions {
  /** Mails under way at once. */
  readonly inFlight: number;
  readonly stallMs: number;
  readonly onJudged?: (mail: JudgedMail) => void;
}

interface UnderWay extends QueuedMail {
  readonly sentAt: number;
  readonly traceId: string | undefined;
}

/** Feeds a space with mail and resolves with every judged mail, in the order the outcomes came. */
export async function feedDesk(
  bus: Bus,
  space: string,
  queue: readonly QueuedMail[],
  options: FeedOptions,
): Promise<JudgedMail[]> {
  const underWay = new Map<string, UnderWay>();
  const judged: JudgedMail[] = [];
  const slots = new Slots(options.inFlight);
  const stop = new AbortController();
  const take = (outcome: TaskOutcome): void => {
    const mail = underWay.get(outcome.task);
    if (mail === undefined) throw twice(outcome.task);
    underWay.delete(outcome.task);
    const done = judgedMail(mail, outcome);
    judged.push(done);
    options.onJudged?.(done);
    slots.free();
  };
  const submitting = submitAll(bus, space, queue, { underWay, slots, signal: stop.signal });
  // A failed submission ends the feed through the race below; this only keeps it from being reported twice.
  submitting.catch(() => undefined);
  try {
    const counting = takeOutcomes(bus, space, queue.length, {
      take,
      signal: stop.signal,
      stallMs: options.stallMs,
      underWay,
    });
    await Promise.all([counting, submitting]);
    return judged;
  } finally {
    stop.abort();
  }
}

interface Submission {
  readonly underWay: Map<string, UnderWay>;
  readonly slots: Slots;
  readonly signal: AbortSignal;
}

async function submitAll(
  bus: Bus,
  space: string,
  queue: readonly QueuedMail[],
  { underWay, slots, signal }: Submission,
): Promise<void> {
  const tasks = openTasks(bus, space);
  const sending = new Set<Promise<unknown>>();
  for (const queued of queue) {
    await slots.take();
    if (signal.aborted) return;
    const { raw, id } = await readMail(queued.entry);
    const span = trace.getTracer('mail-desk').startSpan('mail arrives', {
      attributes: { 'mabeam.space': space, 'mabeam.task.id': id },
    });
    const traceId = span.isRecording() ? span.spanContext().traceId : undefined;
    underWay.set(id, { ...queued, sentAt: performance.now(), traceId });
    const sent = context
      .with(trace.setSpan(context.active(), span), () =>
        tasks.submit('desk', id, { raw }, { contentType: 'application/msgpack' }),
      )
      .finally(() => {
        span.end();
        sending.delete(sent);
      });
    sending.add(sent);
    sent.catch(() => undefined);
  }
  await Promise.all(sending);
}

interface Counting {
  readonly take: (outcome: TaskOutcome) => void;
  readonly signal: AbortSignal;
  readonly stallMs: number;
  readonly underWay: ReadonlyMap<string, UnderWay>;
}

async function takeOutcomes(
  bus: Bus,
  space: string,
  total: number,
  { take, signal, stallMs, underWay }: Counting,
): Promise<void> {
  const watchdog = new AbortController();
  let timer = setTimeout(() => watchdog.abort(), stallMs);
  let count = 0;
  if (total === 0) return clearTimeout(timer);
  try {
    for await (const outcome of openTasks(bus, space).outcomes({
      signal: AbortSignal.any([signal, watchdog.signal]),
    })) {
      clearTimeout(timer);
      timer = setTimeout(() => watchdog.abort(), stallMs);
      take(outcome);
      if (++count === total) return;
    }
  } finally {
    clearTimeout(timer);
  }
  if (watchdog.signal.aborted) throw stalled(space, stallMs, [...underWay.keys()]);
}

function judgedMail({ entry, phase, sentAt, traceId }: UnderWay, outcome: TaskOutcome): JudgedMail {
  const result: JudgedMail['result'] =
    outcome.kind === 'completed'
      ? { kind: 'ruled', ruling: ruling.parse(outcome.output) }
      : { kind: 'failed', code: outcome.error.code, message: outcome.error.message };
  return {
    id: entry.id,
    ...(entry.name === undefined ? {} : { name: entry.name }),
    phase,
    ...(entry.label === undefined ? {} : { truth: entry.label }),
    latencyMs: performance.now() - sentAt,
    result,
    ...(traceId === undefined ? {} : { traceId }),
  };
}

/** A bounded number of places, taken in turn. */
class Slots {
  #left: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#left = count;
  }

  async take(): Promise<void> {
    if (this.#left > 0) this.#left -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  free(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#left += 1;
    else next();
  }
}

function twice(id: string): Error {
  return mailDeskError(
    'verdict-repeated',
    `mail ${id} got a second verdict: that must not happen; please report it`,
    { details: { mail: id } },
  );
}

function stalled(space: string, stallMs: number, missing: readonly string[]): Error {
  const message = `${space}: no verdict for ${stallMs} ms, ${missing.length} mails are under way; see "mabeam ps" and "mabeam logs"`;
  return mailDeskError('desk-stalled', message, { details: { space, missing: missing.slice(0, 20) } });
}
