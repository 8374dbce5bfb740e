/**
 * The working end of the task benchmark: `task-worker <ours|by-hand|by-hand-stored> <url> <space>`. It takes tasks all the time; its
 * one function returns when a number of them, counted from the call before, are worked on and acknowledged.
 */
import {
  AckPolicy,
  jetstream,
  jetstreamManager,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { connectBus, openTasks, spaceNames, subjects } from '@mabeam/bus';
import { serveCalls } from '../peer-end.ts';
import { steadyMicros } from '../roll.ts';
import { taskConcurrency, taskGroup } from './task-names.ts';

const [way, url = '', space = ''] = process.argv.slice(2);
const stream = spaceNames(space).tasks;
const observer = await connect({ servers: url, noAsyncTraces: true });
const manager = await jetstreamManager(observer, { checkAPI: false });

/** Counts what has been worked on, and wakes who waits for a number of it. */
class Tally {
  #count = 0;
  #wanted = Number.POSITIVE_INFINITY;
  #reached: (() => void) | undefined;

  add(): void {
    this.#count += 1;
    if (this.#count >= this.#wanted) this.#reached?.();
  }

  /** Resolves when `more` were added since the last call. */
  next(more: number): Promise<void> {
    this.#wanted = (Number.isFinite(this.#wanted) ? this.#wanted : 0) + more;
    return new Promise((resolve) => {
      this.#reached = resolve;
      if (this.#count >= this.#wanted) resolve();
    });
  }
}

const tally = new Tally();

/** `openTasks().work`: each result is stored, once, before its task is acknowledged. */
async function workOurs(): Promise<void> {
  const bus = await connectBus({ name: 'worker', url });
  const answer = ({ input }: { readonly input: unknown }): unknown => {
    tally.add();
    return input;
  };
  const options = { agent: 'worker', instance: 'worker.0.1', concurrency: taskConcurrency };
  openTasks(bus, space).work(taskGroup, answer, options);
}

/**
 * A pull consumer by hand, with the client's own prefetch: decode and acknowledge. With `isStored` the result is stored
 * first, as one would do it without us.
 */
async function workByHand(isStored: boolean): Promise<void> {
  const connection = await connect({ servers: url, noAsyncTraces: true });
  const filter = subjects(space).task(taskGroup);
  await manager.consumers.add(stream, {
    durable_name: taskGroup,
    ack_policy: AckPolicy.Explicit,
    filter_subject: filter,
    max_ack_pending: 10_000,
  });
  const client = jetstream(connection);
  const finish = async (message: JsMsg): Promise<void> => {
    const result = JSON.stringify({ task: message.headers?.get('Mabeam-Task'), output: message.json() });
    const subject = subjects(space).outcome(`s${message.seq}`, 'worker', 'completed');
    if (isStored) await client.publish(subject, result);
    message.ack();
    tally.add();
  };
  const consumer = await client.consumers.get(stream, taskGroup);
  void runLanes(await consumer.consume(), finish);
}

/** At most `taskConcurrency` at once. */
async function runLanes(
  messages: AsyncIterable<JsMsg>,
  finish: (message: JsMsg) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const message of messages) {
    const work = finish(message).finally(() => void running.delete(work));
    running.add(work);
    if (running.size >= taskConcurrency) await Promise.race(running);
  }
}

/** Asks again at once: an answer takes a third of a millisecond, and nothing else is left to do. */
async function untilAcknowledged({ consumers }: JetStreamManager): Promise<void> {
  for (;;) {
    const { num_pending: waiting, num_ack_pending: unsettled } = await consumers.info(stream, taskGroup);
    if (waiting + unsettled === 0) return;
  }
}

await (way === 'ours' ? workOurs() : workByHand(way === 'by-hand-stored'));

serveCalls({
  // rows/tasks.ts calls it with a number. The answer is an instant in µs on the machine's steady clock.
  work: async (count) => {
    await tally.next(count as number);
    await untilAcknowledged(manager);
    return steadyMicros();
  },
});
