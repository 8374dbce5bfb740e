import {
  canonicalText,
  connectBus,
  createIdentity,
  createSeed,
  deleteStreams,
  openIdentity,
  spaceNames,
  type Bus,
  type Identity,
} from '@mabeam/bus';
import {
  ensureLogs,
  establishLedger,
  followLedger,
  joinLedger,
  logSubject,
  openLedger,
  proveChange,
  readLedger,
  treeHead,
  verifyInclusion,
  verifyLedger,
  verifyLedgerCertificate,
  type Block,
  type LedgerMember,
  type LedgerOptions,
  type LedgerOutcome,
  type LedgerVoice,
} from '@mabeam/coordination';
import { openLossyProxy } from '@mabeam/testing';
import type { Json } from '@mabeam/variables';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startFixture } from './fixtures/processes.ts';
import { nextBlock, signersNamed } from './ledger-stage.ts';
import { code, openStage, type Stage } from './negotiation-stage.ts';

const isLong = process.env['MABEAM_LONG'] === '1';
const proposers = isLong ? 8 : 3;
const blocksEach = isLong ? 25 : 3;
const lossyBlocks = isLong ? 60 : 4;
const names = ['ada', 'bob', 'cyd', 'dan'];

interface Committee {
  readonly electorate: readonly LedgerMember[];
  readonly identities: ReadonlyMap<string, Identity>;
  readonly keys: Readonly<Record<string, string>>;
  /** Ends a member's connection. */
  readonly deaf: (party: string) => Promise<void>;
}

/** Members of the ledger `books` on connections of their own; the electorate has all four, whoever sits. */
async function committee(
  { space }: Stage,
  sitting: readonly string[] = names,
  { url = inject('natsUrl'), ...voice }: Omit<LedgerVoice, 'identity'> & { readonly url?: string } = {},
): Promise<Committee> {
  const signers = signersNamed(...names);
  const { identities, keys, members: electorate } = signers;
  const buses = new Map<string, Bus>();
  await Promise.all(
    sitting.map(async (party) => {
      const identity = identities.get(party) ?? createIdentity();
      const bus = await connectBus({ url, name: party });
      onTestFinished(() => bus.close(0));
      buses.set(party, bus);
      await joinLedger(bus, space, 'books', party, { ...voice, identity }).ready();
    }),
  );
  const deaf = async (party: string): Promise<void> => buses.get(party)?.close(0);
  return { electorate, identities, keys, deaf };
}

/** Puts something into the log of the ledger past the protocol. */
async function putRaw({ bus, space }: Stage, body: string | object): Promise<void> {
  const text = typeof body === 'string' ? body : canonicalText(body);
  await bus.store(logSubject(space, 'ledger-books'), new TextEncoder().encode(text));
}

const ledger = 'books';
const append = (
  { bus, space }: Pick<Stage, 'bus' | 'space'>,
  electorate: readonly LedgerMember[],
  changes: readonly Json[],
  options: LedgerOptions = {},
): Promise<LedgerOutcome> => establishLedger(bus, space, electorate, changes, { ledger, ...options });
const blocksOf = async ({ bus, space }: Stage): Promise<readonly Block[]> =>
  (await readLedger(bus, space, ledger)).blocks;
const certificateOf = (outcome: LedgerOutcome): unknown =>
  outcome.kind === 'agreed' ? outcome.certificate : undefined;

