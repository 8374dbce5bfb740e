/** Replicas and the pool, by hand: a space of processes and the commands as a person types them. */
import { freshSpace, waitFor } from '@mabeam/testing';
import { expect, test } from 'vitest';
import { useTeam } from './stage.ts';

const space = freshSpace('scale');
const definition = `
space: ${space}
pool: { cpu: 1, memory: 1GiB }
agents:
  words:
    module: ./echo.ts
    form: in-process
    replicas: { min: 1, max: 5 }
    resources: { cpuWeight: 0.25, memory: 256MiB }
  fixed: { module: ./echo.ts, form: in-process }
`;
const { mabeam, said } = useTeam(space, definition);

test('an agent gets more replicas and fewer again, and ps and pool say so', async () => {
  const more = await mabeam('scale', 'words', '3', '--wait', '--by', 'ada', '--cause', 'rush');
  expect(more).toMatchObject({ exit: 0, stderr: '' });
  expect(more.stdout).toMatch(/^words is to have 3 replicas instead of 1, at revision \d+; they are active/);
  expect(await said('scale', 'words', '3')).toMatchObject({ kind: 'noop', from: 3, to: 3 });
  expect(await said('ps')).toMatchObject({
    replicas: [
      { agent: 'fixed', wanted: 1, ready: 1, waiting: [] },
      {
        agent: 'words',
        wanted: 3,
        ready: 3,
        bounds: { min: 1, max: 5 },
        scale: { replicas: 3, by: 'ada', cause: 'rush' },
      },
    ],
  });
  expect(await said('pool')).toMatchObject({
    total: { cpu: 1, memory: 2 ** 30 },
    reserved: { cpu: 0.75, memory: 768 * 2 ** 20 },
    available: { cpu: 0.25, memory: 256 * 2 ** 20 },
    agents: [{ agent: 'words', instances: 3 }],
    waiting: [],
  });
  expect(await said('scale', 'words', '1', '--wait')).toMatchObject({ kind: 'applied', from: 3, to: 1 });
  // What ended has yet to be taken off the books.
  await waitFor(async () => /^words +1 +0\.25 +256 MiB$/m.test((await mabeam('pool')).stdout), {
    what: 'the pool shows one replica of words',
  });
}, 60_000);

test('what the pool has no room for is wished for, and said to wait', async () => {
  const { exit, stderr } = await mabeam('scale', 'words', '5', '--wait', '--timeout', '2500ms');
  expect(exit).toBe(4);
  expect(stderr).toContain('words.4 (resource-exhausted)');
  expect(await said('pool')).toMatchObject({ available: { cpu: 0, memory: 0 }, waiting: ['words.4'] });
  expect((await mabeam('ps')).stdout).toContain('words 4 of 5 (1 to 5)');
  const doctor = await mabeam('doctor');
  expect(doctor.stdout).toContain('too little is left for: words.4 (resource-exhausted)');
}, 60_000);

test('what cannot be is refused with what can', async () => {
  const beyond = await mabeam('scale', 'words', '6');
  expect(beyond).toMatchObject({ exit: 2, stdout: '' });
  expect(beyond.stderr).toContain('words may have 1 to 5 replicas, not 6');
  expect((await mabeam('scale', 'fixed', '2')).stderr).toContain('give its definition replicas: {min, max}');
  expect((await mabeam('scale', 'nobody', '2')).stderr).toContain('no agent nobody; there are fixed, words');
}, 60_000);
