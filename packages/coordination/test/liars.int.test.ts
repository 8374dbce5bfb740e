/** What a party that lies on the wire cannot do: end what others have begun, speak for them, or keep them from hearing. */
import { connectBus, createIdentity, digestOf, openEvents, type Bus, type Identity } from '@mabeam/bus';
import {
  attendGossip,
  establishConsensus,
  establishRaft,
  joinConsensus,
  joinPbft,
  joinRaft,
  proposeEntry,
  readRounds,
  writePbftPaper,
  type Certificate,
  type PbftPaper,
} from '@mabeam/coordination';
import { waitFor } from '@mabeam/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { certify } from '../src/consensus/certificate.ts';
import { writeGossipPaper } from '../src/consensus/gossip/paper.ts';
import { paperDigest, writePaper } from '../src/consensus/paper.ts';
import { signVote } from '../src/consensus/vote.ts';
import { holdRound } from '../src/session/hold-round.ts';
import { announcementSubject, roundSubject } from '../src/session/round.ts';
import { code, openStage, type Stage } from './negotiation-stage.ts';

const names = ['ada', 'bob', 'cyd', 'dan'];
const identities = new Map(names.map((party) => [party, createIdentity()]));
const electorate = names.map((party) => ({ party, key: identityOf(party).publicKey }));

function identityOf(party: string): Identity {
  return identities.get(party) ?? createIdentity();
}

async function connection(name: string): Promise<Bus> {
  const bus = await connectBus({ url: inject('natsUrl'), name });
  onTestFinished(() => bus.close(0));
  return bus;
}

describe('a committee', () => {
  const paperIn = ({ space }: Stage, round: string): PbftPaper =>
    writePbftPaper({ space, round, faults: 1, viewMs: 200, electorate, alternatives: ['a'] });
  const sit = async ({ space }: Stage, ...parties: readonly string[]): Promise<void> => {
    for (const party of parties)
      await joinPbft(await connection(party), space, party, { identity: identityOf(party) }).ready();
  };
  const open = ({ bus, space }: Stage, party: string, paper: PbftPaper, withinMs: number): Promise<unknown> =>
    bus.request(
      roundSubject(space, party, 'pbft', 'open'),
      { round: paper.round, withinMs, paper },
      { timeoutMs: 20_000 },
    );

  test('goes on deciding for who gave it time, though another asks it for an instant only', async () => {
    await using stage = await openStage();
    const paper = paperIn(stage, 'r-1');
    await sit(stage, 'ada', 'bob');
    const patient = ['ada', 'bob'].map((party) => open(stage, party, paper, 15_000));
    for (const party of ['ada', 'bob'])
      expect(await open(stage, party, paper, 1)).toEqual({ kind: 'abstain' });
    await sit(stage, 'cyd');
    const answers = await Promise.all([...patient, open(stage, 'cyd', paper, 15_000)]);
    expect(answers).toMatchObject(Array.from({ length: 3 }, () => ({ kind: 'decided', round: 'r-1' })));
  });

  test('goes on where it was when it is opened again after its time', async () => {
    await using stage = await openStage();
    const paper = paperIn(stage, 'r-3');
    await sit(stage, 'ada', 'bob');
    for (const party of ['ada', 'bob'])
      expect(await open(stage, party, paper, 30)).toEqual({ kind: 'abstain' });
    await sit(stage, 'cyd');
    const answers = await Promise.all(
      ['ada', 'bob', 'cyd'].map((party) => open(stage, party, paper, 15_000)),
    );
    expect(answers).toMatchObject(Array.from({ length: 3 }, () => ({ kind: 'decided', round: 'r-3' })));
  });

  test('tells its members what it has decided, and nobody else whose name is on a step', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const paper = paperIn(stage, 'r-2');
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    await sit(stage, 'ada', 'bob', 'cyd');
    await Promise.all(['ada', 'bob', 'cyd'].map((party) => open(stage, party, paper, 15_000)));
    const told: string[] = [];
    for (const party of ['dan', 'eve'])
      bus.subscribe(roundSubject(space, party, 'pbft', 'step'), () => void told.push(party));
    await bus.flush();
    const statement = { kind: 'prepare', session: digestOf(paper), view: 0, choice: 0 } as const;
    const signed = { statement, by: 'dan', signature: 'none' };
    const body = { round: 'r-2', message: { kind: 'prepare', signed } };
    for (const from of ['eve', 'no party', '', 'dan'])
      bus.publish(roundSubject(space, 'ada', 'pbft', 'step'), { ...body, from });
    await waitFor(() => told.includes('dan'), { what: 'who is a member is told' });
    expect(told).not.toContain('eve');
    expect(warnings).toEqual([]);
  });
});