describe('a ledger of four', () => {
  test('is founded with its first block, and each further one is signed, kept and certified', async () => {
    await using stage = await openStage();
    const { electorate, keys } = await committee(stage);
    const first = await append(stage, electorate, [{ account: 'ada', amount: 10 }], { round: 'o-1' });
    const second = await append(stage, electorate, ['b', 'c']);
    expect([first, second]).toMatchObject([
      { kind: 'agreed', height: 1, value: [{ account: 'ada', amount: 10 }] },
      { kind: 'agreed', height: 2, value: ['b', 'c'] },
    ]);
    const { blocks, ignored, tip } = await readLedger(stage.bus, stage.space, ledger);
    expect(ignored).toEqual([]);
    expect(verifyLedger(blocks, { keys })).toMatchObject({ kind: 'valid', tip: { height: 2 } });
    expect(tip).toMatchObject({ height: 2, hash: second.kind === 'agreed' ? second.hash : '' });
    const proof = proveChange(blocks, { height: 2, index: 1 });
    expect(verifyInclusion(proof, { keys, hash: tip?.hash })).toMatchObject({ kind: 'valid', change: 'c' });
    expect(verifyLedgerCertificate(certificateOf(first), { keys })).toMatchObject({
      kind: 'valid',
      block: { height: 1, operation: 'o-1' },
    });
    const [started, ended] = await stage.rounds();
    expect(started).toMatchObject({ protocol: 'ledger', strategy: 'blockchain', subject: 'books' });
    expect(ended).toMatchObject({ round: 'o-1', outcome: { kind: 'agreed', height: 1 } });
  });

  test('does without one of its members, and cannot do without two', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage, ['ada', 'cyd', 'dan']);
    const outcome = await append(stage, electorate, ['a']);
    expect(outcome).toMatchObject({ kind: 'agreed', height: 1 });
    expect(of(outcome, 'bob')).toBe('unavailable');
    await using lonely = await openStage();
    const two = await committee(lonely, ['ada', 'cyd']);
    expect((await append(lonely, two.electorate, ['a'])).kind).toBe('no-quorum');
    expect(await blocksOf(lonely)).toEqual([]);
  });

  test('has nothing in it that two of them refuse, and has what only one refuses', async () => {
    await using stage = await openStage();
    const isFair = (changes: readonly unknown[]): boolean => !changes.includes('unfair');
    const { electorate } = await committee(stage, names, { accept: isFair });
    expect(await append(stage, electorate, ['fair'])).toMatchObject({ kind: 'agreed', height: 1 });
    const refused = await append(stage, electorate, ['unfair']);
    expect(refused).toMatchObject({ kind: 'rejected' });
    expect(refused.kind === 'rejected' && refused.by.length).toBeGreaterThan(1);
    expect((await blocksOf(stage)).length).toBe(2);
  });

  test('has one block an operation, also when it is asked for again by others at once', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage);
    const asked = await Promise.all(
      [1, 2, 3].map(() => append(stage, electorate, ['once'], { round: 'o-1' })),
    );
    const again = await append(stage, electorate, ['once'], { round: 'o-1' });
    expect([...asked, again].map((outcome) => outcome.kind === 'agreed' && outcome.height)).toEqual([
      1, 1, 1, 1,
    ]);
    expect((await blocksOf(stage)).map(({ operation }) => operation)).toEqual(['genesis', 'o-1']);
    await expect(append(stage, electorate, ['twice'], { round: 'o-1' })).rejects.toThrow(
      code('round-reused'),
    );
  });

  test('refuses a block behind another than the last one, and one for other members', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage);
    const first = await append(stage, electorate, ['a']);
    const prevHash = first.kind === 'agreed' ? first.hash : '';
    expect(await append(stage, electorate, ['b'], { prevHash })).toMatchObject({ kind: 'agreed', height: 2 });
    await expect(append(stage, electorate, ['c'], { prevHash })).rejects.toThrow(code('stale-block'));
    await expect(append(stage, electorate.slice(1), ['d'])).rejects.toThrow(code('invalid-proposal'));
    expect((await blocksOf(stage)).length).toBe(3);
  });

  test('changes hands when those who sign it sign that', async () => {
    await using stage = await openStage();
    const { electorate, keys } = await committee(stage);
    const next = createIdentity();
    const members = [{ party: 'eve', key: next.publicKey }];
    await joinLedger(stage.bus, stage.space, ledger, 'eve', { identity: next }).ready();
    await append(stage, electorate, ['hand over'], { members });
    expect(await append(stage, members, ['taken over'])).toMatchObject({ kind: 'agreed', height: 2 });
    await expect(append(stage, electorate, ['mine'])).rejects.toThrow(code('invalid-proposal'));
    expect(verifyLedger(await blocksOf(stage), { keys })).toMatchObject({ kind: 'valid', tip: { members } });
  });
});

