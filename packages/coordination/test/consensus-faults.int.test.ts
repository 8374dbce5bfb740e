/** Rounds end once, whoever dies, forgets, forges or asks again. */
import { connectBus, createIdentity, openEvents, type Bus, type Identity } from '@mabeam/bus';
import {
  establishConsensus,
  establishPbft,
  joinConsensus,
  joinPbft,
  readRounds,
  verifyCertificate,
  type Certificate,
  type Consensus,
  type ConsensusOptions,
  type PbftOutcome,
  type VoterVoice,
} from '@mabeam/coordination';
import { openLossyProxy, waitFor, type FrameFaultOptions } from '@mabeam/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { paperDigest, writePaper } from '../src/consensus/paper.ts';
import { readPaper, signVote } from '../src/consensus/vote.ts';
import { holdRound } from '../src/session/hold-round.ts';
import { startFixture } from './fixtures/processes.ts';
import { code, openStage, type Stage } from './negotiation-stage.ts';
import { twoThirds } from './two-thirds.ts';

const natsUrl = inject('natsUrl');
const names = ['ada', 'bob', 'cyd'];
const electorate = names.map((party) => ({ party }));
const eitherOr: ConsensusOptions = { round: 'r-1', alternatives: ['b'] };

/** Puts a against b to the vote in the round r-1. */
function ask({ bus, space }: Stage, options: ConsensusOptions = eitherOr): Promise<Consensus> {
  return establishConsensus(bus, space, electorate, 'a', options);
}

/** Voters that vote as told; disposing of them is the end of their memory. */
async function voters({ bus, space }: Stage, vote: VoterVoice['vote']): Promise<AsyncDisposable> {
  const voting = names.map((party) => joinConsensus(bus, space, party, { identity: createIdentity(), vote }));
  await bus.flush();
  return {
    [Symbol.asyncDispose]: async () => {
      for (const voter of voting) await voter[Symbol.asyncDispose]();
    },
  };
}

/** Voters without a memory: each votes for a when it is asked first, for b ever after. */
function forgetfulVoters({ bus, space }: Stage): { readonly asked: () => number } {
  let asked = 0;
  for (const party of names) {
    const identity = createIdentity();
    let times = 0;
    const service = bus.serve(`mabeam.${space}.round.${party}.consensus.vote`, ({ body }) => {
      const paper = readPaper(body)?.paper;
      if (paper === undefined) throw new Error('no paper');
      asked += 1;
      const { accepts, key, signature } = signVote(
        identity,
        paperDigest(paper),
        party,
        times++ === 0 ? 0 : 1,
      );
      return { kind: 'vote', accepts, key, signature };
    });
    onTestFinished(() => service.close());
  }
  return { asked: () => asked };
}

/** The outcomes that are kept as ends of r-1. */
async function ends(stage: Stage): Promise<readonly unknown[]> {
  const bodies = await stage.rounds();
  return bodies.filter((body) => 'outcome' in body).map(({ outcome }) => outcome);
}

const asKept = (outcome: unknown): unknown => JSON.parse(JSON.stringify(outcome));