describe('a gossip round', () => {
  test('goes on for who gave it time, though another asked first and for an instant only', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const terms = { everyMs: 10, fanout: 3, maxSkewMs: 5_000 };
    const paper = writeGossipPaper({ space, round: 'g-1', ...terms, electorate, proposal: { a: 1 } });
    const attending = attendGossip(await connection('ada'), space, 'ada', { identity: identityOf('ada') });
    await attending.ready();
    let greetings = 0;
    bus.subscribe(roundSubject(space, 'bob', 'gossip', 'step'), () => void (greetings += 1));
    await bus.flush();
    const ask = (endsInMs: number): Promise<unknown> =>
      bus.request(roundSubject(space, 'ada', 'gossip', 'report'), { round: 'g-1', paper, endsInMs });
    await ask(0);
    await ask(15_000);
    const before = greetings;
    await waitFor(() => greetings > before + 5, { what: 'it greets on' });
    await ask(0);
    const then = greetings;
    await waitFor(() => greetings > then + 5, { what: 'it greets on all the same' });
    expect(greetings).toBeGreaterThan(then);
  });
});

describe('a voter', () => {
  /** Bob asks ada alone, in a round in which somebody announces something before it is decided. */
  async function toldBeside(forge: (space: string) => readonly object[]): Promise<{
    readonly told: readonly string[];
    readonly genuine: string;
  }> {
    await using stage = await openStage();
    const { bus, space } = stage;
    const liar = await connection('liar');
    const told: Certificate[] = [];
    const vote = async (): Promise<boolean> => {
      for (const outcome of forge(space))
        liar.publish(announcementSubject(space, 'consensus'), { round: 'r-1', outcome });
      await liar.flush();
      return true;
    };
    const decided = (certificate: Certificate): void => void told.push(certificate);
    await joinConsensus(await connection('ada'), space, 'ada', {
      identity: identityOf('ada'),
      vote,
      decided,
    }).ready();
    const consensus = await establishConsensus(bus, space, [{ party: 'ada' }], 'a', { round: 'r-1' });
    if (consensus.kind !== 'agreed') throw new Error(`it ended in ${consensus.kind}`);
    const { hash: genuine } = consensus.certificate;
    await waitFor(() => told.some(({ hash }) => hash === genuine), { what: 'it is told' });
    return { told: told.map(({ hash }) => hash), genuine };
  }

  test('hears the decision although somebody announced that there is none', async () => {
    const { genuine, told } = await toldBeside(() => [{ kind: 'timeout' }, { kind: 'no-majority' }]);
    expect(told).toEqual([genuine]);
  });

  test('hears of no other paper in a round in which it voted, however well certified', async () => {
    const { genuine, told } = await toldBeside((space) => [certified(space)]);
    expect(told).toEqual([genuine]);
  });

  function certified(space: string): object {
    const algorithm = 'simple-majority';
    const eve = [{ party: 'eve' }];
    const paper = writePaper({ space, round: 'r-1', algorithm, electorate: eve, alternatives: ['b'] });
    const votes = [signVote(createIdentity(), paperDigest(paper), 'eve', 0)];
    const certificate = certify(paper, { kind: 'accepted', accepted: 0 }, { votes, durationMs: 1 });
    return { kind: 'agreed', certificate };
  }
});

describe('a group', () => {
  test('is not said to have agreed on a proposal by a member that answers with another operation', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const members = electorate.slice(0, 3);
    for (const party of ['bob', 'cyd']) {
      const options = { identity: identityOf(party), electorate: members, electionMs: 200 };
      const member = await joinRaft(await connection(party), space, 'books', party, options);
      onTestFinished(() => member[Symbol.asyncDispose]());
    }
    const done = await proposeEntry(bus, space, 'books', ['bob', 'cyd'], 'theirs', { id: 'r-1' });
    expect(done.kind).toBe('committed');
    // It answers for the same id, and the others give receipts for what is there.
    const subjectOf = (party: string): string => roundSubject(space, party, 'raft-books', 'propose');
    const liar = await connection('ada');
    let asked = 0;
    liar.serve(subjectOf('ada'), () => {
      asked += 1;
      return liar.request(subjectOf('bob'), { id: 'r-1', body: 'theirs' });
    });
    await liar.flush();
    const deciding = establishRaft(bus, space, members, 'ours', { round: 'r-1', group: 'books' });
    await expect(deciding).rejects.toThrow(code('round-reused'));
    expect(asked).toBe(1);
  });
});

describe('the list of rounds', () => {
  test('tells of a round by its own events, whatever others say of it', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const head = {
      round: 'r-1',
      protocol: 'consensus',
      subject: 'letter',
      strategy: 'unanimous',
      electorate: [],
    };
    await holdRound(bus, space, head, async () => ({ kind: 'rejected' }));
    const forged = { ...head, v: 1, by: 'eve', at: new Date(0).toISOString(), outcome: { kind: 'agreed' } };
    await openEvents(bus, space).publish('round', 'r-2', 'ended', forged);
    const rounds = await readRounds(bus, space);
    expect(rounds.map(({ outcome, round }) => [round, outcome?.['kind']])).toEqual([['r-1', 'rejected']]);
  });
});
