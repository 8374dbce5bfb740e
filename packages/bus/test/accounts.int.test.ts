/** Agents in an account of their own (R24): permissions do not cover reply subjects, the border of an account does. */
import { startTestServer } from '@mabeam/testing';
import { expect, it } from 'vitest';
import {
  connectBus,
  ensureStreams,
  openReplica,
  openTasks,
  putKey,
  spaceNames,
  spaceStreams,
  subjects,
} from '@mabeam/bus';

const space = 'desk';
const at = subjects(space);
const { bucket } = spaceNames(space);

/** What agents may reach of the core, and nothing else. */
const config = `
accounts {
  CORE {
    jetstream: enabled
    users: [{user: core, password: x}]
    exports: [
      {service: "$JS.API.>", response_type: stream}, {service: "$JS.ACK.>"}
      {service: "mabeam.>", response_type: stream}, {stream: "mabeam.>"}
    ]
  }
  AGENTS {
    users: [{user: agent, password: x}]
    imports: [
      {service: {account: CORE, subject: "$JS.API.>"}}, {service: {account: CORE, subject: "$JS.ACK.>"}}
      {service: {account: CORE, subject: "mabeam.desk.ask.>"}}
      {service: {account: CORE, subject: "mabeam.desk.event.>"}}
      {stream: {account: CORE, subject: "mabeam.desk.variable.>"}}
    ]
  }
}`;

it('an agent in another account asks, stores, follows a bucket and works on tasks', async () => {
  await using server = await startTestServer({ config: [config] });
  const urlOf = (user: string): string => server.url.replace('://', `://${user}:x@`);
  await using core = await connectBus({ url: urlOf('core'), name: 'core' });
  await using agent = await connectBus({ url: urlOf('agent'), name: 'agent' });
  await ensureStreams(core, spaceStreams(space));
  await using _judge = core.serve(at.askAgent('judge'), ({ body }) => ({ seen: body }));
  await core.flush();
  expect(await agent.request(at.askAgent('judge'), 1)).toEqual({ seen: 1 });
  expect(await agent.requestAll(at.askAgent('judge'), 2, { expect: 1 })).toEqual([{ seen: 2 }]);
  expect(await agent.store(at.event('mail', 'one', 'read'), Buffer.from('1'))).toMatchObject({ sequence: 1 });
  await using replica = await openReplica(agent, { bucket, prefix: at.at('variable') });
  await replica.waitFor(await putKey(core, bucket, 'space.a', 1), 2_000);
  const worker = openTasks(agent, space).work('desk', () => 'done', { agent: 'a', instance: 'a.0' });
  await openTasks(core, space).submit('desk', 'one', null);
  for await (const outcome of openTasks(core, space).outcomes({ signal: AbortSignal.timeout(5_000) })) {
    expect(outcome).toMatchObject({ kind: 'completed', output: 'done', delivery: { count: 1 } });
    break;
  }
  await worker.close();
});
