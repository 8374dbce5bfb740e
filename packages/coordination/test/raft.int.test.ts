import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  canonicalBytes,
  connectBus,
  createIdentity,
  createSeed,
  ensureStreams,
  openIdentity,
  spaceStreams,
  type Bus,
  type Identity,
} from '@mabeam/bus';
import {
  appendToLog,
  attendRaft,
  establishRaft,
  joinRaft,
  logSubject,
  proposeEntry,
  readLog,
  verifyRaftDecision,
  type LogEntry,
  type LogTip,
  type RaftElector,
  type RaftMember,
  type RaftOutcome,
} from '@mabeam/coordination';
import { startServer } from '@mabeam/bus/server';
import { freshSpace, openFaultProxy, openLossyProxy, seededRandom, waitFor } from '@mabeam/testing';
import type { Json } from '@mabeam/variables';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startFixture, type FixtureProcess } from './fixtures/processes.ts';
import { code, openStage, type Stage } from './negotiation-stage.ts';

const long = process.env['MABEAM_LONG'] === '1';
const electionMs = 300;
const group = 'books';
const names = ['ada', 'bob', 'cyd'];
const seeds = new Map(names.map((party) => [party, createSeed()]));

function identityOf(party: string): Identity {
  return openIdentity(seeds.get(party) ?? '');
}

const electorate: readonly RaftElector[] = names.map((party) => ({
  party,
  key: identityOf(party).publicKey,
}));

/** A member on a connection of its own, whose machine is a list. */
interface Sitting {
  readonly member: RaftMember;
  readonly list: readonly Json[];
  readonly leave: () => Promise<void>;
}

async function sit(
  { space }: Pick<Stage, 'space'>,
  party: string,
  url = inject('natsUrl'),
  patienceMs = electionMs,
): Promise<Sitting> {
  const bus = await connectBus({ url, name: party });
  const list: Json[] = [];
  const apply = (body: Json): Json => {
    if (body === 'bad') throw new TypeError('cannot do that');
    list.push(body);
    return [...list];
  };
  const member = await joinRaft(bus, space, group, party, {
    identity: identityOf(party),
    electorate,
    apply,
    electionMs: patienceMs,
  });
  const leave = async (): Promise<void> => {
    await member[Symbol.asyncDispose]();
    await bus.close(0);
  };
  onTestFinished(leave);
  return { member, list, leave };
}

/** A member in a process of its own. */
function start({ space }: Stage, party: string, url = inject('natsUrl')): FixtureProcess {
  const words = [
    url,
    space,
    group,
    party,
    seeds.get(party) ?? '',
    JSON.stringify(electorate),
    String(2 * electionMs),
  ];
  const child = startFixture('raft-member', url, words);
  onTestFinished(() => child.kill());
  return child;
}

async function attend({ space }: Stage, party: string): Promise<Bus> {
  const bus = await connectBus({ url: inject('natsUrl'), name: party });
  const attendance = attendRaft(bus, space, party, { identity: identityOf(party) });
  await attendance.ready();
  onTestFinished(async () => {
    await attendance[Symbol.asyncDispose]();
    await bus.close(0);
  });
  return bus;
}

const propose = ({ bus, space }: Pick<Stage, 'bus' | 'space'>, body: Json, id?: string, timeoutMs = 20_000) =>
  proposeEntry(bus, space, group, names, body, { id, timeoutMs, requestTimeoutMs: 3_000 });

function decisionOf(outcome: RaftOutcome): Extract<RaftOutcome, { kind: 'agreed' }> {
  if (outcome.kind !== 'agreed') throw new Error(`it ended in ${outcome.kind}`);
  return outcome;
}

/** What is in the group's log. */
async function logOf({ bus, space }: Stage): Promise<readonly LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const entry of readLog(bus, space, `raft-${group}`)) entries.push(entry);
  return entries;
}

