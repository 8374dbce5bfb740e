/** Agents sign with keys that others look up: votes, committees, and what they are told of the end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createIdentity, createSeed, openIdentity, putKey, spaceNames, subjects } from '@mabeam/bus';
import {
  establishConsensus,
  establishGossip,
  establishLedger,
  establishPbft,
  establishRaft,
  negotiateValue,
  verifyCertificate,
  verifyLedgerCertificate,
  verifyPbftDecision,
} from '@mabeam/coordination';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { defineAgent, publicKeys, startWorkerAgent, type NegotiationEnding } from '@mabeam/agents';
import { openStage, type Stage } from './stage.ts';

const module = fileURLToPath(new URL('fixtures/signing.ts', import.meta.url));
const quick = { timeoutMs: 800 };

let stage: Stage;
beforeAll(async () => {
  stage = await openStage(inject('natsUrl'));
});
afterAll(() => stage[Symbol.asyncDispose]());

/** The electorate with its keys, as an asker has it from the directory. */
async function electorateOf(parties: readonly string[]): Promise<{ party: string; key: string }[]> {
  const keys = await publicKeys(stage.bus, stage.space, parties, quick);
  return parties.map((party) => ({ party, key: keys.get(party)?.key ?? `${party} has none` }));
}

const voter = defineAgent({ vote: () => true });

describe('the directory of keys', () => {
  it('has of an agent without a host what it says itself, of its instance 0, and of who signs nothing no key', async () => {
    const seed = createSeed();
    await stage.crew([
      { id: 'ada', definition: voter, seed },
      { id: 'ada', definition: voter, ordinal: 1 },
      { id: 'bob', definition: voter },
      { id: 'mute', definition: defineAgent({ ask: () => 1 }) },
    ]);
    const keys = await publicKeys(stage.bus, stage.space, ['ada', 'bob', 'mute', 'nobody', 'ada'], quick);
    expect(keys.get('ada')).toEqual({ key: openIdentity(seed).publicKey, vouchedBy: 'agent' });
    expect([...keys.keys()].toSorted()).toEqual(['ada', 'bob']);
    const vouched = await publicKeys(stage.bus, stage.space, ['ada', 'bob'], { vouchedBy: 'host' });
    expect(vouched.size).toBe(0);
  });

  it('believes the host, whatever an agent says, and reads no record that is broken', async () => {
    const { publicKey } = createIdentity();
    await stage.crew([{ id: 'cyd', definition: voter }]);
    const observed = spaceNames(stage.space).observed;
    await putKey(stage.bus, observed, 'cyd.0', { v: 1, publicKey });
    expect((await publicKeys(stage.bus, stage.space, ['cyd'])).get('cyd')).toEqual({
      key: publicKey,
      vouchedBy: 'host',
    });
    await putKey(stage.bus, observed, 'cyd.0', { v: 1, publicKey: `${publicKey.slice(0, -1)}!` });
    const [told] = (await publicKeys(stage.bus, stage.space, ['cyd'], quick)).values();
    expect(told).toMatchObject({ vouchedBy: 'agent', key: expect.not.stringContaining(publicKey) });
  });

  it('has no key of an agent of which two say different things', async () => {
    await stage.crew([{ id: 'eve', definition: voter }]);
    await stage.crew([{ id: 'eve', definition: voter }]);
    expect((await publicKeys(stage.bus, stage.space, ['eve'], { timeoutMs: 500 })).size).toBe(0);
  });
});