/** How a member did in a round. */
function of({ participants }: LedgerOutcome, party: string): string | undefined {
  return participants.find((participant) => participant.party === party)?.outcome;
}

describe('proposers that race', () => {
  test('each get their blocks into one chain, without a fork, and all read the same', async () => {
    await using stage = await openStage();
    const { electorate, keys } = await committee(stage);
    const heights: number[] = [];
    const propose = async (proposer: number): Promise<void> => {
      const bus = await connectBus({ url: inject('natsUrl'), name: `proposer-${proposer}` });
      onTestFinished(() => bus.close(0));
      for (let i = 0; i < blocksEach; i++) {
        const outcome = await append({ bus, space: stage.space }, electorate, [{ proposer, i }]);
        if (outcome.kind === 'agreed') heights.push(outcome.height);
      }
    };
    await Promise.all(Array.from({ length: proposers }, (_, proposer) => propose(proposer)));
    const expected = Array.from({ length: proposers * blocksEach }, (_, i) => i + 1);
    expect(heights.toSorted((a, b) => a - b)).toEqual(expected);
    const blocks = await blocksOf(stage);
    expect(verifyLedger(blocks, { keys })).toMatchObject({ kind: 'valid', tip: { height: expected.length } });
    for (let proposer = 0; proposer < proposers; proposer++) {
      const own = blocks.flatMap(({ changes }) => changes).filter((change) => isOf(change, proposer));
      expect(own).toEqual(Array.from({ length: blocksEach }, (_, i) => ({ proposer, i })));
    }
  }, 120_000);
});

function isOf(change: unknown, proposer: number): boolean {
  return (
    typeof change === 'object' && change !== null && 'proposer' in change && change.proposer === proposer
  );
}

