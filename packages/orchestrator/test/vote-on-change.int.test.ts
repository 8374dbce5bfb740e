/**
 * Changes that are put to the vote, over a real server: what follows from each way a round can end, and that a leader that dies at any
 * point of it leaves a round that its successor asks again and brings to one end.
 */
import { connectBus, createIdentity, spaceNames, subjects } from '@mabeam/bus';
import { joinConsensus, readRounds, verifyCertificate, type VoterVoice } from '@mabeam/coordination';
import { openLossyProxy, startTestServer, waitFor, type MessageFrame } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdaptationRecord } from '../src/adaptation/adaptation-record.ts';
import { openSpaceMirror } from '../src/state/space-mirror.ts';
import { openGround } from './ground.ts';
import { openWatchedTerm, watching } from './watched-term.ts';

const isLong = process.env['MABEAM_LONG'] === '1';
const members = ['a', 'b', 'c'];
const bad = (): number => 0.4;

const definition = `
space: SPACE
agents: { a: { command: ['true'] }, b: { command: ['true'] }, c: { command: ['true'] } }
variables:
  dial:
    kind: custom
    initial: 5
    domain: { min: 0, max: 10, step: 1 }
    adaptation: { strategy: consensus-based, metric: performance, direction: below, target: 0.7, cooldownMs: 600000 }
`;

let server: Awaited<ReturnType<typeof startTestServer>>;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

/** A ground with one variable that moves by vote. */
async function openVotingGround() {
  const ground = await openGround(server.url, definition);
  const { bus, records, space } = ground;
  const voters: AsyncDisposable[] = [];
  return {
    ...ground,
    decided: (): Promise<AdaptationRecord> =>
      waitFor(() => records().find(({ outcome }) => outcome !== 'voting'), {
        what: 'the vote has come to something',
        timeoutMs: 15_000,
      }),
    /** A member that votes so. */
    joins: async (party: string, vote: VoterVoice['vote']): Promise<void> => {
      const voter = joinConsensus(bus, space, party, { identity: createIdentity(), vote });
      voters.push(voter);
      await voter.ready();
    },
    [Symbol.asyncDispose]: async () => {
      for (const voter of voters) await voter[Symbol.asyncDispose]();
      await ground[Symbol.asyncDispose]();
    },
  };
}

describe('a change that is put to the vote', () => {
  test('is made when two of three accept it, without waiting for the third, and its record names the round', async () => {
    await using ground = await openVotingGround();
    const { bus, space } = ground;
    const late = Promise.withResolvers<boolean>();
    const seen: unknown[] = [];
    await ground.joins('a', ({ proposal }) => {
      seen.push(proposal);
      return true;
    });
    await ground.joins('b', () => true);
    await ground.joins('c', () => late.promise);
    await watching(ground, bad, async () => void (await ground.decided()));
    late.resolve(false);
    const [record] = ground.records();
    const round = record?.vote?.round ?? '';
    expect(record).toMatchObject({
      outcome: 'committed',
      changes: [{ rule: 'policy.dial', variable: 'dial', from: 5, to: 6 }],
      reason: expect.stringMatching(/performance was .*; 2 of 3 said yes$/),
      vote: { threshold: 0.6, ending: 'agreed', votes: { a: 0, b: 0 } },
    });
    expect(record).not.toHaveProperty('proposal');
    expect(ground.store.get('dial').value).toBe(6);
    expect(seen).toMatchObject([
      { kind: 'change', variable: 'dial', from: 5, to: 6, reason: expect.stringContaining('0.4') },
    ]);
    const [kept] = await readRounds(bus, space, round);
    expect(kept).toMatchObject({ protocol: 'consensus', subject: 'dial', by: 'orchestrator' });
    const certificate = kept?.outcome?.['certificate'];
    expect(verifyCertificate(certificate)).toMatchObject({ kind: 'valid' });
    expect(certificate).toMatchObject({ hash: record?.vote?.certificate, paper: { round } });
  });

  test('is not made when one of two is against it, or fails, and the record has what was proposed', async () => {
    await using ground = await openVotingGround();
    await ground.joins('a', () => true);
    await ground.joins('b', () => {
      throw new Error('no idea');
    });
    await ground.joins('c', () => false);
    await watching(ground, bad, async () => void (await ground.decided()));
    expect(ground.records()).toMatchObject([
      {
        outcome: 'failure',
        changes: [],
        proposal: { from: 5, to: 6 },
        reason: expect.stringMatching(/[01] of 3 said yes$/),
        vote: { ending: expect.stringMatching(/^(?:rejected|no-weighted-majority)$/) },
      },
    ]);
    expect(ground.store.get('dial').value).toBe(5);
  });

  test('is called off when somebody writes the variable meanwhile, which then does not rest', async () => {
    await using ground = await openVotingGround();
    const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
    const vote = (): Promise<boolean> => {
      begun.resolve();
      return go.promise;
    };
    for (const member of members) await ground.joins(member, vote);
    await watching(ground, bad, async () => {
      await begun.promise;
      await ground.store.update('dial', 2, { by: 'somebody' });
      go.resolve(true);
      const isAgain = (): boolean => ground.records().some(({ outcome }) => outcome === 'committed');
      await waitFor(isAgain, { what: 'the next window proposes another change', timeoutMs: 10_000 });
    });
    expect(ground.records()).toMatchObject([
      { outcome: 'superseded', changes: [], proposal: { from: 5, to: 6 }, vote: { ending: 'agreed' } },
      { outcome: 'committed', changes: [{ from: 2 }] },
    ]);
  });

  test('of a leader that steps down is asked again, in the same round, and nobody is asked for another opinion', async () => {
    await using ground = await openVotingGround();
    const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
    let asked = 0;
    await ground.joins('a', () => {
      asked++;
      return true;
    });
    await ground.joins('b', () => {
      begun.resolve();
      return go.promise;
    });
    await watching(ground, bad, () => begun.promise);
    expect(ground.records()).toMatchObject([{ outcome: 'voting', changes: [], proposal: { to: 6 } }]);
    const round = ground.records()[0]?.vote?.round;
    // The next one sees nothing but good figures: it goes on with what it finds.
    await watching(
      ground,
      () => 0.95,
      async () => {
        go.resolve(true);
        await ground.decided();
      },
    );
    expect(ground.records()).toMatchObject([
      { outcome: 'committed', vote: { round, votes: { a: 0, b: 0 } }, changes: [{ to: 6 }] },
    ]);
    expect(asked).toBe(1);
    expect(await readRounds(ground.bus, ground.space)).toHaveLength(1);
  });
});

