import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connectBus, createIdentity, digestOf, pause, subjects, type Identity } from '@mabeam/bus';
import {
  decidedValue,
  establishConsensus,
  joinConsensus,
  verifyCertificate,
  writePaper,
  type Certificate,
  type Consensus,
  type VoterVoice,
} from '@mabeam/coordination';
import { openLossyProxy, waitFor } from '@mabeam/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { code, openStage, type Stage } from './negotiation-stage.ts';

/** A voter on a connection of its own. */
async function voter(
  { space }: Stage,
  party: string,
  vote: VoterVoice['vote'],
  {
    identity = createIdentity(),
    decided,
    url = inject('natsUrl'),
  }: Partial<VoterVoice> & { readonly url?: string } = {},
): Promise<Identity> {
  const bus = await connectBus({ url, name: party });
  onTestFinished(() => bus.close(0));
  await joinConsensus(bus, space, party, { identity, vote, decided }).ready();
  return identity;
}

/** A voter in a process of its own. */
async function voterProcess(
  { space }: Stage,
  party: string,
  mood: 'yes' | 'no' | 'never',
): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('fixtures/voter.ts', import.meta.url));
  const words = ['--conditions=@mabeam/source', script, inject('natsUrl'), space, party, mood];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => end(child));
  await said(child, 'ready');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function said(child: ChildProcess, line: string): Promise<void> {
  if (child.stdout === null) throw new Error('the process has no output');
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    if (String(chunk).includes(`${line}\n`)) return;
  }
  throw new Error(`the voter ended without saying ${line}`);
}

const invited = (...parties: readonly string[]): { readonly party: string }[] =>
  parties.map((party) => ({ party }));
const outcomes = ({ participants }: Consensus): Record<string, string> =>
  Object.fromEntries(participants.map(({ party, outcome }) => [party, outcome]));
const certificateOf = (consensus: Consensus): Certificate | undefined =>
  consensus.kind === 'agreed' || consensus.kind === 'rejected' ? consensus.certificate : undefined;

/** A voter without our library: it reads and writes JSON, and says yes. */
async function plainVoter({ space }: Stage, party: string): Promise<void> {
  const bus = await connectBus({ url: inject('natsUrl'), name: party });
  onTestFinished(() => bus.close(0));
  const identity = createIdentity();
  bus.subscribe(subjects(space).at(`round.${party}.consensus.vote`), (message) => {
    const { paper } = Object(message.json()) as { paper: unknown }; // throws for an envelope, which is no JSON
    const accepts = 0;
    const signature = identity.sign('mabeam.vote.1', { paper: digestOf(paper), party, accepts });
    bus.publish(message.reply ?? '', { kind: 'vote', accepts, key: identity.publicKey, signature });
  });
  await bus.flush();
}

