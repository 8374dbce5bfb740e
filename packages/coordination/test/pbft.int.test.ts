import {
  canonicalText,
  connectBus,
  createIdentity,
  createSeed,
  digestOf,
  openIdentity,
  type Identity,
} from '@mabeam/bus';
import {
  establishPbft,
  joinPbft,
  pbftPurpose,
  verifyPbftDecision,
  writePbftPaper,
  type CommitteeMember,
  type MemberVoice,
  type PbftDecision,
  type PbftOutcome,
  type Statement,
} from '@mabeam/coordination';
import { openLossyProxy, seededRandom, waitFor } from '@mabeam/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { roundSubject } from '../src/session/round.ts';
import { startFixture } from './fixtures/processes.ts';
import { code, openStage, type Stage } from './negotiation-stage.ts';

const lossyRounds = process.env['MABEAM_LONG'] === '1' ? 50 : 4;
const names = ['ada', 'bob', 'cyd', 'dan'];

/** Members on connections of their own; the electorate has all four, whoever sits. */
async function committee(
  { space }: Stage,
  sitting: readonly string[],
  { url = inject('natsUrl'), ...voice }: Omit<MemberVoice, 'identity'> & { readonly url?: string } = {},
): Promise<{
  readonly electorate: readonly CommitteeMember[];
  readonly identities: ReadonlyMap<string, Identity>;
}> {
  const identities = new Map(names.map((party) => [party, createIdentity()]));
  for (const party of sitting) {
    const bus = await connectBus({ url, name: party });
    onTestFinished(() => bus.close(0));
    await joinPbft(bus, space, party, { ...voice, identity: identityOf(identities, party) }).ready();
  }
  const electorate = names.map((party) => ({ party, key: identityOf(identities, party).publicKey }));
  return { electorate, identities };
}

function identityOf(identities: ReadonlyMap<string, Identity>, party: string): Identity {
  const identity = identities.get(party);
  if (identity === undefined) throw new Error(`nobody is called ${party}`);
  return identity;
}

function decisionOf(outcome: PbftOutcome): PbftDecision {
  if (outcome.kind !== 'agreed') throw new Error(`it ended in ${outcome.kind}`);
  return outcome.certificate;
}

function isStillValid(bytes: Buffer): boolean {
  try {
    const read: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return verifyPbftDecision(read).kind === 'valid';
  } catch {
    return false;
  }
}