/** What a leader says for the sake of a vote; undefined: it says so anyhow, or hears it. */
function nameOf(space: string, { subject, verb }: MessageFrame): string | undefined {
  if (verb.endsWith('MSG')) return undefined;
  const { bucket } = spaceNames(space);
  const own = [`$KV.${bucket}.adaptation`, `$KV.${bucket}.fence`, `$KV.${bucket}.space`];
  const { at } = subjects(space);
  const isMeant = [...own, at('round.'), at('event.round.')].some((prefix) => subject.startsWith(prefix));
  return isMeant
    ? subject
        .split('.')
        .slice(2)
        .join('.')
        .replaceAll(/[0-9a-f]{32}/g, 'x')
    : undefined;
}

/** One vote whose first leader is dead to the server from the n-th thing on that it says; what it had said. */
async function killAt(fatal: number): Promise<readonly string[]> {
  await using ground = await openVotingGround();
  const { space } = ground;
  const asked = new Map<string, number>();
  for (const member of members) {
    await ground.joins(member, () => {
      asked.set(member, (asked.get(member) ?? 0) + 1);
      return member !== 'c';
    });
  }
  const said: string[] = [];
  const never = Promise.withResolvers<void>();
  const dead = Promise.withResolvers<void>();
  await using proxy = await openLossyProxy(server.url, {
    seed: 0,
    hold: (frame) => {
      const name = nameOf(space, frame);
      if (name === undefined) return undefined;
      said.push(name);
      if (said.length < fatal) return undefined;
      dead.resolve();
      return never.promise;
    },
  });
  const bus = await connectBus({ url: proxy.url, name: 'victim' });
  const mirror = await openSpaceMirror(bus, space);
  const victim = await openWatchedTerm({ bus, space, mirror, process: 'victim', ttlMs: 600 }, bad);
  const isDead = await Promise.race([dead.promise.then(() => true), ground.decided().then(() => false)]);
  const heir = { ...ground, process: 'successor', ttlMs: 600 };
  await using _successor = isDead ? await openWatchedTerm(heir, bad) : undefined;
  const record = await ground.decided();
  const rounds = await readRounds(ground.bus, space);
  expect(record).toMatchObject({ outcome: 'committed', changes: [{ from: 5, to: 6 }] });
  expect(ground.store.get('dial').value).toBe(6);
  // One record, one round, one opinion of each.
  expect(ground.records()).toHaveLength(1);
  expect(rounds).toMatchObject([{ round: record.vote?.round, outcome: { kind: 'agreed' } }]);
  expect(Math.max(...asked.values())).toBe(1);
  await proxy[Symbol.asyncDispose]();
  await bus.close();
  await victim[Symbol.asyncDispose]();
  await mirror[Symbol.asyncDispose]().catch(() => undefined);
  never.resolve();
  return said.slice(fatal - 1, fatal);
}

test(
  'whatever of a vote is the last a leader says, the next one brings the same round to one end',
  async () => {
    const points: string[] = [];
    const stride = isLong ? 1 : 3;
    for (let next = 1, isThrough = false; !isThrough; next += 4 * stride) {
      const runs = await Promise.all([0, 1, 2, 3].map((i) => killAt(next + i * stride)));
      points.push(...runs.flat());
      isThrough = runs.some((said) => said.length === 0);
    }
    expect(points).toEqual(expect.arrayContaining(isLong ? ['adaptation.x', 'space.dial'] : []));
    expect(points.length).toBeGreaterThanOrEqual(isLong ? 10 : 3);
  },
  isLong ? 300_000 : 60_000,
);