describe('a round of votes', () => {
  test('has one decision for all who ask in it, though the votes would bear two', async () => {
    await using stage = await openStage();
    forgetfulVoters(stage);
    const { space } = stage;
    const other = await connectBus({ url: natsUrl, name: 'other' });
    onTestFinished(() => other.close(0));
    const outcomes = await Promise.all([ask(stage), ask({ ...stage, bus: other }), ask(stage)]);
    const [kept] = await ends(stage);
    expect(await ends(stage)).toHaveLength(1);
    expect(outcomes.map(asKept)).toEqual([kept, kept, kept]);
    expect((await readRounds(other, space, 'r-1'))[0]?.outcome).toEqual(kept);
    expect(outcomes[0].kind).toBe('agreed');
  });

  test('keeps its decision when all its voters are started anew with another mind', async () => {
    await using stage = await openStage();
    const before = await voters(stage, () => 0);
    const first = await ask(stage);
    await before[Symbol.asyncDispose]();
    await using _after = await voters(stage, () => 1);
    const second = await ask(stage);
    expect(first).toMatchObject({ kind: 'agreed', value: 'a' });
    expect(second).toEqual(asKept(first));
    // They would have decided otherwise, and may, in a round of their own.
    expect(await ask(stage, { alternatives: ['b'] })).toMatchObject({ kind: 'agreed', value: 'b' });
  });

  test('whose asker is killed -9 is ended by the next who asks, and for who comes after that', async () => {
    await using stage = await openStage();
    const { space } = stage;
    const hesitating = Promise.withResolvers<void>();
    let asked = 0;
    await using _voters = await voters(stage, async () => {
      asked += 1;
      await hesitating.promise;
      return 0;
    });
    const words = [natsUrl, space, 'r-2', 'a', names.join(',')];
    await using asker = startFixture('asker', natsUrl, words);
    await waitFor(() => asked === names.length, { what: 'all are asked', timeoutMs: 15_000 });
    await asker.kill();
    hesitating.resolve();
    expect((await readRounds(stage.bus, space, 'r-2'))[0]).not.toHaveProperty('endedAt');
    const second = await ask(stage, { round: 'r-2' });
    expect(second).toMatchObject({ kind: 'agreed', value: 'a' });
    await using third = startFixture('asker', natsUrl, words);
    expect(JSON.parse((await third.line('outcome ')).slice('outcome '.length))).toEqual(asKept(second));
    expect(await ends(stage)).toHaveLength(1);
  }, 60_000);

  test('about something else asks nobody, and is refused', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const { asked } = forgetfulVoters(stage);
    await ask(stage);
    const before = asked();
    await expect(ask(stage, { round: 'r-1' })).rejects.toThrow(code('round-reused'));
    await expect(ask(stage, { ...eitherOr, algorithm: 'unanimous' })).rejects.toThrow(code('round-reused'));
    const members = [...names, 'dan'].map((party) => ({ party, key: createIdentity().publicKey }));
    const asCommittee = establishPbft(bus, space, members, 'a', { round: 'r-1' });
    await expect(asCommittee).rejects.toThrow(code('round-reused'));
    expect(asked()).toBe(before);
    expect(await ends(stage)).toHaveLength(1);
  });

  test('that its asker called off is no end: who asks again decides it, and every voter learns that', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const told: Certificate[] = [];
    const [hesitating, calling] = [Promise.withResolvers<void>(), new AbortController()];
    const voter = joinConsensus(bus, space, 'ada', {
      identity: createIdentity(),
      vote: async () => {
        calling.abort();
        await hesitating.promise;
        return true;
      },
      decided: (certificate) => told.push(certificate),
    });
    onTestFinished(() => voter[Symbol.asyncDispose]());
    const askAda = (options: ConsensusOptions): Promise<Consensus> =>
      establishConsensus(bus, space, [{ party: 'ada' }], 'a', { round: 'r-1', ...options });
    await expect(askAda({ signal: calling.signal })).rejects.toThrow(code('cancelled'));
    hesitating.resolve();
    const decided = await askAda({});
    expect(decided).toMatchObject({ kind: 'agreed', value: 'a' });
    expect(await askAda({})).toEqual(asKept(decided));
    expect((await ends(stage)).map((outcome) => kindOf(outcome))).toEqual(['failed', 'agreed']);
    expect((await readRounds(bus, space, 'r-1'))[0]?.outcome?.['kind']).toBe('agreed');
    await waitFor(() => told.length === 1, { what: 'the voter hears of it' });
  });

  test('is ended by the next who asks, where its protocol says that an ending is not final', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const about = { round: 'r-1', protocol: 'ledger', strategy: 's', subject: 's', electorate: [] };
    const end = (kind: string): Promise<{ readonly kind: string }> =>
      holdRound(bus, space, about, () => Promise.resolve({ kind }), { isFinal: (one) => one === 'agreed' });
    for (const kind of ['no-quorum', 'timeout', 'agreed', 'timeout']) await end(kind);
    expect((await ends(stage)).map((outcome) => kindOf(outcome))).toEqual(['no-quorum', 'timeout', 'agreed']);
    expect((await readRounds(bus, space, 'r-1'))[0]?.outcome?.['kind']).toBe('agreed');
  });

  test('that ended without a decision has none for who asks again', async () => {
    await using stage = await openStage();
    const first = await ask(stage);
    expect(first.kind).toBe('no-majority');
    await using _late = await voters(stage, () => 0);
    expect(await ask(stage)).toEqual(asKept(first));
  });

  test('takes no end that somebody has put there without its proof', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    await using _voters = await voters(stage, () => 0);
    const real = await ask(stage, { round: 'r-0', alternatives: ['b'] });
    const [, ended = {}] = await stage.rounds();
    const paper = paperDigest(
      writePaper({
        space,
        round: 'r-1',
        algorithm: 'simple-majority',
        electorate,
        alternatives: ['a', 'b'],
      }),
    );
    const forgeries = [
      { v: 1 },
      { ...ended, round: 'r-1' },
      { ...ended, round: 'r-1', paper },
      // Its forger knows what is asked, and has the votes of another round.
      { ...ended, round: 'r-1', paper, outcome: { ...real, round: 'r-1' } },
    ];
    for (const body of forgeries) {
      await openEvents(bus, space).publish('round', 'r-1', 'ended', body);
      await expect(ask(stage), JSON.stringify(body)).rejects.toThrow(code('round-reused'));
    }
  });
});