/** The places of 500 single-bit edits that nobody found. */
function editsNotFound(decision: PbftDecision, keys: Readonly<Record<string, string>>): readonly number[] {
  const bytes = Buffer.from(canonicalText(decision));
  const random = seededRandom(5);
  expect(isStillValid(bytes)).toBe(true);
  expect(verifyPbftDecision(decision, { keys }).kind).toBe('valid');
  const places = Array.from({ length: 500 }, () => Math.floor(random() * bytes.length * 8));
  return places.filter((bit) => {
    const edited = Buffer.from(bytes);
    edited[bit >> 3] = (edited[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return isStillValid(edited);
  });
}

describe('a committee of four over the bus', () => {
  test('a member that is opened last has heard what was said before', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    const gate = Promise.withResolvers<void>();
    const { electorate, identities } = await committee(stage, ['ada', 'bob', 'cyd']);
    const last = await connectBus({ url: inject('natsUrl'), name: 'dan' });
    onTestFinished(() => last.close(0));
    const accept = async (): Promise<readonly number[]> => {
      await gate.promise;
      return [0];
    };
    await joinPbft(last, space, 'dan', { identity: identityOf(identities, 'dan'), accept }).ready();
    // Nothing is repeated before a quarter of this has passed.
    const viewMs = 60_000;
    const { paper } = decisionOf(await establishPbft(bus, space, electorate, 1, { viewMs }));
    gate.resolve();
    const { round } = paper;
    const answer = await bus.request(
      roundSubject(space, 'dan', 'pbft', 'open'),
      { round, withinMs: 8_000, paper },
      { timeoutMs: 8_000 },
    );
    expect(answer).toMatchObject({ kind: 'decided', round });
  });

  test('decides for what was proposed, and anybody verifies it', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage, names);
    const outcome = await establishPbft(
      stage.bus,
      stage.space,
      electorate,
      { limit: 3 },
      { subject: 'limit' },
    );
    expect(outcome).toMatchObject({ kind: 'agreed', value: { limit: 3 }, accepted: 0 });
    const [, ended] = await stage.rounds();
    expect(ended).toMatchObject({ protocol: 'pbft', subject: 'limit', outcome: { kind: 'agreed' } });
    const keys = Object.fromEntries(electorate.map(({ party, key }) => [party, key]));
    expect(editsNotFound(decisionOf(outcome), keys)).toEqual([]);
    expect(verifyPbftDecision(decisionOf(outcome), { keys: { ada: createIdentity().publicKey } }).kind).toBe(
      'invalid',
    );
  });

  test('does without its first primary, in a later view whose proof bears every single-bit edit to be found', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage, ['bob', 'cyd', 'dan']);
    const outcome = await establishPbft(stage.bus, stage.space, electorate, 'a', { viewMs: 150 });
    const decision = decisionOf(outcome);
    expect(decision.proof.view).toBeGreaterThan(0);
    expect(editsNotFound(decision, {})).toEqual([]);
  });

  test('survives kill -9 of the process whose turn it is', async () => {
    await using stage = await openStage();
    const seed = createSeed();
    const { electorate } = await committee(stage, ['bob', 'cyd', 'dan']);
    await using ada = startFixture('member', inject('natsUrl'), [
      inject('natsUrl'),
      stage.space,
      'ada',
      seed,
    ]);
    await ada.line('ready');
    const members = electorate.map((one) =>
      one.party === 'ada' ? { ...one, key: openIdentity(seed).publicKey } : one,
    );
    const killed = ada.line('sitting').then(() => ada.kill());
    const outcome = await establishPbft(stage.bus, stage.space, members, 'a', { viewMs: 150 });
    await killed;
    expect(outcome).toMatchObject({ kind: 'agreed', value: 'a' });
  }, 60_000);

  test('is not split by a primary that tells each something else; whoever asks again gets the same decision', async () => {
    await using stage = await openStage();
    const { electorate, identities } = await committee(stage, ['bob', 'cyd', 'dan']);
    const { bus, space } = stage;
    const round = 'r-liar';
    const liar = identityOf(identities, 'ada');
    const alternatives = ['a', 'b'];
    const paper = writePbftPaper({
      space,
      round,
      faults: 1,
      viewMs: 200,
      electorate: [...electorate],
      alternatives,
    });
    const say = (to: string, kind: 'propose' | 'prepare' | 'commit', choice: number): void => {
      const statement: Statement = { kind, session: digestOf(paper), view: 0, choice };
      const signed = { statement, by: 'ada', signature: liar.sign(pbftPurpose, statement) };
      bus.publish(`mabeam.${space}.round.${to}.pbft.step`, { round, from: 'ada', message: { kind, signed } });
    };
    const lies = bus.serve(`mabeam.${space}.round.ada.pbft.open`, () => {
      for (const [to, choice] of [
        ['bob', 0],
        ['cyd', 1],
        ['dan', 0],
      ] as const) {
        for (const kind of ['propose', 'prepare', 'commit'] as const) say(to, kind, choice);
      }
      return { kind: 'decided', proof: { view: 0, choice: 1 } };
    });
    const options = { round, viewMs: 200, alternatives: ['b'] };
    const outcomes = [];
    for (let asker = 0; asker < 3; asker++)
      outcomes.push(await establishPbft(bus, space, electorate, 'a', options));
    await lies.close();
    expect(new Set(outcomes.map((outcome) => canonicalText(decisionOf(outcome).proof.choice))).size).toBe(1);
    expect(outcomes[0]?.participants.find(({ party }) => party === 'ada')?.outcome).not.toBe('replied');
  });

  test('decides behind a network that loses and doubles what its members say, and each learns of it once', async () => {
    await using stage = await openStage();
    await using proxy = await openLossyProxy(inject('natsUrl'), {
      seed: 9,
      drop: ({ subject }) => (subject.endsWith('.pbft.step') ? 0.3 : 0),
      duplicate: () => 0.2,
    });
    const told: PbftDecision[] = [];
    const decided = (decision: PbftDecision): void => void told.push(decision);
    const { electorate } = await committee(stage, names, { url: proxy.url, decided });
    for (let value = 0; value < lossyRounds; value++) {
      const outcome = await establishPbft(stage.bus, stage.space, electorate, value, { viewMs: 150 });
      expect(outcome).toMatchObject({ kind: 'agreed', value });
    }
    expect(proxy.counts.dropped).toBeGreaterThan(0);
    const everybody = lossyRounds * names.length;
    await waitFor(() => told.length >= everybody, { what: 'all members know', timeoutMs: 15_000 });
    expect(told).toHaveLength(everybody);
    expect(told.every((decision) => verifyPbftDecision(decision).kind === 'valid')).toBe(true);
  });

  test('with two of four silent decides nothing, and says so at the deadline', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage, ['bob', 'cyd']);
    const outcome = await establishPbft(stage.bus, stage.space, electorate, 'a', {
      viewMs: 50,
      timeoutMs: 600,
    });
    expect(outcome.kind).toBe('timeout');
  });

  test('decides for what a quorum takes when the primary would rather have something else', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage, names, { accept: () => [1] });
    const options = { round: 'r-picky', alternatives: ['b'], viewMs: 200 };
    expect(await establishPbft(stage.bus, stage.space, electorate, 'a', options)).toMatchObject({
      value: 'b',
      accepted: 1,
    });
  });

  test('has at least 3f+1 members with different keys', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage, []);
    const [ada, bob, cyd, dan] = electorate;
    if (ada === undefined || bob === undefined || cyd === undefined || dan === undefined)
      throw new Error('four members');
    const establish = (members: readonly CommitteeMember[]): Promise<unknown> =>
      establishPbft(stage.bus, stage.space, members, 'a');
    await expect(establish([ada, bob, cyd])).rejects.toThrow(code('insufficient-agents'));
    await expect(establish([ada, bob, cyd, { ...dan, key: ada.key }])).rejects.toThrow(
      code('duplicate-participants'),
    );
    await expect(establish([ada, bob, cyd, { ...dan, key: 'U' }])).rejects.toThrow(code('invalid-proposal'));
  });
});
