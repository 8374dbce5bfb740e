/** Variables that move by their own policies, and triggers found in metrics, over a real server; the figures are the test's. */
import { createIdentity, openEvents } from '@mabeam/bus';
import { joinConsensus } from '@mabeam/coordination';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineAdaptation, serveHandler } from '../src/handlers/serve-handler.ts';
import { openStage, type Stage } from './stage.ts';
import { watching as watchingIn } from './watched-term.ts';

const policy = 'metric: performance, direction: below, target: 0.7';
const range = 'kind: custom, initial: 5, domain: { min: 0, max: 10, step: 1 }';
const definition = `
space: SPACE
agents:
  a: { command: ['true'] }
  b: { command: ['true'] }
  c: { command: ['true'] }
  m: { command: ['true'], role: monitor }
variables:
  plain: { ${range}, adaptation: { strategy: reactive, ${policy} } }
  voted: { ${range}, adaptation: { strategy: consensus-based, ${policy} } }
  handled: { ${range}, adaptation: { strategy: reactive, handler: wise, ${policy} } }
  grown: { ${range}, adaptation: { strategy: emergent, explore: 0, ${policy} } }
  still: { ${range} }
rules:
  worse: { on: { trigger: performance-degradation }, adapt: still, by: { increase: 1 } }
`;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage(definition);
}, 60_000);

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
}, 60_000);

/** Watches the stage's space while `during` lasts; `figure` is how the whole performs. */
const watching = (figure: () => number | undefined, during: () => Promise<void>): Promise<void> =>
  watchingIn(stage, figure, during);

/** What a policy has decided about a variable. */
const recordOf = (variable: string) =>
  [...stage.mirror.state.adaptations.values()]
    .map(({ record }) => record)
    .find(({ id, outcome }) => id.startsWith(`${variable} `) && outcome !== 'voting');

const recorded = (variable: string) =>
  waitFor(() => recordOf(variable), { what: `the policy of ${variable} has acted`, timeoutMs: 10_000 });

describe('a variable with a policy', () => {
  test('moves by one commit when its figures are bad, and then rests', async () => {
    await watching(
      () => 0.4,
      async () => {
        expect(await recorded('plain')).toMatchObject({
          source: 'policy',
          rule: 'policy.plain',
          outcome: 'committed',
          changes: [{ variable: 'plain', from: 5, to: 6 }],
          reason: expect.stringContaining('performance was 0.4, 0.4'),
        });
        expect(stage.store.get('plain')).toMatchObject({ value: 6, entry: { by: 'orchestrator' } });
        await recorded('voted');
      },
    );
    expect(stage.store.get('plain').value).toBe(6);
  });

  test('does not move by a vote that is lost: nobody was there', async () => {
    expect(recordOf('voted')).toMatchObject({
      outcome: 'failure',
      changes: [],
      proposal: { variable: 'voted', from: 5, to: 6 },
      reason: expect.stringContaining('0 of 3 said yes'),
      vote: { ending: 'no-weighted-majority', votes: {} },
    });
    expect(stage.store.get('voted').value).toBe(5);
  });

  test('is not proposed again within its cooldown after it was turned down', async () => {
    let asked = 0;
    const vote = (): boolean => {
      asked++;
      return true;
    };
    await using a = joinConsensus(stage.bus, stage.space, 'a', { identity: createIdentity(), vote });
    await a.ready();
    let windows = 0;
    await watching(
      () => {
        windows++;
        return 0.4;
      },
      () => waitFor(() => windows > 5, { what: 'some windows have passed' }).then(() => undefined),
    );
    expect(asked).toBe(0);
  });

  test('moves to what its agents propose, though every figure is good', async () => {
    const events = openEvents(stage.bus, stage.space);
    await watching(
      () => 0.95,
      async () => {
        const isMoved = async (): Promise<boolean> => {
          // A window takes both or, at its edge, one of them; so they are said until it has.
          await events.publish('proposal', 'grown', 'made', { agent: 'a', value: 2, reward: 1 });
          await events.publish('proposal', 'grown', 'made', { agent: 'b', value: 2, reward: 3 });
          return stage.store.get('grown').value === 2;
        };
        await waitFor(isMoved, { what: 'the variable has moved', timeoutMs: 10_000 });
      },
    );
    expect(recordOf('grown')).toMatchObject({ changes: [{ from: 5, to: 2 }], outcome: 'committed' });
  });

  test('obeys its handler, and not what breaks its domain', async () => {
    let wish = 99;
    const wise = defineAdaptation('wise', () => ({ value: wish, reason: 'I know' }));
    await using _service = serveHandler(stage.bus, stage.space, wise);
    await stage.bus.flush();
    let windows = 0;
    const good = (): number => {
      windows++;
      return 0.9;
    };
    await watching(good, async () => {
      await waitFor(() => windows > 3, { what: 'the handler was asked for nonsense' });
      expect(stage.store.get('handled').value).toBe(5);
      wish = 3;
      expect(await recorded('handled')).toMatchObject({ changes: [{ to: 3 }], reason: 'I know' });
    });
  });
});

describe('what is found in the metrics', () => {
  test('becomes a trigger with an identity when a rule names it, and nothing else does', async () => {
    let windows = 0;
    const falling = (): number => (++windows < 6 ? 0.9 : 0.5);
    await watching(falling, async () => {
      const isStored = async (): Promise<boolean> =>
        (await stage.events('trigger.performance-degradation')).length > 0;
      await waitFor(isStored, { what: 'the trigger is stored', timeoutMs: 10_000 });
    });
    const triggers = await stage.events('trigger.>');
    expect(triggers.at(-1)).toMatchObject({
      source: 'metrics',
      id: expect.stringMatching(/^performance-degradation\.\d+$/),
    });
    const names = triggers.map((trigger) => String(Object(trigger).id).split('.')[0]);
    expect(new Set(names)).toEqual(new Set(['performance-degradation']));
  });

  test('in a frozen space is not even looked at, and the windows begin anew afterwards', async () => {
    await stage.store.freeze({ by: 'test', reason: 'a look' });
    await waitFor(() => stage.mirror.freeze !== undefined, { what: 'the freeze is seen' });
    let looks = 0;
    const since = performance.now();
    await watching(
      () => {
        looks++;
        return 0.9;
      },
      async () => {
        await waitFor(() => performance.now() > since + 150, { what: 'five windows have passed' });
        expect(looks).toBe(0);
        await stage.store.unfreeze({ by: 'test' });
        await waitFor(() => looks > 0, { what: 'it looks again' });
      },
    );
  });
});