describe('a vote', () => {
  it('is signed with the published key, by an agent in a process, in a thread and here', async () => {
    const seed = createSeed();
    const child = spawn(process.execPath, ['--conditions=@mabeam/source', module], {
      stdio: 'ignore',
      env: {
        ...process.env,
        NATS_URL: inject('natsUrl'),
        MABEAM_SPACE: stage.space,
        MABEAM_AGENT: 'far',
        MABEAM_SEED: seed,
      },
    });
    const exited = once(child, 'exit');
    await stage.crew([{ id: 'near', definition: voter }]);
    await using thread = await startWorkerAgent({
      module,
      space: stage.space,
      agent: 'threaded',
      url: inject('natsUrl'),
      execArgv: ['--conditions=@mabeam/source'],
    });
    await waitFor(async () => (await publicKeys(stage.bus, stage.space, ['far'], quick)).size === 1, {
      what: 'the process is there',
      timeoutMs: 30_000,
    });
    const electorate = await electorateOf(['far', 'near', 'threaded']);
    expect(electorate.map(({ key }) => key)).toEqual([
      openIdentity(seed).publicKey,
      expect.any(String),
      thread.publicKey,
    ]);
    const consensus = await establishConsensus(stage.bus, stage.space, electorate, 'letter', {
      algorithm: 'unanimous',
    });
    expect(consensus.kind).toBe('agreed');
    const keys = Object.fromEntries(electorate.map(({ party, key }) => [party, key]));
    const certificate = 'certificate' in consensus ? consensus.certificate : undefined;
    expect(verifyCertificate(certificate, { keys }).kind).toBe('valid');
    expect(verifyCertificate(certificate, { keys: { ...keys, far: keys['near'] ?? '' } }).kind).toBe(
      'invalid',
    );
    // The seed is the agent's affair: nothing that its process starts finds it.
    expect(await stage.bus.request(subjects(stage.space).askAgent('far'), {})).toBe('nothing');
    child.kill('SIGTERM');
    await exited;
  }, 60_000);

  it('by another key than the electorate names is none', async () => {
    await stage.crew([{ id: 'first', definition: voter }]);
    const electorate = await electorateOf(['first']);
    const changed = [{ party: 'first', key: createIdentity().publicKey }];
    const ask = (who: typeof electorate) => establishConsensus(stage.bus, stage.space, who, 1);
    expect((await ask(electorate)).kind).toBe('agreed');
    expect((await ask(changed)).participants).toMatchObject([
      { outcome: 'invalid', code: 'invalid-proposal' },
    ]);
  });

  it('is told to its voters when it is decided, with its proof, and who only hears stands aside', async () => {
    const heard: string[] = [];
    const decided = ({ decision }: { decision: { kind: string } }, { agent }: { agent: string }): void => {
      heard.push(`${agent}: ${decision.kind}`);
    };
    await stage.crew([
      { id: 'speaker', definition: defineAgent({ vote: () => true, decided }) },
      { id: 'listener', definition: defineAgent({ decided }) },
    ]);
    const consensus = await establishConsensus(stage.bus, stage.space, await electorateOf(['speaker']), 1);
    expect(consensus.kind).toBe('agreed');
    await waitFor(() => heard.length === 2, { what: 'both have heard' });
    expect(heard.toSorted()).toEqual(['listener: accepted', 'speaker: accepted']);
    const aside = await establishConsensus(stage.bus, stage.space, [{ party: 'listener' }], 1);
    expect(aside.participants).toMatchObject([{ outcome: 'abstained' }]);
  });
});

describe('a committee', () => {
  it('of agents decides with the keys of the directory, for what they accept', async () => {
    const seen: unknown[] = [];
    const definition = defineAgent({
      committee: ({ alternatives }, { round, conversation, agent }) => {
        seen.push([round, conversation]);
        return agent === 'liar' ? [0] : [alternatives.indexOf('fax')];
      },
    });
    const members = ['m1', 'm2', 'm3', 'liar'];
    await stage.crew(members.map((id) => ({ id, definition })));
    const electorate = await electorateOf(members);
    const outcome = await establishPbft(stage.bus, stage.space, electorate, 'letter', {
      alternatives: ['fax'],
      round: 'r-committee',
      viewMs: 200,
      timeoutMs: 20_000,
    });
    expect(outcome).toMatchObject({ kind: 'agreed', value: 'fax' });
    const keys = Object.fromEntries(electorate.map(({ party, key }) => [party, key]));
    const decision = outcome.kind === 'agreed' ? outcome.certificate : undefined;
    expect(verifyPbftDecision(decision, { keys }).kind).toBe('valid');
    expect(seen).toContainEqual(['r-committee', 'r-committee']);
  }, 60_000);
});