describe('a group of three', () => {
  test('elects one of them, and all do the same operations in the same order, each once', async () => {
    await using stage = await openStage();
    const sittings = await Promise.all(names.map((party) => sit(stage, party)));
    const count = long ? 200 : 12;
    const bodies = Array.from({ length: count }, (_, i) => i);
    const proposed = await Promise.all(bodies.map((body) => propose(stage, body, `op-${body}`)));
    const lengths = proposed.map((one) =>
      one.kind === 'committed' && Array.isArray(one.result) ? one.result.length : 0,
    );
    expect(lengths.toSorted((a, b) => a - b)).toEqual(bodies.map((i) => i + 1));
    const last = Math.max(...proposed.map((one) => (one.kind === 'committed' ? one.index : 0)));
    const patience = AbortSignal.timeout(5_000);
    expect(await Promise.all(sittings.map(({ member }) => member.whenApplied(last, patience)))).toEqual([
      true,
      true,
      true,
    ]);
    const [first] = sittings;
    expect(new Set(first?.list)).toEqual(new Set(bodies));
    for (const { list } of sittings) expect(list).toEqual(first?.list);
    const seen = (): number => new Set(sittings.map(({ member }) => `${member.leader} ${member.term}`)).size;
    const leading = (): number => sittings.filter(({ member }) => member.isLeader).length;
    await waitFor(() => seen() === 1 && leading() === 1, { what: 'all see the one leader' });
    const again = await propose(stage, 3, 'op-3');
    expect(again).toEqual(proposed[3]);
    await expect(propose(stage, 4, 'op-3')).rejects.toThrow(code('round-reused'));
    expect(await operationsIn(stage)).toHaveLength(count);
  }, 120_000);

  test('answers with what an operation throws, and goes on', async () => {
    await using stage = await openStage();
    await Promise.all(names.map((party) => sit(stage, party)));
    expect(await propose(stage, 'bad')).toMatchObject({
      kind: 'committed',
      error: { message: 'cannot do that' },
    });
    expect(await propose(stage, 'good')).toMatchObject({ kind: 'committed', result: ['good'] });
  });

  test('with one of them alone refuses for want of a quorum, does nothing, and goes on when another comes', async () => {
    await using stage = await openStage();
    const sittings = await Promise.all(names.map((party) => sit(stage, party)));
    await propose(stage, 'before');
    const leader = await waitFor(() => sittings.find(({ member }) => member.isLeader), { what: 'one leads' });
    const others = sittings.filter((one) => one !== leader);
    await Promise.all(others.map(({ leave }) => leave()));
    await waitFor(() => !leader.member.isLeader, { what: 'the leader has stepped down' });
    expect(await propose(stage, 'alone', 'op-alone', 600)).toEqual({ kind: 'no-quorum' });
    expect(await operationsIn(stage)).toHaveLength(1);
    await sit(stage, others[0]?.member.party ?? '');
    expect(await propose(stage, 'after')).toMatchObject({ kind: 'committed', result: ['before', 'after'] });
    await waitFor(() => leader.list.length === 2, { what: 'the first has applied it too' });
    expect(leader.list).toEqual(['before', 'after']);
  });

  test('passes over what is in its log and not by its leader', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const sittings = await Promise.all(names.map((party) => sit(stage, party)));
    await propose(stage, 'a');
    const entries = await logOf(stage);
    const tip: LogTip | undefined = entries.at(-1);
    const own = entries.at(-1)?.body;
    if (tip === undefined || typeof own !== 'object') throw new Error('nothing was written');
    const forged = [
      { ...own, id: 'other' },
      { ...own, body: 'b' },
      { v: 1, kind: 'term', group: 'other', term: 99, leader: 'ada', votes: [] },
    ];
    let after = tip;
    for (const body of forged) {
      const appended = await appendToLog(bus, space, `raft-${group}`, body, { after });
      if (appended.kind !== 'appended') throw new Error(appended.kind);
      after = appended.entry;
    }
    await bus.store(logSubject(space, `raft-${group}`), Buffer.from('nonsense'));
    expect(await propose(stage, 'c')).toMatchObject({ kind: 'committed', result: ['a', 'c'] });
    expect(sittings.every(({ member }) => member.term < 99)).toBe(true);
  });

  test('has another leader when the first is cut off, which finds itself deposed when it is back', async () => {
    await using stage = await openStage();
    const proxies = await Promise.all(names.map(() => openFaultProxy(inject('natsUrl'))));
    onTestFinished(async () => {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    });
    const sittings = await Promise.all(names.map((party, i) => sit(stage, party, proxies[i]?.url)));
    await propose(stage, 'a');
    const first = await waitFor(() => sittings.find(({ member }) => member.isLeader), { what: 'one leads' });
    const proxy = proxies[sittings.indexOf(first)];
    proxy?.refuse();
    proxy?.cut();
    expect(await propose(stage, 'b')).toMatchObject({ kind: 'committed', result: ['a', 'b'] });
    const isAnother = ({ member }: Sitting): boolean => member.isLeader && member !== first.member;
    const second = await waitFor(() => sittings.find(isAnother), { what: 'another leads' });
    expect(second.member.term).toBeGreaterThan(first.member.term);
    proxy?.accept();
    await waitFor(() => first.list.length === 2 && first.member.term >= second.member.term, {
      what: 'the first leader has read on',
    });
    expect(first.list).toEqual(['a', 'b']);
  });

  test('goes on behind a network that loses and doubles what one of them hears and says', async () => {
    await using stage = await openStage();
    await using proxy = await openLossyProxy(inject('natsUrl'), {
      seed: 3,
      drop: ({ subject }) => (subject.endsWith('.step') || subject.endsWith('.propose') ? 0.4 : 0),
      duplicate: ({ subject }) => (subject.includes('.round.') ? 0.3 : 0),
    });
    const sittings = await Promise.all(
      names.map((party, i) => sit(stage, party, i === 0 ? proxy.url : inject('natsUrl'))),
    );
    const count = long ? 40 : 4;
    for (let i = 0; i < count; i++)
      expect(
        await proposeEntry(stage.bus, stage.space, group, names, i, { requestTimeoutMs: 300 }),
      ).toMatchObject({ kind: 'committed' });
    const all = Array.from({ length: count }, (_, i) => i);
    await waitFor(() => sittings.every(({ list }) => list.length === count), {
      what: 'all have applied all',
    });
    expect(sittings.map(({ list }) => list)).toEqual([all, all, all]);
    expect(proxy.counts.dropped).toBeGreaterThan(0);
  }, 120_000);
});

