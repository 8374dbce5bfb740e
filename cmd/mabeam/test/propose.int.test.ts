/** Agents decide by hand: what is said, what is kept, what is proven, and what is not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineAgent, publicKeys } from '@mabeam/agents';
import {
  connectBus,
  createIdentity,
  deleteStreams,
  digestOf,
  ensureStreams,
  putKey,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
} from '@mabeam/bus';
import { hostCrew } from '@mabeam/cluster';
import { freshSpace, waitFor } from '@mabeam/testing';
import { customVariable, openVariables } from '@mabeam/variables';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { openStage } from './stage.ts';

// Most of the commands are processes of their own, up to four in one test.
vi.setConfig({ testTimeout: 60_000 });

const space = freshSpace('propose');
const folder = mkdtempSync(join(tmpdir(), 'propose-'));
const agents = ['ada', 'bob', 'cyd', 'dan'];
const { mabeam, answered, refused } = openStage(() => {
  // There is no platform here whose stream would take the trace.
  return { NATS_URL: inject('natsUrl'), MABEAM_SPACE: space, OTEL_SDK_DISABLED: 'true' };
});

/** What all agents of the team are: they take anything but `never`; dan, where one may lie, takes nothing. */
const member = defineAgent({
  vote: ({ proposal }) => proposal !== 'never',
  committee: ({ alternatives }, { agent }) => (agent === 'dan' ? [] : [...alternatives.keys()]),
  apply: () => null,
  gossip: (_question, { agent }) => ({ [agent]: true }),
  ledgers: { ledger: () => true },
});

let bus: Bus;
const team = new AsyncDisposableStack();

beforeAll(async () => {
  bus = team.use(await connectBus({ url: inject('natsUrl'), name: 'propose-test' }));
  const streams = spaceStreams(space);
  await ensureStreams(bus, streams);
  team.defer(() =>
    deleteStreams(
      bus,
      streams.map(({ name }) => name),
    ),
  );
  team.use(
    await hostCrew(
      bus,
      space,
      agents.map((id) => ({ id, definition: member })),
    ),
  );
  // An agent is active before the record that says by which key it is known has been stored.
  const onRecord = () => publicKeys(bus, space, agents, { vouchedBy: 'host' });
  await waitFor(async () => (await onRecord()).size === agents.length, { what: 'every key is on record' });
});

afterAll(async () => {
  await team.disposeAsync();
  rmSync(folder, { recursive: true });
});

test('a vote is proven by what is saved, without a server, and an edit of it is found', async () => {
  const file = join(folder, 'vote.json');
  const { exit, stdout } = await mabeam(
    'propose',
    'letter',
    '--to',
    agents.join(),
    '--save-certificate',
    file,
  );
  expect(exit).toBe(0);
  expect(stdout).toMatch(/^agreed "letter" \(simple-majority, round (r-[0-9a-f-]+)\)\n/);
  expect(stdout).toMatch(/certificate: signed by (\w+, ){2,3}\w+: [34] of 4; saved: mabeam round verify -f/);
  expect(stdout).toMatch(/ada +(replied +vote +"letter" +-|late +vote +- +-) +- +host\n/);

  const alone = ['round', 'verify', '-f', file, '--server', 'nats://127.0.0.1:1'];
  expect(await answered(...alone)).toMatchObject({
    exit: 0,
    valid: true,
    algorithm: 'simple-majority',
    value: 'letter',
    electorate: agents,
    isReformatted: false,
  });
  const written = readFileSync(file, 'utf8');
  for (const edited of [
    written.replace('letter', 'fax'),
    written.replace('"accepts":0', '"accepts":null'),
    '{}',
  ]) {
    expect(edited).not.toBe(written);
    writeFileSync(file, edited);
    expect(await refused(...alone)).toMatchObject({ exit: 1, error: { code: 'invalid-certificate' } });
  }
  writeFileSync(file, JSON.stringify(JSON.parse(written), undefined, 2));
  expect(await answered(...alone)).toMatchObject({ exit: 0, isReformatted: true });
});