function kindOf(outcome: unknown): unknown {
  return typeof outcome === 'object' && outcome !== null && 'kind' in outcome ? outcome.kind : undefined;
}

/** A bus behind a proxy that loses the first acknowledgement of the end of r-1. */
async function forgettingServer(
  { space }: Stage,
  { isCut, ...faults }: Omit<FrameFaultOptions, 'seed' | 'drop'> & { readonly isCut: boolean },
): Promise<{ readonly bus: Bus; readonly lost: () => number }> {
  const ended = `mabeam.${space}.event.round.r-1.ended`;
  const replies = new Set<string>();
  let lost = 0;
  const proxy = await openLossyProxy(natsUrl, {
    seed: 1,
    ...faults,
    drop: ({ verb, subject, reply }) => {
      if (verb.endsWith('PUB') && subject === ended && reply !== undefined) replies.add(reply);
      if (!verb.endsWith('MSG') || !replies.has(subject) || lost > 0) return 0;
      lost += 1;
      if (isCut) queueMicrotask(() => proxy.cut());
      return 1;
    },
  });
  const bus = await connectBus({ url: proxy.url, name: 'behind the proxy' });
  onTestFinished(async () => {
    await bus.close(0);
    await proxy[Symbol.asyncDispose]();
  });
  return { bus, lost: () => lost };
}

describe('an asker', () => {
  test.each([
    ['the connection was lost with its acknowledgement', { isCut: true }],
    ['it arrived twice and only the second was answered', { isCut: false, duplicate: () => 1 }],
  ])('does not take its own end for that of another: %s', async (_, faults) => {
    await using stage = await openStage();
    await using _voters = await voters(stage, () => 0);
    const { bus, lost } = await forgettingServer(stage, faults);
    const outcome = await ask({ ...stage, bus });
    expect(lost()).toBe(1);
    const [kept] = await ends(stage);
    expect(await ends(stage)).toHaveLength(1);
    expect(asKept(outcome)).toEqual(kept);
    expect(outcome.kind).toBe('agreed');
  });

  test('whose end is lost on the way, and repeated when another has ended the round, is given that end', async () => {
    await using stage = await openStage();
    forgetfulVoters(stage);
    const ended = `mabeam.${stage.space}.event.round.r-1.ended`;
    const lost = Promise.withResolvers<void>();
    let isLost = false;
    await using proxy = await openLossyProxy(natsUrl, {
      seed: 1,
      drop: ({ verb, subject }) => {
        if (!verb.endsWith('PUB') || subject !== ended || isLost) return 0;
        isLost = true;
        proxy.refuse();
        queueMicrotask(() => proxy.cut());
        lost.resolve();
        return 1;
      },
    });
    const bus = await connectBus({ url: proxy.url, name: 'behind the proxy' });
    onTestFinished(() => bus.close(0));
    const slow = ask({ ...stage, bus });
    await lost.promise;
    const quick = await ask(stage);
    proxy.accept();
    expect(quick).toMatchObject({ kind: 'agreed', value: 'b' });
    expect(await slow).toEqual(asKept(quick));
    expect(await ends(stage)).toEqual([asKept(quick)]);
  });
});