describe('a group whose server is killed and started again', () => {
  test('has what was committed, and goes on', async () => {
    const storeDir = await mkdtemp(path.join(tmpdir(), 'mabeam-raft-'));
    const server = await startServer({ storeDir });
    const { port, url } = server;
    const bus = await connectBus({ url, name: 'asker' });
    const stage = { bus, space: freshSpace() };
    await ensureStreams(bus, spaceStreams(stage.space));
    const sittings = await Promise.all(names.map((party) => sit(stage, party, url)));
    expect(await propose(stage, 'a')).toMatchObject({ kind: 'committed' });
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
    const again = await startServer({ storeDir, port });
    onTestFinished(async () => {
      await bus.close(0);
      await again.stop();
      await rm(storeDir, { recursive: true, force: true });
    });
    expect(await propose(stage, 'b')).toMatchObject({ kind: 'committed', result: ['a', 'b'] });
    await waitFor(() => sittings.every(({ list }) => list.length === 2), { what: 'all have applied both' });
    expect(sittings.map(({ member }) => member.failed.aborted)).toEqual([false, false, false]);
  }, 60_000);
});

describe('a leader that dies by kill -9 between writing and hearing of it', () => {
  test.each([
    { fate: 'unheard', isKept: true, what: 'has what it wrote, everywhere' },
    {
      fate: 'unsent',
      isKept: false,
      what: 'has nothing of what did not arrive, anywhere, until it is proposed again',
    },
  ] as const)(
    'leaves a group that $what',
    async ({ fate, isKept }) => {
      await using stage = await openStage();
      const subject = logSubject(stage.space, `raft-${group}`);
      const caught = Promise.withResolvers<void>();
      let isOn = false;
      await using proxy = await openLossyProxy(inject('natsUrl'), {
        seed: 1,
        // Its entry never arrives; or whatever the server answers is never heard.
        drop: ({ verb, subject: on }) => {
          if (!isOn) return 0;
          const isEntry = on === subject && verb.endsWith('PUB');
          if (isEntry) caught.resolve();
          const isLost = fate === 'unsent' ? isEntry : verb.endsWith('MSG') && on.startsWith('_INBOX');
          return isLost ? 1 : 0;
        },
      });
      // The first by name stands at once.
      const ada = start(stage, 'ada', proxy.url);
      await ada.line('ready');
      const others = await Promise.all(
        ['bob', 'cyd'].map((party) => sit(stage, party, undefined, 2 * electionMs)),
      );
      expect(await propose(stage, 'first')).toMatchObject({ kind: 'committed', result: ['first'] });
      expect(others.map(({ member }) => member.leader)).toEqual(['ada', 'ada']);
      isOn = true;
      const tried = proposeEntry(stage.bus, stage.space, group, ['ada'], fate, {
        id: 'op',
        timeoutMs: 1_000,
      });
      await caught.promise;
      await waitFor(async () => (await operationsIn(stage)).includes(fate) === isKept, {
        what: 'it is where it belongs',
      });
      await ada.kill();
      expect((await tried).kind).toBe('timeout');
      const kept = isKept ? ['first', fate] : ['first'];
      expect(await propose(stage, 'next')).toMatchObject({ kind: 'committed', result: [...kept, 'next'] });
      const again = await propose(stage, fate, 'op');
      expect(again.kind).toBe('committed');
      const all = isKept ? [...kept, 'next'] : [...kept, 'next', fate];
      expect(await operationsIn(stage)).toEqual(all);
      const back = await sit(stage, 'ada', undefined, 2 * electionMs);
      expect(back.list).toEqual(all);
      expect(await propose(stage, 'last')).toMatchObject({ kind: 'committed', result: [...all, 'last'] });
      const everybody = [...others, back];
      await waitFor(() => everybody.every(({ list }) => list.length === all.length + 1), {
        what: 'all have applied all',
      });
      expect(everybody.map(({ list }) => list)).toEqual(everybody.map(() => [...all, 'last']));
    },
    60_000,
  );
});