test.each([
  ['pbft', '"letter"', 'letter', 3],
  ['raft', '"letter"', 'letter', 3],
  ['blockchain', '"letter"', ['letter'], 3],
  ['gossip', '{"x":1}', { x: 1, ada: true, bob: true, cyd: true, dan: true }, 3],
])(
  '%s decides among the same agents, and its round is looked up and verified',
  async (algorithm, word, value, least) => {
    const decided = await answered('propose', word, '--to', agents.join(), '--algorithm', algorithm);
    expect(decided).toMatchObject({ exit: 0, kind: 'agreed', algorithm, value });
    const round = String(decided.round);
    const verified = await answered('round', 'verify', round);
    expect(verified).toMatchObject({ exit: 0, valid: true, algorithm, round, value, electorate: agents });
    const signers = Object.keys(Object(verified.signers));
    expect(signers.length).toBeGreaterThanOrEqual(least);
    expect(verified.keys).toEqual(Object.fromEntries(signers.map((party) => [party, 'on-record'])));
    const { stdout } = await mabeam('round', 'show', round);
    expect(stdout).toMatch(/ending +agreed/);
    expect(stdout).toMatch(/proposed +["{]/);
    expect(stdout).toMatch(/certificate +signed by /);
  },
);

test('what is rejected has a proof and the status 3, and what is not decided shows what was proposed', async () => {
  const { exit, stdout, stderr } = await mabeam('propose', 'never', '--to', 'ada,bob,cyd');
  expect({ exit, stderr }).toMatchObject({ exit: 3, stderr: expect.stringContaining('rejected') });
  const round = String(/round (r-[0-9a-f-]+)/.exec(stdout)?.[1]);
  expect(await answered('round', 'verify', round)).toMatchObject({ exit: 0, kind: 'rejected' });

  const open = await mabeam('propose', 'fax', '--to', 'ada,nobody', '--algorithm', 'unanimous');
  expect(open).toMatchObject({ exit: 3, stderr: expect.stringContaining('nobody') });
  expect(open.stdout).toMatch(/nobody +unavailable/);
  const openRound = String(/round (r-[0-9a-f-]+)/.exec(open.stdout)?.[1]);
  const shown = await mabeam('round', 'show', openRound);
  expect(shown.stdout).toMatch(/ending +no-unanimity\nproposed +"fax"\ncertificate +none\n/);
  expect(await refused('round', 'verify', openRound)).toMatchObject({
    exit: 2,
    error: { code: 'no-certificate' },
  });
});

test('a key that is another on record now is told with the status 4, unless it is known to be right', async () => {
  const guest = { id: 'guest', definition: member };
  const first = await hostCrew(bus, space, [guest]);
  const { round, keys } = await answered('propose', '1', '--to', 'guest');
  await first.close();
  // Another host, which knows nothing of the first one's seeds.
  await using elsewhere = await connectBus({ url: inject('natsUrl'), name: 'propose-test elsewhere' });
  await using _second = await hostCrew(elsewhere, space, [guest]);
  const verify = ['round', 'verify', String(round)];
  expect(await refused(...verify)).toMatchObject({
    exit: 4,
    error: { code: 'other-keys', details: { parties: ['guest'] } },
  });
  const { key } = Object(keys).guest;
  expect(await answered(...verify, '--keys', JSON.stringify({ guest: key }))).toMatchObject({ exit: 0 });
  const other = JSON.stringify({ guest: createIdentity().publicKey });
  expect(await refused(...verify, '--keys', other)).toMatchObject({
    exit: 1,
    error: { code: 'invalid-certificate' },
  });
});

test('whom the definition says to take JSON is asked in JSON: in a vote, and in a negotiation', async () => {
  await using stranger = await connectBus({ url: inject('natsUrl'), name: 'stranger' });
  const definition = { id: 'stranger', wire: 'json' };
  await putKey(bus, spaceNames(space).bucket, 'definition.agent.stranger', definition);
  const identity = createIdentity();
  const at = subjects(space);
  stranger.subscribe(at.at('round.stranger.consensus.vote'), (message) => {
    const { paper } = Object(message.json()) as { paper: unknown }; // throws for an envelope, which is no JSON
    const vote = { paper: digestOf(paper), party: 'stranger', accepts: 0 };
    const signature = identity.sign('mabeam.vote.1', vote);
    stranger.publish(message.reply ?? '', { kind: 'vote', accepts: 0, key: identity.publicKey, signature });
  });
  stranger.subscribe(at.at('round.stranger.negotiation.prefer'), (message) => {
    message.json();
    stranger.publish(message.reply ?? '', { kind: 'stance', preferred: 0.5 });
  });
  await stranger.flush();
  expect(await answered('propose', 'letter', '--to', 'stranger')).toMatchObject({ exit: 0, kind: 'agreed' });
  await using store = await openVariables(bus, space);
  await store.create(customVariable('share', { initial: 0, min: 0, max: 1 }), { by: 'test' });
  expect(await answered('negotiate', 'share', 'stranger')).toMatchObject({ exit: 0, value: 0.5 });
});

test.each([
  ['letter', ['--to', 'ada', '--algorithm', 'unanimous', '--faults', '1'], 'invalid-usage', 'pbft'],
  ['letter', ['--to', 'ada,bob,cyd,nobody', '--algorithm', 'pbft'], 'invalid-proposal', 'nobody'],
])('is refused before anybody is asked: propose %s %j', async (value, args, code, named) => {
  const { exit, error } = await refused('propose', value, ...args);
  expect({ exit, ...error }).toMatchObject({ exit: 2, code, message: expect.stringContaining(named) });
});