describe('a vote among processes', () => {
  test('one that has not our library is asked in plain JSON, and its vote counts like another', async () => {
    await using stage = await openStage();
    await plainVoter(stage, 'ada');
    await voter(stage, 'bob', () => true);
    const electorate = [{ party: 'ada', wire: 'json' as const }, { party: 'bob' }];
    const options = { algorithm: 'unanimous' as const };
    const consensus = await establishConsensus(stage.bus, stage.space, electorate, 'a', options);
    expect(outcomes(consensus)).toEqual({ ada: 'replied', bob: 'replied' });
    expect(verifyCertificate(certificateOf(consensus))).toMatchObject({ kind: 'valid' });
  });

  test('agrees on what two of three accept; a third party verifies it from what is kept', async () => {
    await using stage = await openStage();
    const told: Certificate[] = [];
    const keys: Record<string, string> = {};
    for (const [party, choice] of [
      ['ada', 0],
      ['bob', 0],
      ['cyd', 1],
    ] as const) {
      const identity = await voter(stage, party, () => choice, {
        decided: (certificate) => told.push(certificate),
      });
      keys[party] = identity.publicKey;
    }
    const options = { alternatives: ['b'], subject: 'letter', requestTimeoutMs: 5_000 };
    const consensus = await establishConsensus(
      stage.bus,
      stage.space,
      invited('ada', 'bob', 'cyd'),
      'a',
      options,
    );
    expect(consensus).toMatchObject({ kind: 'agreed', value: 'a', total: 3 });
    expect(consensus.support[0]).toBe(2);
    const [started, ended] = await stage.rounds();
    expect(started).toMatchObject({
      round: consensus.round,
      protocol: 'consensus',
      electorate: ['ada', 'bob', 'cyd'],
    });
    expect(ended).toMatchObject({
      strategy: 'simple-majority',
      subject: 'letter',
      outcome: { kind: 'agreed' },
    });
    const kept = ended?.['outcome'];
    const certificate =
      typeof kept === 'object' && kept !== null && 'certificate' in kept ? kept.certificate : undefined;
    expect(verifyCertificate(certificate, { keys }).kind).toBe('valid');
    await waitFor(() => told.length === 3, { what: 'all three voters hear of it' });
    expect(told.map(({ hash }) => hash)).toEqual(
      Array.from({ length: 3 }, () => certificateOf(consensus)?.hash),
    );
  });

  test('does without one that was killed, and cannot do without two', async () => {
    await using stage = await openStage();
    const started = ['ada', 'bob', 'cyd'].map((party) => voterProcess(stage, party, 'yes'));
    const [, , cyd] = await Promise.all(started);
    if (cyd !== undefined) await end(cyd);
    const electorate = invited('ada', 'bob', 'cyd');
    expect(await establishConsensus(stage.bus, stage.space, electorate, { limit: 3 })).toMatchObject({
      kind: 'agreed',
      value: { limit: 3 },
    });
    const alone = await establishConsensus(stage.bus, stage.space, invited('ada', 'cyd', 'dan'), 1);
    expect(alone.kind).toBe('no-majority');
    expect(outcomes(alone)).toEqual({ ada: 'replied', cyd: 'unavailable', dan: 'unavailable' });
    expect(() => decidedValue(alone)).toThrow(code('no-majority'));
  }, 60_000);

  test('counts one that is killed while it thinks as silent, and never as a yes', async () => {
    await using stage = await openStage();
    await voter(stage, 'ada', () => true);
    const bob = await voterProcess(stage, 'bob', 'never');
    const asked = said(bob, 'asked').then(() => end(bob));
    const unanimous = { algorithm: 'unanimous', requestTimeoutMs: 1_500 } as const;
    const consensus = await establishConsensus(stage.bus, stage.space, invited('ada', 'bob'), 1, unanimous);
    await asked;
    expect(consensus.kind).toBe('no-unanimity');
    expect(outcomes(consensus)).toEqual({ ada: 'replied', bob: 'timeout' });
  }, 60_000);

  test('does not wait for who cannot change it any more, and tells it so', async () => {
    await using stage = await openStage();
    const called = Promise.withResolvers<void>();
    await voter(stage, 'ada', () => true);
    await voter(stage, 'bob', () => true);
    await voter(stage, 'slow', async (_, { signal }) => {
      await once(signal, 'abort');
      called.resolve();
      return true;
    });
    const electorate = invited('ada', 'bob', 'slow');
    const consensus = await establishConsensus(stage.bus, stage.space, electorate, 1, {
      requestTimeoutMs: 15_000,
    });
    expect(consensus.kind).toBe('agreed');
    expect(outcomes(consensus)).toEqual({ ada: 'replied', bob: 'replied', slow: 'late' });
    expect(consensus.durationMs).toBeLessThan(15_000);
    await called.promise;
  });

  test('may be given more time than a timer can count', async () => {
    await using stage = await openStage();
    await voter(stage, 'ada', () => pause(20, new AbortController().signal).then(() => true));
    for (const timeoutMs of [2 ** 31, 1e12, Infinity]) {
      const options = { timeoutMs, requestTimeoutMs: timeoutMs };
      const consensus = await establishConsensus(stage.bus, stage.space, invited('ada'), 1, options);
      expect(consensus.kind, `${timeoutMs}`).toBe('agreed');
    }
  });

  test('is out of time when its own deadline comes first, with the votes that came', async () => {
    await using stage = await openStage();
    await voter(stage, 'ada', () => true);
    // One that answers when its own time is up may be in time for an asker whose clock began later.
    await voter(stage, 'slow', () => new Promise(() => undefined));
    const consensus = await establishConsensus(stage.bus, stage.space, invited('ada', 'slow'), 1, {
      timeoutMs: 1_000,
    });
    expect(consensus).toMatchObject({ kind: 'timeout', votes: { ada: 0 }, support: [1], total: 2 });
    expect(() => decidedValue(consensus)).toThrow(code('timeout'));
  });

  test('ends at the first no where all must agree, with proof of who said it', async () => {
    await using stage = await openStage();
    await voter(stage, 'ada', () => true);
    await voter(stage, 'bob', () => false);
    const unanimous = { algorithm: 'unanimous' } as const;
    const consensus = await establishConsensus(stage.bus, stage.space, invited('ada', 'bob'), 1, unanimous);
    expect(consensus).toMatchObject({ kind: 'rejected', by: ['bob'] });
    expect(verifyCertificate(certificateOf(consensus)).kind).toBe('valid');
  });

  test('weighs its voters', async () => {
    await using stage = await openStage();
    await voter(stage, 'expert', () => true);
    await voter(stage, 'ada', () => false);
    await voter(stage, 'bob', () => undefined);
    const electorate = [
      { party: 'expert', weight: 2.5 },
      { party: 'ada', weight: 1 },
      { party: 'bob', weight: 1 },
    ];
    const weighted = { algorithm: 'weighted-voting' } as const;
    const consensus = await establishConsensus(stage.bus, stage.space, electorate, 1, weighted);
    expect(consensus).toMatchObject({ kind: 'agreed', support: [2.5], total: 4.5 });
    const strict = await establishConsensus(stage.bus, stage.space, electorate, 1, {
      ...weighted,
      threshold: 0.6,
    });
    expect(strict.kind).toBe('no-weighted-majority');
    expect(outcomes(strict)['bob']).toBe('abstained');
  });

  test('believes nobody who signs with another key than the electorate names', async () => {
    await using stage = await openStage();
    const real = createIdentity();
    await voter(stage, 'ada', () => true);
    const electorate = [{ party: 'ada', key: real.publicKey }];
    const consensus = await establishConsensus(stage.bus, stage.space, electorate, 1);
    expect(consensus.kind).toBe('no-majority');
    expect(outcomes(consensus)).toEqual({ ada: 'invalid' });
  });

  test('gives one key one vote, however many names it answers for', async () => {
    await using stage = await openStage();
    const identity = createIdentity();
    await voter(stage, 'ada', () => true, { identity });
    await voter(stage, 'bob', () => true, { identity });
    await voter(stage, 'cyd', () => false);
    const consensus = await establishConsensus(stage.bus, stage.space, invited('ada', 'bob', 'cyd'), 1);
    expect(consensus.kind).toBe('no-majority');
    expect(consensus.support).toEqual([1]);
  });
});