/** The operations in the group's log, in order. */
async function operationsIn(stage: Stage): Promise<readonly unknown[]> {
  return (await logOf(stage)).flatMap(({ body }) =>
    typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'operation' && 'body' in body
      ? [body.body]
      : [],
  );
}

describe('a decision of a group', () => {
  test('is made by parties that knew nothing of each other before, and anybody verifies it', async () => {
    await using stage = await openStage();
    await Promise.all(names.map((party) => attend(stage, party)));
    const { bus, space } = stage;
    const outcome = decisionOf(
      await establishRaft(bus, space, electorate, { limit: 3 }, { subject: 'limit', round: 'r-1' }),
    );
    expect(outcome).toMatchObject({ value: { limit: 3 } });
    const [, ended] = await stage.rounds();
    expect(ended).toMatchObject({ protocol: 'raft', subject: 'limit', outcome: { kind: 'agreed' } });
    const keys = Object.fromEntries(electorate.map(({ party, key }) => [party, key]));
    expect(verifyRaftDecision(outcome.certificate, { keys })).toMatchObject({
      kind: 'valid',
      value: { limit: 3 },
      id: 'r-1',
    });
    expect(verifyRaftDecision(outcome.certificate, { keys: { ada: createIdentity().publicKey } }).kind).toBe(
      'invalid',
    );
    expect(editsNotFound(outcome.certificate)).toEqual([]);
    const again = await establishRaft(
      bus,
      space,
      electorate,
      { limit: 3 },
      { subject: 'limit', round: 'r-1' },
    );
    expect(decisionOf(again).certificate).toEqual(outcome.certificate);
    await expect(establishRaft(bus, space, electorate, { limit: 4 }, { round: 'r-1' })).rejects.toThrow(
      code('round-reused'),
    );
    const next = decisionOf(await establishRaft(bus, space, electorate, 'next'));
    expect(next.value).toBe('next');
    expect(next.index).toBeGreaterThan(outcome.index);
  });

  test('is made in a group that was joined before', async () => {
    await using stage = await openStage();
    const sittings = await Promise.all(names.map((party) => sit(stage, party)));
    const outcome = decisionOf(await establishRaft(stage.bus, stage.space, electorate, 'a', { group }));
    expect(verifyRaftDecision(outcome.certificate)).toMatchObject({ kind: 'valid', group, value: 'a' });
    await waitFor(() => sittings.every(({ list }) => list.includes('a')), { what: 'all have applied it' });
  });

  test('takes a majority: with one of three it ends in no-quorum, without another electorate for the same name', async () => {
    await using stage = await openStage();
    await attend(stage, 'ada');
    const { bus, space } = stage;
    const outcome = await establishRaft(bus, space, electorate, 'a', { timeoutMs: 800 });
    expect(outcome.kind).toBe('no-quorum');
    expect(outcome.participants.find(({ party }) => party === 'bob')?.outcome).toBe('unavailable');
    const stranger = [{ party: 'ada', key: createIdentity().publicKey }];
    expect((await establishRaft(bus, space, stranger, 'a', { timeoutMs: 800 })).kind).toBe('no-quorum');
    await expect(establishRaft(bus, space, [], 'a')).rejects.toThrow(code('no-participants'));
    const twice = [...electorate, ...electorate];
    await expect(establishRaft(bus, space, twice, 'a')).rejects.toThrow(code('duplicate-participants'));
  });
});

/** The places of 500 single-bit edits of a certificate that nobody found. */
function editsNotFound(certificate: unknown): readonly number[] {
  const bytes = canonicalBytes(certificate);
  expect(verifyRaftDecision(bytes).kind).toBe('valid');
  const random = seededRandom(7);
  const places = Array.from({ length: 500 }, () => Math.floor(random() * bytes.length * 8));
  return places.filter((bit) => {
    const edited = Uint8Array.from(bytes);
    edited[bit >> 3] = (edited[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return verifyRaftDecision(edited).kind === 'valid';
  });
}
