/**
 * The submitting end of the task benchmark: `task-submitter <ours|by-hand> <url> <space>`. Its one function submits so many tasks,
 * each acknowledged by JetStream, and returns when the first was sent.
 */
import { jetstream } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { connectBus, openTasks, subjects } from '@mabeam/bus';
import { jsonBody } from '../contenders/contender.ts';
import { serveCalls } from '../peer-end.ts';
import { steadyMicros } from '../roll.ts';
import { submitConcurrency, taskGroup } from './task-names.ts';

const [way, url = '', space = ''] = process.argv.slice(2);

type Submit = (id: string) => Promise<unknown>;

async function submitOurs(): Promise<Submit> {
  const tasks = openTasks(await connectBus({ name: 'submitter', url }), space);
  return (id) => tasks.submit(taskGroup, id, jsonBody);
}

async function submitByHand(): Promise<Submit> {
  const client = jetstream(await connect({ servers: url, noAsyncTraces: true }));
  const subject = subjects(space).task(taskGroup);
  return (id) => {
    const accompanying = headers();
    accompanying.set('Mabeam-Task', id);
    return client.publish(subject, JSON.stringify(jsonBody), { msgID: id, headers: accompanying });
  };
}

const submit = await (way === 'ours' ? submitOurs() : submitByHand());
let next = 0;

async function submitAll(count: number): Promise<number> {
  const startedAt = steadyMicros();
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await submit(`${way}-${process.pid}-${next++}`);
  };
  await Promise.all(Array.from({ length: submitConcurrency }, lane));
  return startedAt;
}

// rows/tasks.ts calls it with a number.
serveCalls({ submit: (count) => submitAll(count as number) });
