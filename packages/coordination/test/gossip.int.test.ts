import {
  connectBus,
  createIdentity,
  createSeed,
  openIdentity,
  subjects,
  type Bus,
  type Identity,
} from '@mabeam/bus';
import {
  attendGossip,
  establishGossip,
  joinGossip,
  verifyGossipCertificate,
  type GossipCertificate,
  type GossipEntry,
  type GossipMember,
  type GossipOptions,
  type GossipVoice,
} from '@mabeam/coordination';
import { openLossyProxy, waitFor } from '@mabeam/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startFixture, type FixtureProcess } from './fixtures/processes.ts';
import { code, openStage, type Stage } from './negotiation-stage.ts';

const seedsOfFaults = Array.from({ length: process.env['MABEAM_LONG'] === '1' ? 25 : 1 }, (_, i) => i + 1);
const names = ['ada', 'bob', 'cyd', 'dan', 'eve'] as const;
type Name = (typeof names)[number];
const seeds = Object.fromEntries(names.map((party) => [party, createSeed()]));
const identityOf = (party: Name): Identity => openIdentity(seeds[party] ?? '');
const electorate = names.map((party) => ({ party, key: identityOf(party).publicKey }));
const keys = Object.fromEntries(electorate.map(({ party, key }) => [party, key]));

async function connection(name: string, url = inject('natsUrl')): Promise<Bus> {
  const bus = await connectBus({ url, name });
  onTestFinished(() => bus.close(0));
  return bus;
}

/** Takes part in rounds, on a connection of its own. */
async function attend({ space }: Stage, party: Name, voice: Partial<GossipVoice> = {}): Promise<void> {
  const bus = await connection(party);
  await attendGossip(bus, space, party, { identity: identityOf(party), ...voice }).ready();
}

/** A member in a process of its own; it is killed with the test at the latest. */
async function memberProcess(
  { space }: Stage,
  party: Name,
  { wish, url = inject('natsUrl') }: { readonly wish: object; readonly url?: string },
): Promise<FixtureProcess> {
  const words = [space, party, seeds[party] ?? '', JSON.stringify(electorate), JSON.stringify(wish)];
  const member = startFixture('gossip-process', url, words);
  onTestFinished(() => member.kill());
  await member.line('ready');
  return member;
}