/** Four members, who take what they are told to; starting them anew is the end of what they remember. */
function committeeIn({ bus, space }: Stage): {
  readonly sit: (accepts: readonly number[]) => Promise<AsyncDisposable>;
  readonly decide: (round: string, value?: string, asking?: Bus) => Promise<PbftOutcome>;
} {
  const identities = new Map<string, Identity>([...names, 'dan'].map((party) => [party, createIdentity()]));
  const members = [...identities].map(([party, { publicKey }]) => ({ party, key: publicKey }));
  return {
    sit: async (accepts) => {
      const seats = [...identities].map(([party, identity]) =>
        joinPbft(bus, space, party, { identity, accept: () => accepts }),
      );
      await bus.flush();
      return {
        [Symbol.asyncDispose]: async () => {
          for (const seat of seats) await seat[Symbol.asyncDispose]();
        },
      };
    },
    decide: (round, value = 'a', asking = bus) =>
      establishPbft(asking, space, members, value, {
        round,
        alternatives: ['b'],
        viewMs: 200,
        timeoutMs: 5_000,
      }),
  };
}

describe('a committee', () => {
  test('whose members are all started anew has decided what it had decided', async () => {
    await using stage = await openStage();
    const { sit, decide } = committeeIn(stage);
    const before = await sit([0, 1]);
    const first = await decide('r-1');
    await before[Symbol.asyncDispose]();
    await using _after = await sit([1, 0]);
    expect(first).toMatchObject({ kind: 'agreed', value: 'a' });
    expect(await decide('r-1')).toEqual(asKept(first));
    expect(await decide('r-2')).toMatchObject({ kind: 'agreed', value: 'b' });
  });

  test('hears nothing of a second paper under one id, though its asker is quicker than the first', async () => {
    await using stage = await openStage();
    const { sit, decide } = committeeIn(stage);
    await using _members = await sit([0, 1]);
    const refused = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await using proxy = await openLossyProxy(natsUrl, {
      seed: 1,
      hold: ({ subject }) => {
        if (!subject.endsWith('.pbft.open')) return undefined;
        begun.resolve();
        return refused.promise;
      },
    });
    const bus = await connectBus({ url: proxy.url, name: 'slow' });
    onTestFinished(() => bus.close(0));
    const slow = decide('r-1', 'x', bus);
    await begun.promise;
    await expect(decide('r-1', 'y')).rejects.toThrow(code('round-reused'));
    refused.resolve();
    expect(await slow).toMatchObject({ kind: 'agreed', value: 'x' });
  });
});

describe('a rule of one’s own', () => {
  test('counts, is verified by who knows it and by nobody else, and tells its voters', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const told: string[] = [];
    for (const [i, party] of names.entries()) {
      const voter = joinConsensus(bus, space, party, {
        identity: createIdentity(),
        vote: () => i !== 2,
        decided: () => told.push(party),
        ...(party === 'ada' ? { rules: [twoThirds] } : {}),
      });
      onTestFinished(() => voter[Symbol.asyncDispose]());
    }
    await bus.flush();
    const consensus = await ask(stage, { algorithm: twoThirds, round: 'r-1' });
    expect(consensus).toMatchObject({ kind: 'agreed', value: 'a', algorithm: 'two-thirds', support: [2] });
    const certificate = consensus.kind === 'agreed' ? consensus.certificate : undefined;
    expect(verifyCertificate(certificate, { rules: [twoThirds] }).kind).toBe('valid');
    expect(verifyCertificate(certificate)).toMatchObject({
      kind: 'invalid',
      problem: expect.stringContaining('two-thirds'),
    });
    expect(await ask(stage, { algorithm: twoThirds, round: 'r-1' })).toEqual(asKept(consensus));
    await waitFor(() => told.length > 0, { what: 'the voter that knows the rule hears of it' });
    expect(told).toEqual(['ada']);
  });

  test('cannot be called like one of ours', async () => {
    await using stage = await openStage();
    const posing = { ...twoThirds, name: 'unanimous' };
    await expect(ask(stage, { algorithm: posing })).rejects.toThrow(code('invalid-proposal'));
  });
});
