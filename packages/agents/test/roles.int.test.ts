/** What agents may do by their roles, as far as the agent's own end sees to it. */
import { openTasks } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { defineAgent, directAgent, type AgentContext } from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage(inject('natsUrl'));
});
afterEach(() => stage[Symbol.asyncDispose]());

it('tasks are handed to executors of the group, and to no optimizer or monitor in it', async () => {
  const done: string[] = [];
  const roles = ['executor', 'optimizer', 'monitor'] as const;
  for (const role of roles) await stage.define({ id: role, role, group: 'work' });
  await stage.crew(
    roles.map((id) => ({ id, definition: defineAgent({ task: () => done.push(id), concurrency: 1 }) })),
  );
  const tasks = openTasks(stage.bus, stage.space);
  for (let n = 0; n < 12; n++) await tasks.submit('work', `t${n}`, n);
  await waitFor(() => done.length >= 12, { what: 'all are done', timeoutMs: 10_000 });
  expect(new Set(done)).toEqual(new Set(['executor']));
});

it('a monitor gives no scores, an evaluator does', async () => {
  const contexts = new Map<string, AgentContext>();
  for (const role of ['monitor', 'evaluator'] as const) await stage.define({ id: role, role });
  await stage.crew(
    ['monitor', 'evaluator'].map((id) => ({
      id,
      definition: defineAgent({ start: (context) => void contexts.set(id, context) }),
    })),
  );
  await expect(contexts.get('monitor')?.score(1, { agent: 'evaluator' })).rejects.toMatchObject({
    code: 'not-permitted',
  });
  expect(await contexts.get('evaluator')?.score(1, { agent: 'monitor' })).toBeGreaterThan(0);
});

it('the last coordinator cannot be given another role, one of two only by its definition', async () => {
  await stage.define({ id: 'chief', role: 'coordinator' });
  await stage.define({ id: 'words' });
  await stage.crew([{ id: 'chief', definition: defineAgent({}) }]);
  const change = async (role: string): Promise<unknown> => {
    const parameters = { role };
    const directive = { from: 'orchestrator', leaderRevision: 1, parameters };
    return (await directAgent(stage.bus, stage.space, 'chief', 'change-role', directive))[0];
  };
  expect(await change('coordinator')).toMatchObject({ kind: 'applied' });
  expect(await change('executor')).toMatchObject({ kind: 'rejected', reason: 'last-coordinator' });
  expect(await change('chieftain')).toMatchObject({ kind: 'rejected', reason: 'unknown-role' });
  await stage.store.waitForRevision(await stage.define({ id: 'words', role: 'coordinator' }));
  expect(await change('executor')).toMatchObject({ kind: 'rejected', reason: 'not-defined' });
});

it('a supervisor takes what the orchestrator tells it in any graph, and what a stranger tells it in none', async () => {
  const told: unknown[] = [];
  await stage.define({ id: 'boss' });
  await stage.wire(['boss', 'words'], []);
  const supervision = (body: unknown, { from }: { readonly from: string }): unknown =>
    told.push([from, body]);
  await stage.crew([{ id: 'boss', definition: defineAgent({ edges: { supervision } }) }]);
  const tell = (from: string, body: string): void => {
    const subject = `mabeam.${stage.space}.edge.${from}.boss.supervision`;
    stage.bus.publish(subject, body, { headers: { 'Content-Type': 'application/json' } });
  };
  tell('words', 'one');
  tell('orchestrator', 'two');
  await waitFor(() => told.length > 0, { what: 'it is told' });
  expect(told).toEqual([['orchestrator', 'two']]);
});
