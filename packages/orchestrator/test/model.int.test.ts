/**
 * A real space under random commands: selections, topologies, scales, parameters, change sets, freezes; agents, nodes and orchestrators
 * that are killed; partitions. After each burst it comes to rest, and then observed = desired, the pool is conserved, each instance has
 * one incarnation and one actor, no write is lost, and the history is complete.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { comeToRest, wrongWith } from './model-checks.ts';
import { bursts, openModelSpace, perform } from './model-space.ts';

const numRuns = process.env['MABEAM_LONG'] === '1' ? 200 : 3;

beforeAll(() => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
});

afterAll(() => {
  vi.unstubAllEnvs();
});

test(
  'whatever happens to a space, it comes to rest as its variables say, with nothing lost and nobody twice',
  async () => {
    const property = fc.asyncProperty(bursts, async (script) => {
      await using model = await openModelSpace();
      await comeToRest(model);
      for (const burst of script) {
        for (const command of burst) await perform(model, command);
        model.fleet.heal();
        await model.mirror.store.unfreeze({ by: 'operator' });
        await comeToRest(model);
        expect(await wrongWith(model)).toEqual([]);
      }
    });
    // A script takes seconds, and its parts are not independent: it is told as it is.
    await fc.assert(property, { numRuns, endOnFailure: true });
  },
  numRuns * 120_000,
);
