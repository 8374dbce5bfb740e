/** Parties agree by hand: what is said, what is written, what is kept. */
import { connectBus, deleteStreams, ensureStreams, spaceStreams, type Bus } from '@mabeam/bus';
import { participate } from '@mabeam/coordination';
import { freshSpace } from '@mabeam/testing';
import { customVariable, openVariables } from '@mabeam/variables';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openStage } from './stage.ts';

const space = freshSpace('round');
let bus: Bus;

beforeAll(async () => {
  bus = await connectBus({ url: inject('natsUrl'), name: 'round-test' });
  await ensureStreams(bus, spaceStreams(space));
  await using store = await openVariables(bus, space);
  const domain = { min: 0, max: 2 };
  await store.create(customVariable('temperature', { initial: 1, ...domain }), { by: 'test' });
});

afterAll(async () => {
  await deleteStreams(
    bus,
    spaceStreams(space).map(({ name }) => name),
  );
  await bus.close();
});

// There is no platform here whose stream would take the trace.
const { mabeam, answered } = openStage(() => ({
  NATS_URL: inject('natsUrl'),
  MABEAM_SPACE: space,
  OTEL_SDK_DISABLED: 'true',
}));

test('a value is negotiated within the domain, written when wanted, and the round can be looked up', async () => {
  await using _ = participate(bus, space, 'reviewer', { prefer: () => ({ preferred: 0.3 }) });
  const parties = ['coder:0.4=0.1', 'creative:0.3=1.2', 'reviewer:0.3'];
  const negotiated = await answered('negotiate', 'temperature', ...parties, '--set');
  expect(negotiated).toMatchObject({ exit: 0, kind: 'agreed', value: 0.49, revision: expect.any(Number) });
  const round = String(negotiated.round);
  await using store = await openVariables(bus, space);
  expect(store.get('temperature')).toMatchObject({
    value: 0.49,
    entry: { cause: `negotiated: ${round}` },
  });

  expect(await answered('round', 'list')).toMatchObject({
    exit: 0,
    rounds: [{ round, subject: 'temperature', outcome: { kind: 'agreed', value: 0.49 } }],
  });
  const { stdout } = await mabeam('round', 'show', round);
  expect(stdout).toMatch(/ending +agreed 0.49/);
  expect(stdout).toMatch(/reviewer +replied +prefer +0.3 +0.3/);
});

test('who is not there is named; without a quorum the status is 4, in a deadlock 3, and nothing is written', async () => {
  const missing = await answered('negotiate', 'temperature', 'nobody', '--set');
  expect(missing).toMatchObject({
    exit: 4,
    kind: 'no-quorum',
    participants: [{ party: 'nobody', outcome: 'unavailable' }],
  });
  const list = JSON.stringify([
    { party: 'a', preferred: 0, stubbornness: 1 },
    { party: 'b', preferred: 1, stubbornness: 1 },
  ]);
  const stuck = await answered(
    'negotiate',
    'temperature',
    '--parties',
    list,
    '--strategy',
    'consensus',
    '--set',
  );
  expect(stuck).toMatchObject({ exit: 3, kind: 'deadlocked' });
  expect(stuck).not.toHaveProperty('revision');
});

test('an auction by the command line, second price', async () => {
  const list = JSON.stringify([
    { party: 'coder', preferred: 0.1, bid: 5 },
    { party: 'creative', preferred: 1.2, bid: 8 },
  ]);
  const args = ['temperature', '--strategy', 'auction', '--form', 'second-price', '--parties', list];
  const { exit, stdout } = await mabeam('negotiate', ...args);
  expect(exit).toBe(0);
  expect(stdout).toMatch(/^temperature: agreed 1.2 \(auction, round r-/);
});

test('a list of parties with a field that is none, and a round that is none, are told', async () => {
  const wrong = await mabeam('negotiate', 'temperature', '--parties', '[{"party":"a","wish":1}]');
  expect(wrong).toMatchObject({ exit: 2, stderr: expect.stringContaining('wish') });
  const unknown = await mabeam('round', 'show', 'r-none');
  expect(unknown).toMatchObject({ exit: 2, stderr: expect.stringContaining('mabeam round list') });
});
