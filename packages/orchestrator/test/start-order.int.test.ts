/** The order in which a running space starts its agents, and stops them. */
import { fileURLToPath } from 'node:url';
import { openEvents } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { expect, test } from 'vitest';
import { openStage, type Stage } from './stage.ts';

const module = fileURLToPath(new URL('fixtures/agent.ts', import.meta.url));
const broken = fileURLToPath(new URL('fixtures/none.ts', import.meta.url));

/** What the hosts have told of agents, `<agent> <verb>`, in the order in which it is stored. */
async function told({ bus, space }: Stage): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { subject } of openEvents(bus, space).read({ filter: 'event.agent.*.*' })) {
    lines.push(subject.split('.').slice(-2).join(' '));
  }
  return lines;
}

const inProcess = { module, form: 'in-process' };

test('an agent starts when what it depends on is ready, and is stopped before it', async () => {
  const ids = ['chief', 'judge', 'store'];
  const definition = {
    space: 'SPACE',
    agents: {
      judge: { ...inProcess, after: ['store'] },
      chief: { ...inProcess, role: 'coordinator', after: ['judge'] },
      store: inProcess,
    },
    variables: { active: { kind: 'agent-selection', agents: ids, initial: ids } },
  };
  await using stage = await openStage(JSON.stringify(definition));
  stage.startOrchestrator('o1');
  await stage.until(['chief.0', 'judge.0', 'store.0']);
  const ends = ['started', 'ready'];
  const startedInOrder = ['store', 'judge', 'chief'].flatMap((agent) =>
    ends.map((verb) => `${agent} ${verb}`),
  );
  expect(await told(stage)).toEqual(startedInOrder);
  await stage.store.update('active', [], { by: 'test' });
  await stage.until([]);
  expect((await told(stage)).slice(startedInOrder.length)).toEqual([
    'chief stopped',
    'judge stopped',
    'store stopped',
  ]);
});

test('who depends on an agent that cannot start waits for it, and the others do not', async () => {
  const definition = {
    space: 'SPACE',
    agents: {
      store: { module: broken, form: 'in-process', restart: 'temporary' },
      judge: { ...inProcess, after: ['store'] },
      links: inProcess,
    },
  };
  await using stage = await openStage(JSON.stringify(definition));
  stage.startOrchestrator('o1');
  await stage.until(['links.0']);
  const isFailed = (): boolean =>
    stage.mirror.observed.some(({ agent, status }) => agent === 'store' && status === 'failed');
  await waitFor(isFailed, { what: 'the store has failed' });
  await stage.until(['links.0']);
  expect(await told(stage)).not.toContain('judge started');
});
