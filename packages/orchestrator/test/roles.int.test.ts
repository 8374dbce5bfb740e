/** Whose wish the orchestrator obeys: an agent changes variables by the right of its role. */
import { subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { expect, test } from 'vitest';
import { openStage } from './stage.ts';

test('an optimizer proposes changes of variables, an executor only of its own, and people of all', async () => {
  const definition = {
    space: 'SPACE',
    agents: {
      tuner: { role: 'optimizer' },
      words: { variables: { pace: { initial: 1, min: 0, max: 9 } } },
      auditor: { role: 'custom', permissions: ['propose'] },
      watcher: { role: 'monitor' },
    },
    variables: { threshold: { kind: 'performance-threshold', initial: 0.5, domain: { min: 0, max: 1 } } },
  };
  await using stage = await openStage(JSON.stringify(definition));
  stage.startOrchestrator('o1');
  const set = async (from: string | undefined, id: string, value: number): Promise<unknown> => {
    const options = from === undefined ? {} : { from };
    const subject = subjects(stage.space).at(`command.variable.${id}.set`);
    try {
      return Object(await stage.bus.request(subject, { value }, options)).kind;
    } catch (error) {
      return Object(error).code;
    }
  };
  await waitFor(async () => (await set(undefined, 'threshold', 0.1)) === 'applied', {
    what: 'somebody leads',
    timeoutMs: 10_000,
  });
  expect(await set('tuner', 'threshold', 0.2)).toBe('applied');
  expect(await set('auditor', 'threshold', 0.3)).toBe('applied');
  expect(await set('words', 'threshold', 0.4)).toBe('change-not-permitted');
  expect(await set('watcher', 'threshold', 0.4)).toBe('change-not-permitted');
  expect(await set('watcher', 'words.pace', 2)).toBe('change-not-permitted');
  expect(await set('words', 'words.pace', 2)).toBe('applied');
  expect(await set('a-person', 'threshold', 0.5)).toBe('applied');
}, 60_000);
