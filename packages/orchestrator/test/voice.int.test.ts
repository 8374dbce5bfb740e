/** Agents with a voice under a leader, each in a form of its own: what they vote down stays as it is, what they propose comes. */
import { subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { expect, test } from 'vitest';
import { defineAdaptation, serveHandler } from '../src/handlers/serve-handler.ts';
import { openStage, type Stage } from './stage.ts';

const module = './fixtures/voiced.ts';
const domain = { min: 0, max: 10, step: 1 };
const policy = { metric: 'performance', direction: 'below', target: 0.7 };
const voted = { strategy: 'consensus-based', handler: 'wise', ...policy };
const definition = {
  space: 'SPACE',
  agents: {
    near: { module, form: 'in-process', config: { limit: 9 } },
    threaded: { module, form: 'worker', config: { limit: 9 } },
    far: { module, config: { limit: 5 } },
    // Would vote against everything, if anybody asked it.
    watcher: { module, form: 'in-process', role: 'monitor', config: { limit: 0 } },
  },
  variables: {
    // All three vote: two against one.
    carried: { kind: 'custom', initial: 5, domain, adaptation: voted },
    // Two of them vote, and one of these is against it.
    vetoed: { kind: 'custom', initial: 5, domain, agents: ['near', 'far'], adaptation: voted },
    grown: {
      kind: 'custom',
      initial: 5,
      domain,
      adaptation: { strategy: 'emergent', explore: 0, ...policy },
    },
  },
};

/** Or, a moment later, applied everywhere. */
const committed: unknown = expect.stringMatching(/^(?:committed|applied)$/);

/** A voter, with the key that its host vouches for. */
const vouched = (party: string): unknown => ({ party, weight: 1, key: expect.any(String) });

const recordOf = ({ mirror }: Stage, variable: string) =>
  [...mirror.state.adaptations.values()]
    .map(({ record }) => record)
    .find(({ id, outcome }) => id.startsWith(`${variable} `) && outcome !== 'voting');

test('a leader commits what two of three ratify and what they propose, and nothing that one of two vetoes', async () => {
  await using stage = await openStage(JSON.stringify(definition));
  const wise = defineAdaptation('wise', () => ({ value: 6, reason: 'it is worth a try' }));
  await using _wise = serveHandler(stage.bus, stage.space, wise);
  stage.startOrchestrator('o1');
  await stage.until(['far.0', 'near.0', 'threaded.0', 'watcher.0']);
  const before = stage.store.get('vetoed').keyRevision;
  const propose = (agent: string, value: number, reward: number): Promise<unknown> =>
    stage.bus.request(subjects(stage.space).askAgent(agent), { variable: 'grown', value, reward });
  await expect(propose('watcher', 9, 100)).rejects.toMatchObject({ code: 'not-permitted' });
  const isDone = async (): Promise<boolean> => {
    // A window takes both or, at its edge, one of them; so they are said until it has.
    await Promise.all([propose('near', 2, 1), propose('far', 2, 3)]);
    return ['carried', 'vetoed', 'grown'].every((variable) => recordOf(stage, variable) !== undefined);
  };
  await waitFor(isDone, { what: 'a window has passed', timeoutMs: 25_000 });
  expect(recordOf(stage, 'carried')).toMatchObject({
    outcome: committed,
    changes: [{ variable: 'carried', from: 5, to: 6 }],
    reason: expect.stringContaining('2 of 3 said yes'),
    vote: { ending: 'agreed', electorate: ['far', 'near', 'threaded'].map(vouched) },
  });
  expect(stage.store.get('carried').value).toBe(6);
  expect(recordOf(stage, 'vetoed')).toMatchObject({
    outcome: 'failure',
    changes: [],
    proposal: { variable: 'vetoed', from: 5, to: 6 },
    // It is over with the first no; the yes of the other may have come before.
    reason: expect.stringMatching(/[01] of 2 said yes/),
  });
  expect(stage.store.get('vetoed')).toMatchObject({ value: 5, keyRevision: before });
  expect(recordOf(stage, 'grown')).toMatchObject({ outcome: committed, changes: [{ from: 5, to: 2 }] });
}, 60_000);