describe('agents of a definition', () => {
  const members = ['g1', 'g2', 'g3'];

  it('gossip until they hold the same, each with what it adds', async () => {
    const definition = defineAgent({
      gossip: ({ proposal }, { agent }) => ({ [agent]: proposal['x'] ?? 0 }),
    });
    await stage.crew(members.map((id) => ({ id, definition })));
    const electorate = await electorateOf(members);
    const outcome = await establishGossip(stage.bus, stage.space, electorate, { x: 1 }, { everyMs: 10 });
    expect(outcome).toMatchObject({ kind: 'agreed', value: { x: 1, g1: 1, g2: 1, g3: 1 } });
  });

  it('sit in a group, and do what it has committed', async () => {
    const done: string[] = [];
    const apply = ({ body, index }: { body: unknown; index: number }, { agent }: { agent: string }): null => {
      done.push(`${agent} does ${String(body)} after ${index > 0 ? 'others' : 'nothing'}`);
      return null;
    };
    const sitters = ['r1', 'r2', 'r3'];
    await stage.crew(sitters.map((id) => ({ id, definition: defineAgent({ apply }) })));
    const outcome = await establishRaft(stage.bus, stage.space, await electorateOf(sitters), 'go', {
      electionMs: 100,
    });
    expect(outcome).toMatchObject({ kind: 'agreed', value: 'go' });
    await waitFor(() => done.length === 3, { what: 'all have done it' });
    expect(done.toSorted()).toEqual(sitters.map((agent) => `${agent} does go after others`));
  });

  it('sign the blocks of a ledger that they accept, and no others', async () => {
    const books = ({ changes }: { changes: readonly unknown[] }): boolean => !changes.includes('theft');
    const signers = ['s1', 's2', 's3'];
    const definition = defineAgent({ ledgers: { books } });
    await stage.crew(signers.map((id) => ({ id, definition })));
    const electorate = await electorateOf(signers);
    const write = (change: string) =>
      establishLedger(stage.bus, stage.space, electorate, [change], { ledger: 'books' });
    const outcome = await write('sale');
    expect(outcome).toMatchObject({ kind: 'agreed', height: 1, value: ['sale'] });
    const keys = Object.fromEntries(electorate.map(({ party, key }) => [party, key]));
    const certificate = outcome.kind === 'agreed' ? outcome.certificate : undefined;
    expect(verifyLedgerCertificate(certificate, { keys }).kind).toBe('valid');
    expect((await write('theft')).kind).toBe('rejected');
  });
});

describe('a party', () => {
  it('is told how a negotiation ended; one that fails at that goes on, and what is no announcement is nothing', async () => {
    const heard: NegotiationEnding[] = [];
    const settled = (
      ending: NegotiationEnding,
      { variable, round }: { variable: string; round: string },
    ): void => {
      expect([variable, round]).toEqual([ending.variable, ending.round]);
      heard.push(ending);
      throw new Error('it cannot bear it');
    };
    await stage.crew([
      { id: 'wisher', definition: defineAgent({ party: { prefer: () => ({ preferred: 3 }), settled } }) },
    ]);
    stage.bus.publish(subjects(stage.space).at('round.all.negotiation.settled'), { outcome: 'gibberish' });
    for (const round of ['r-1', 'r-2'])
      await negotiateValue(stage.bus, stage.space, 'pace', [{ party: 'wisher' }], { round });
    await waitFor(() => heard.length === 2, { what: 'it has heard of both' });
    expect(heard).toMatchObject([
      {
        round: 'r-1',
        variable: 'pace',
        strategy: 'weighted-consensus',
        outcome: { kind: 'agreed', value: 3 },
      },
      { round: 'r-2' },
    ]);
  });
});