describe('what somebody writes past the protocol', () => {
  test('is never a block, is named, and does not stop the ledger', async () => {
    await using stage = await openStage();
    const { electorate, identities, keys } = await committee(stage);
    await append(stage, electorate, ['a']);
    const blocks = await blocksOf(stage);
    const [genesis, first] = blocks;
    const forger = signersNamed(...names);
    const valid = { identities, keys, members: electorate };
    const forged = nextBlock(blocks, { ...forger, members: electorate }, ['forged'], { space: stage.space });
    const thin = nextBlock(blocks, valid, ['thin'], { space: stage.space, by: ['ada', 'bob'] });
    const spaced = nextBlock(blocks, valid, ['spaced'], { space: stage.space, ledger: 'books' });
    const raw = ['no block', { v: 1 }, forged, thin, first, genesis, JSON.stringify(spaced, undefined, 1)];
    for (const thing of raw) await putRaw(stage, thing ?? '');
    expect(await append(stage, electorate, ['b'])).toMatchObject({ kind: 'agreed', height: 2 });
    const { ignored, tip } = await readLedger(stage.bus, stage.space, ledger);
    expect(tip?.height).toBe(2);
    expect(ignored.map((entry) => [entry.index, entry.code])).toEqual([
      [3, 'invalid-ledger'],
      [4, 'invalid-ledger'],
      [5, 'invalid-ledger'],
      [6, 'invalid-ledger'],
      [7, 'stale-block'],
      [8, 'stale-block'],
      [9, 'invalid-ledger'],
    ]);
    expect(verifyLedger(await blocksOf(stage), { keys })).toMatchObject({ kind: 'valid' });
  });

  test('does not keep a signed block out: it is appended behind the noise', async () => {
    await using stage = await openStage();
    let noises = 0;
    const noise = async (): Promise<boolean> => {
      await putRaw(stage, `noise ${(noises += 1)}`);
      return true;
    };
    const { electorate } = await committee(stage, names, { accept: noise });
    expect(await append(stage, electorate, ['a'])).toMatchObject({ kind: 'agreed', height: 1 });
    const { ignored, blocks } = await readLedger(stage.bus, stage.space, ledger);
    expect(blocks.length).toBe(2);
    expect(ignored.length).toBeGreaterThanOrEqual(6);
  });

  test('does not found a ledger in the name of parties whose keys are known', async () => {
    await using stage = await openStage();
    const { electorate, keys } = await committee(stage);
    await putRaw(stage, nextBlock([], signersNamed(...names), [], { space: stage.space }));
    await expect(append(stage, electorate, ['a'])).rejects.toThrow(code('invalid-proposal'));
    await using other = await openStage();
    const knowing = await committee(other, []);
    await putRaw(other, nextBlock([], signersNamed(...names), [], { space: other.space }));
    for (const [party, identity] of knowing.identities) {
      const voice = { identity, keys: knowing.keys };
      await joinLedger(other.bus, other.space, ledger, party, voice).ready();
    }
    expect(await append(other, knowing.electorate, ['a'], { keys: knowing.keys })).toMatchObject({
      kind: 'agreed',
      height: 1,
    });
    expect(keys['ada']).not.toBe(knowing.keys['ada']);
  });

  test('is seen by who follows as little as by who reads', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage);
    const stop = new AbortController();
    const seen: string[] = [];
    await append(stage, electorate, ['a'], { round: 'o-1' });
    await putRaw(stage, 'noise');
    const following = (async (): Promise<void> => {
      for await (const { block } of followLedger(stage.bus, stage.space, ledger, stop)) {
        seen.push(block.operation);
        if (block.operation === 'o-2') stop.abort();
      }
    })();
    await append(stage, electorate, ['b'], { round: 'o-2' });
    await following;
    expect(seen).toEqual(['genesis', 'o-1', 'o-2']);
  });
});

describe('who reads', () => {
  test('sees each block that was appended before, and reads each entry once', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage);
    const other = await connectBus({ url: inject('natsUrl'), name: 'reader' });
    onTestFinished(() => other.close(0));
    const [own, far] = [stage.bus, other].map((bus) => openLedger(bus, stage.space, ledger));
    for (let height = 1; height <= 3; height++) {
      const outcome = await establishLedger(stage.bus, stage.space, electorate, [height], { reader: own });
      expect(outcome).toMatchObject({ kind: 'agreed', height });
      expect((await far?.read())?.blocks.at(-1)?.changes).toEqual([height]);
    }
    expect((await own?.read())?.tip).toEqual((await far?.read())?.tip);
  });

  test('is told when the log is not the one that it has read, or not the one that it knows of', async () => {
    await using stage = await openStage();
    const { electorate } = await committee(stage);
    const reader = openLedger(stage.bus, stage.space, ledger);
    await append(stage, electorate, ['a']);
    const { blocks } = await reader.read();
    const head = treeHead(blocks);
    expect((await readLedger(stage.bus, stage.space, ledger, { head })).blocks.length).toBe(2);
    const rewritten = { size: 2, root: treeHead(blocks.slice(1)).root };
    await expect(readLedger(stage.bus, stage.space, ledger, { head: rewritten })).rejects.toThrow(
      code('invalid-ledger'),
    );
    await deleteStreams(stage.bus, [spaceNames(stage.space).logs]);
    await ensureLogs(stage.bus, stage.space);
    await expect(reader.read()).rejects.toThrow(code('invalid-ledger'));
    await expect(readLedger(stage.bus, stage.space, ledger, { head })).rejects.toThrow(
      code('invalid-ledger'),
    );
  });
});