describe('a round of gossip', () => {
  test('ends in what the asker and the members proposed, certified by all of them', async () => {
    await using stage = await openStage();
    const told: GossipCertificate[] = [];
    for (const party of names)
      await attend(stage, party, {
        propose: ({ heat }) => ({ [party]: true, heat: Number(heat) + 1 }),
        decided: (certificate) => told.push(certificate),
      });
    const proposal = { heat: 1, model: 'small' };
    const outcome = await establishGossip(stage.bus, stage.space, electorate, proposal, { subject: 'setup' });
    if (outcome.kind !== 'agreed') throw new Error(`it ended in ${outcome.kind}`);
    const all = Object.fromEntries(names.map((party) => [party, true]));
    expect(outcome.value).toEqual({ ...all, heat: 2, model: 'small' });
    expect(outcome.participants.map((one) => one.outcome)).toEqual(names.map(() => 'replied'));
    expect(outcome.certificate.seals).toHaveLength(5);
    await waitFor(() => told.length === 5, { what: 'all five have heard of it' });
    expect(told[0]).toEqual(outcome.certificate);
    const [, ended] = await stage.rounds();
    expect(ended).toMatchObject({ protocol: 'gossip', subject: 'setup', outcome: { kind: 'agreed' } });
    const text = JSON.parse(JSON.stringify(outcome.certificate));
    expect(verifyGossipCertificate(text, { keys })).toMatchObject({ kind: 'valid', value: outcome.value });
    expect(verifyGossipCertificate({ ...text, seals: text.seals.slice(0, 2) }).kind).toBe('invalid');
  });

  test('does without two of five, and with three missing says which part holds the same', async () => {
    await using stage = await openStage();
    await attend(stage, 'ada', { propose: () => ({ a: 1 }) });
    await attend(stage, 'bob');
    const held = (timeoutMs: number): ReturnType<typeof establishGossip> =>
      establishGossip(stage.bus, stage.space, electorate, {}, { patienceMs: 100, timeoutMs });
    expect(await held(1_200)).toMatchObject({ kind: 'not-converged', fraction: 0.4 });
    await attend(stage, 'cyd');
    const outcome = await held(10_000);
    expect(outcome).toMatchObject({ kind: 'agreed', value: { a: 1 } });
    const missing = outcome.participants.filter((one) => one.outcome === 'unavailable');
    expect(missing.map(({ party }) => party)).toEqual(['dan', 'eve']);
  });

  test('a member that proposes nonsense or is another than its key says is not of it', async () => {
    await using stage = await openStage();
    for (const party of ['ada', 'bob', 'cyd'] as const) await attend(stage, party);
    await attend(stage, 'dan', { propose: () => ({ 'no key': 1 }) });
    await attend(stage, 'eve', { identity: createIdentity() });
    const options = { patienceMs: 50, round: 'r-nonsense' };
    const outcome = await establishGossip(stage.bus, stage.space, electorate, { heat: 1 }, options);
    expect(outcome).toMatchObject({ kind: 'agreed', value: { heat: 1 } });
    const outcomes = Object.fromEntries(outcome.participants.map((one) => [one.party, one.outcome]));
    expect(outcomes).toMatchObject({ ada: 'replied', dan: 'invalid', eve: 'invalid' });
    // One round, one paper and one end: who asks again is told that.
    const again = (heat: number): ReturnType<typeof establishGossip> =>
      establishGossip(stage.bus, stage.space, electorate, { heat }, options);
    expect(await again(1)).toMatchObject({ value: { heat: 1 }, durationMs: outcome.durationMs });
    await expect(again(2)).rejects.toEqual(code('round-reused'));
  });

  test.each(seedsOfFaults)(
    'among processes, one killed -9 and started again, one behind a proxy that loses a third, has them all agree (%i)',
    async (seed) => {
      await using stage = await openStage();
      await using proxy = await openLossyProxy(inject('natsUrl'), {
        seed,
        drop: ({ subject }) => (subject.endsWith('.gossip.step') ? 0.33 : 0),
        duplicate: () => 0.2,
        reorder: () => 0.2,
      });
      for (const party of ['ada', 'bob'] as const)
        await attend(stage, party, { propose: () => ({ [party]: 1, heat: 1 }) });
      const [victim] = await Promise.all([
        memberProcess(stage, 'cyd', { wish: { cyd: 1 } }),
        memberProcess(stage, 'dan', { wish: { dan: 1 }, url: proxy.url }),
      ]);
      const running = establishGossip(
        stage.bus,
        stage.space,
        electorate.slice(0, 4),
        {},
        { patienceMs: 15_000 },
      );
      await victim.line('asked');
      await victim.kill();
      await memberProcess(stage, 'cyd', { wish: { cyd: 2 } });
      const outcome = await running;
      // Before it was killed it may have told somebody; the later word counts.
      expect(outcome).toMatchObject({ kind: 'agreed', value: { ada: 1, bob: 1, cyd: 2, dan: 1, heat: 1 } });
      expect(proxy.counts.dropped).toBeGreaterThan(0);
    },
  );

  test.each([
    ['no-participants', []],
    ['duplicate-participants', [...electorate, electorate[0]]],
    ['invalid-proposal', [{ party: 'ada', key: 'U' }]],
  ])('is not begun with %s', async (expected, members) => {
    await using stage = await openStage();
    const known = members.filter((one) => one !== undefined);
    await expect(establishGossip(stage.bus, stage.space, known, {})).rejects.toEqual(code(expected));
  });
});