const lossyRounds = process.env['MABEAM_LONG'] === '1' ? 100 : 6;

describe('behind a network that loses and doubles', () => {
  test('votes agree with what the voters know of them, and no decision is without its proof', async () => {
    await using stage = await openStage();
    await using proxy = await openLossyProxy(inject('natsUrl'), {
      seed: 3,
      drop: ({ subject }) => (subject.includes('.round.') || subject.startsWith('_INBOX') ? 0.25 : 0),
      duplicate: () => 0.2,
    });
    const parties = ['ada', 'bob', 'cyd', 'dan', 'eve'];
    const cast = new Map<string, unknown>();
    const keys: Record<string, string> = {};
    for (const [i, party] of parties.entries()) {
      const vote = (): boolean => i !== 4;
      const voted: VoterVoice['vote'] = (_, { round }) => {
        cast.set(`${round} ${party}`, vote() ? 0 : null);
        return vote();
      };
      keys[party] = (await voter(stage, party, voted, { url: proxy.url })).publicKey;
    }
    const wrong: unknown[] = [];
    for (let n = 0; n < lossyRounds; n++) {
      const options = { requestTimeoutMs: 250 };
      const consensus = await establishConsensus(stage.bus, stage.space, invited(...parties), n, options);
      const isTrue = Object.entries(consensus.votes).every(
        ([party, choice]) => cast.get(`${consensus.round} ${party}`) === choice,
      );
      const certificate = certificateOf(consensus);
      const isProven = certificate === undefined || verifyCertificate(certificate, { keys }).kind === 'valid';
      const isMajority = (consensus.kind === 'agreed') === (consensus.support[0] ?? 0) >= 3;
      if (!(isTrue && isProven && isMajority)) wrong.push(consensus);
    }
    expect(wrong).toEqual([]);
    expect(proxy.counts.dropped).toBeGreaterThan(0);
  });

  test('whoever voted learns the decision although no announcement reaches it', async () => {
    await using stage = await openStage();
    await using proxy = await openLossyProxy(inject('natsUrl'), {
      seed: 4,
      drop: ({ subject }) => (subject.endsWith('.settled') ? 1 : 0),
    });
    const told: Certificate[] = [];
    const decided = (certificate: Certificate): void => void told.push(certificate);
    await voter(stage, 'ada', () => true, { decided, url: proxy.url });
    const options = { requestTimeoutMs: 2_000 };
    const consensus = await establishConsensus(stage.bus, stage.space, invited('ada'), 'a', options);
    expect(consensus.kind).toBe('agreed');
    await waitFor(() => told.length === 1, { what: 'the voter knows', timeoutMs: 15_000 });
    expect(told[0]).toEqual(certificateOf(consensus));
  });
});

