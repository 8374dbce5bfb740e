import { createSeed } from '@mabeam/bus';
import { expect, test } from 'vitest';
import { parseHosting } from './hosting.ts';
import { seedFor } from './seed.ts';

test('the seed of an agent is the secret of its name, and else a new one each time', async () => {
  const seed = createSeed();
  const environment = { MABEAM_SECRET_FIRST_READER_SEED: seed };
  expect(await seedFor('first-reader', environment)).toBe(seed);
  const others = [await seedFor('reader', environment), await seedFor('reader', environment)];
  expect(new Set([seed, ...others]).size).toBe(3);
  const known = createSeed();
  expect(await seedFor('reader', environment, () => known)).toBe(known);
  expect(await seedFor('first-reader', environment, () => known)).toBe(seed);
});

test('a secret that is no seed is refused, and not shown', async () => {
  const refused = seedFor('reader', { MABEAM_SECRET_READER_SEED: 'sesame' });
  await expect(refused).rejects.toMatchObject({ code: 'invalid-identity' });
  await expect(refused).rejects.not.toThrow(/sesame/);
});

test('an agent whose name is as long as a name can be has no secret, and still a seed', async () => {
  expect(await seedFor('a'.repeat(63), {})).toMatch(/^SU/);
});

test('what a host hands over is read with the rest', () => {
  const seed = createSeed();
  const hosting = parseHosting({ MABEAM_SPACE: 'desk', MABEAM_AGENT: 'reader', MABEAM_SEED: seed });
  expect(hosting.seed).toBe(seed);
});