describe('over processes', () => {
  test('a proposer killed before or behind its append leaves nothing that asking again does not make right', async () => {
    await using stage = await openStage();
    const seed = createSeed();
    const { electorate: four, deaf } = await committee(stage, names.slice(1));
    const electorate = four.with(0, { party: 'ada', key: openIdentity(seed).publicKey });
    const start = (fixture: string, ...words: readonly string[]): ReturnType<typeof startFixture> => {
      const started = startFixture(fixture, inject('natsUrl'), [stage.space, ledger, ...words]);
      onTestFinished(() => started.kill());
      return started;
    };
    const ada = start('ledger-member', 'ada', seed);
    expect(await append(stage, electorate, ['a'])).toMatchObject({ kind: 'agreed', height: 1 });
    const rounds = ['before', 'behind'].map((stop) => [stop, `o-${stop}`] as const);
    const stopped = rounds.map(([stop, round]) =>
      start('ledger-proposer', round, JSON.stringify(electorate), stop),
    );
    await Promise.all(stopped.map((proposer) => proposer.line('stopped')));
    await Promise.all(stopped.map((proposer) => proposer.kill()));
    expect((await blocksOf(stage)).map(({ operation }) => operation).slice(2)).toEqual(['o-behind']);
    for (const [, round] of rounds) {
      const again = await append(stage, electorate, [{ round }], { round });
      expect(again).toMatchObject({ kind: 'agreed', value: [{ round }] });
      expect(verifyLedgerCertificate(certificateOf(again)).kind).toBe('valid');
    }
    expect((await blocksOf(stage)).map(({ operation }) => operation).slice(2)).toEqual([
      'o-behind',
      'o-before',
    ]);
    await ada.line('ready');
    await ada.kill();
    const without = await append(stage, electorate, ['without ada']);
    // The server may not have noticed yet that it is gone.
    expect([without.kind, of(without, 'ada')]).toEqual(['agreed', expect.not.stringMatching('replied')]);
    await start('ledger-member', 'ada', seed).line('ready');
    await deaf('bob');
    const withAda = await append(stage, electorate, ['with ada'], { requestTimeoutMs: 3_000 });
    expect([withAda.kind, of(withAda, 'ada')]).toEqual(['agreed', 'replied']);
  }, 60_000);

  test('messages that come twice or not at all make no second block and no wrong one', async () => {
    await using stage = await openStage();
    const isSigning = ({ subject }: { readonly subject: string }): boolean => subject.endsWith('.sign');
    await using doubling = await openLossyProxy(inject('natsUrl'), { seed: 4, duplicate: () => 0.5 });
    await using losing = await openLossyProxy(inject('natsUrl'), {
      seed: 3,
      drop: (frame) => (isSigning(frame) ? 0.3 : 0),
      duplicate: () => 0.3,
    });
    const { electorate, keys } = await committee(stage, names, { url: losing.url });
    const bus = await connectBus({ url: doubling.url, name: 'proposer' });
    onTestFinished(() => bus.close(0));
    for (let i = 0; i < lossyBlocks; i++) {
      const options = { round: `o-${i}`, requestTimeoutMs: 300 };
      let outcome = await append({ bus, space: stage.space }, electorate, [{ i }], options);
      while (outcome.kind === 'no-quorum')
        outcome = await append({ bus, space: stage.space }, electorate, [{ i }], options);
      expect(outcome).toMatchObject({ kind: 'agreed', height: i + 1 });
    }
    const blocks = await blocksOf(stage);
    expect(verifyLedger(blocks, { keys }).kind).toBe('valid');
    expect(blocks.flatMap(({ changes }) => changes)).toEqual(
      Array.from({ length: lossyBlocks }, (_, i) => ({ i })),
    );
    expect(losing.counts.dropped).toBeGreaterThan(0);
    expect(doubling.counts.duplicated).toBeGreaterThan(0);
  }, 60_000);
});