describe('a voter', () => {
  test('gives its vote of a round again, and none to another paper of that round', async () => {
    await using stage = await openStage();
    let asked = 0;
    await voter(stage, 'ada', () => (asked++ === 0 ? true : false));
    const { bus, space } = stage;
    const ask = (value: string): Promise<unknown> => {
      const alternatives = [value];
      const paper = writePaper({
        space,
        round: 'r7',
        algorithm: 'unanimous',
        electorate: invited('ada'),
        alternatives,
      });
      return bus.request(
        `mabeam.${space}.round.ada.consensus.vote`,
        { round: 'r7', withinMs: 2_000, paper },
        { timeoutMs: 2_000 },
      );
    };
    const first = await ask('a');
    expect(first).toMatchObject({ kind: 'vote', accepts: 0 });
    expect(await ask('a')).toEqual(first);
    await expect(ask('b')).rejects.toThrow(code('round-reused'));
    expect(asked).toBe(1);
  });

  test('does not sign in a round that it is no member of, nor what is no paper', async () => {
    await using stage = await openStage();
    await voter(stage, 'ada', () => true);
    const { bus, space } = stage;
    const paper = writePaper({
      space,
      round: 'r8',
      algorithm: 'unanimous',
      electorate: invited('bob'),
      alternatives: [1],
    });
    const subject = `mabeam.${space}.round.ada.consensus.vote`;
    const ask = (body: unknown): Promise<unknown> => bus.request(subject, body, { timeoutMs: 2_000 });
    await expect(ask({ round: 'r8', withinMs: 9, paper })).rejects.toThrow(code('invalid-proposal'));
    await expect(ask({ round: 'r9', withinMs: 9, paper })).rejects.toThrow(code('malformed-message'));
  });
});