describe('a group that gossips', () => {
  const join = async (
    { space }: Stage,
    party: Name,
    options: Partial<GossipOptions> & { readonly url?: string } = {},
  ): Promise<GossipMember> => {
    const { url, ...rest } = options;
    const bus = await connection(party, url);
    const given = { identity: identityOf(party), members: electorate, everyMs: 20, ...rest };
    const member = joinGossip(bus, space, 'crew', party, given);
    onTestFinished(() => member[Symbol.asyncDispose]());
    await member.ready();
    return member;
  };
  const same = (members: readonly GossipMember[]): Promise<unknown> =>
    waitFor(() => new Set(members.map(({ digest }) => digest)).size === 1, { what: 'all hold the same' });

  test('holds everywhere what each has written, the later of two words, and tells who watches', async () => {
    await using stage = await openStage();
    const members = await Promise.all(names.map((party) => join(stage, party)));
    const [ada, bob] = members;
    if (ada === undefined || bob === undefined) throw new Error('five members');
    const watching = new AbortController();
    const seen: GossipEntry[] = [];
    const watched = (async () => {
      for await (const entry of bob.watch({ signal: watching.signal })) {
        seen.push(entry);
        if (entry.value === 'second') watching.abort();
      }
    })();
    ada.set('heat', 'first');
    await waitFor(() => bob.get('heat') === 'first', { what: 'bob has heard' });
    bob.set('heat', 'second');
    for (const member of members) member.set(member.party, [member.party]);
    await watched;
    await waitFor(() => members.every(({ entries }) => entries.size === 6), { what: 'all hold six keys' });
    await same(members);
    expect(ada.get('heat')).toBe('second');
    expect(ada.entries.get('heat')).toMatchObject({ party: 'bob' });
    expect(seen.map(({ party }) => party)).toContain('ada');
    expect(() => ada.set('no key', 1)).toThrow(code('invalid-proposal'));
  });

  test('lets nothing in that its party did not sign, and counts it', async () => {
    await using stage = await openStage();
    const [ada, bob] = [await join(stage, 'ada'), await join(stage, 'bob')];
    ada.set('heat', 1);
    await same([ada, bob]);
    const [entry] = ada.entries.values();
    const forged = { ...entry, value: 99, at: (entry?.at ?? 0) + 1 };
    const message = { kind: 'give', entries: [forged], wants: [] };
    const subject = subjects(stage.space).at('round.bob.gossip.step');
    stage.bus.publish(subject, { group: 'crew', from: 'cyd', message });
    stage.bus.publish(subject, { group: 'crew', from: 'cyd', message: { kind: 'give', entries: 7 } });
    stage.bus.publishBytes(subject, new TextEncoder().encode('{"group":'));
    await waitFor(() => bob.refused.forged === 1, { what: 'bob has refused it' });
    expect([bob.get('heat'), bob.refused]).toEqual([1, { forged: 1, ahead: 0 }]);
  });

  test('a clock that is hours ahead is not believed, and moves nobody', async () => {
    await using stage = await openStage();
    const ada = await join(stage, 'ada', { clock: () => Date.now() + 7_200_000 });
    const bob = await join(stage, 'bob');
    ada.set('heat', 1);
    await waitFor(() => bob.refused.ahead > 0, { what: 'bob has refused it' });
    bob.set('heat', 2);
    expect(bob.entries.get('heat')?.at).toBeLessThan(Date.now() + 1_000);
  });

  test.each(seedsOfFaults)(
    'over a proxy that loses a third, and with one killed -9 that comes back empty, converges (%i)',
    async (seed) => {
      await using stage = await openStage();
      await using proxy = await openLossyProxy(inject('natsUrl'), {
        seed,
        drop: ({ subject }) => (subject.endsWith('.gossip.step') ? 0.33 : 0),
        duplicate: () => 0.3,
        reorder: () => 0.3,
      });
      const ada = await join(stage, 'ada');
      const bob = await join(stage, 'bob', { url: proxy.url });
      const first = await memberProcess(stage, 'cyd', { wish: { n: 1 } });
      await waitFor(() => ada.get('cyd.n') === 1, { what: 'ada has heard of cyd' });
      await first.kill();
      ada.set('heat', 1);
      bob.set('model', 'small');
      const second = await memberProcess(stage, 'cyd', { wish: { m: 2 } });
      // It has forgotten what it wrote; the others have not.
      await second.line('map {"cyd.m":2,"cyd.n":1,"heat":1,"model":"small"}');
      await waitFor(() => [ada, bob].every(({ entries }) => entries.size === 4), {
        what: 'both hold all four',
      });
      await same([ada, bob]);
      expect(proxy.counts.dropped).toBeGreaterThan(0);
    },
  );

  test('takes only members, with the keys they have', async () => {
    await using stage = await openStage();
    const join = (party: string, identity: Identity): unknown =>
      joinGossip(stage.bus, stage.space, 'crew', party, { identity, members: electorate });
    expect(() => join('zoe', identityOf('ada'))).toThrow(code('invalid-proposal'));
    expect(() => join('ada', createIdentity())).toThrow(code('invalid-proposal'));
  });
});
