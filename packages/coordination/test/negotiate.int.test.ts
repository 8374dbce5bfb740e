import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectBus, subjects } from '@mabeam/bus';
import {
  agreedValue,
  negotiateValue,
  participate,
  type PartyVoice,
  type Strategy,
} from '@mabeam/coordination';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { code, openStage, type Stage } from './negotiation-stage.ts';

const given = [
  { party: 'coder', preferred: 0.1, weight: 0.4 },
  { party: 'creative', preferred: 1.2, weight: 0.3 },
  { party: 'reviewer', preferred: 0.3, weight: 0.3 },
];

/** A party process that is there to be asked; it is killed at the end of the test. */
async function startParty({ space }: Stage, ...words: readonly string[]): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('fixtures/party.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--conditions=@mabeam/source', script, inject('natsUrl'), space, ...words],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await said(child, 'ready');
  return child;
}

/** Resolves when the process says this line. */
async function said(child: ChildProcess, line: string): Promise<void> {
  let text = '';
  const { stdout } = child;
  if (stdout === null) return;
  for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes(`${line}\n`)) return;
  }
  throw new Error(`the party ended without saying ${line}`);
}

/** How each did, by party. */
function outcomes({ participants }: Awaited<ReturnType<typeof negotiateValue>>): Record<string, string> {
  return Object.fromEntries(participants.map(({ party, outcome }) => [party, outcome]));
}

describe('with all positions given', () => {
  test('nobody is asked, and the round is kept with its start and its end', async () => {
    await using stage = await openStage();
    const negotiation = await negotiateValue(stage.bus, stage.space, 'temperature', given);
    expect(negotiation).toMatchObject({
      kind: 'agreed',
      value: 0.49,
      strategy: 'weighted-consensus',
      satisfaction: { coder: expect.closeTo(1 - 0.39 / 1.1, 9), reviewer: expect.closeTo(1 - 0.19 / 1.1, 9) },
    });
    expect(await stage.rounds()).toEqual([
      expect.objectContaining({
        round: negotiation.round,
        header: negotiation.round,
        protocol: 'negotiation',
      }),
      expect.objectContaining({
        electorate: ['coder', 'creative', 'reviewer'],
        outcome: expect.objectContaining({ value: 0.49 }),
      }),
    ]);
  });

  test('the order of the parties changes nothing', async () => {
    await using stage = await openStage();
    const values = await Promise.all(
      [given, given.toReversed()].map((parties) => negotiateValue(stage.bus, stage.space, 't', parties)),
    );
    expect(values.map(agreedValue)).toEqual([0.49, 0.49]);
  });

  test('without a party, with one twice, or with a weight of 0 there is no round', async () => {
    await using stage = await openStage();
    const wrong = [
      [],
      [...given, { party: 'coder', preferred: 2 }],
      [{ party: 'a', preferred: 1, weight: 0 }],
    ];
    const codes = ['no-participants', 'duplicate-participants', 'invalid-weights'];
    for (const [i, parties] of wrong.entries())
      await expect(negotiateValue(stage.bus, stage.space, 't', parties)).rejects.toEqual(
        code(codes[i] ?? ''),
      );
    expect(await stage.rounds()).toEqual([]);
  });

  test('in a space that is not there it fails, and does not hang', async () => {
    await using stage = await openStage();
    await expect(negotiateValue(stage.bus, `${stage.space}x`, 't', given)).rejects.toEqual(
      code('stream-missing'),
    );
  });
});

describe('asked in processes of their own', () => {
  test('each says what it prefers', { timeout: 60_000 }, async () => {
    await using stage = await openStage();
    await Promise.all(['1', '2', '6'].map((wish) => startParty(stage, `p${wish}`, wish)));
    const parties = [{ party: 'p1' }, { party: 'p2' }, { party: 'p6' }];
    const negotiation = await negotiateValue(stage.bus, stage.space, 'size', parties);
    expect(agreedValue(negotiation)).toBe(3);
    expect(outcomes(negotiation)).toEqual({ p1: 'replied', p2: 'replied', p6: 'replied' });
  });

  test('one killed while it is asked is left out; the others agree', { timeout: 60_000 }, async () => {
    await using stage = await openStage();
    const [, victim] = await Promise.all([startParty(stage, 'a', '1'), startParty(stage, 'b', '9', 'hangs')]);
    const running = negotiateValue(stage.bus, stage.space, 'size', [{ party: 'a' }, { party: 'b' }], {
      requestTimeoutMs: 1_000,
    });
    await said(victim, 'asked');
    victim.kill('SIGKILL');
    const negotiation = await running;
    expect(negotiation).toMatchObject({ kind: 'agreed', value: 1 });
    expect(outcomes(negotiation)).toEqual({ a: 'replied', b: 'timeout' });
  });

  test('one killed between two rounds of a consensus is out of it', { timeout: 60_000 }, async () => {
    await using stage = await openStage();
    const victim = await startParty(stage, 'b', '9', 'hangs-later');
    const parties = [{ party: 'a', preferred: 1, weight: 2 }, { party: 'b' }, { party: 'c', preferred: 3 }];
    const running = negotiateValue(stage.bus, stage.space, 'size', parties, {
      strategy: 'consensus',
      requestTimeoutMs: 1_000,
    });
    await said(victim, 'asked');
    victim.kill('SIGKILL');
    const negotiation = await running;
    // Whether it was gone before it was asked again, or died over the question.
    const gone = expect.stringMatching(/^(timeout|unavailable)$/);
    expect(outcomes(negotiation)).toEqual({ a: 'replied', b: gone, c: 'replied' });
    expect(Number(agreedValue(negotiation))).toBeLessThan(3);
  });
});

describe('who does not answer', () => {
  test('nobody there, a stranger, one that stands aside, one that fails: each is named for what it did', async () => {
    await using stage = await openStage();
    await stage.party('good', { prefer: () => ({ preferred: 4 }) });
    await stage.party('aside', { prefer: () => undefined });
    await stage.party('broken', {
      prefer: () => {
        throw new Error('no idea');
      },
    });
    await stage.party('senseless', { prefer: () => ({ preferred: 4, min: 5, max: 1 }) });
    const ids = ['good', 'aside', 'broken', 'senseless', 'absent'];
    const negotiation = await negotiateValue(
      stage.bus,
      stage.space,
      'size',
      ids.map((party) => ({ party })),
      { quorum: 0.2 },
    );
    expect(negotiation).toMatchObject({ kind: 'agreed', value: 4 });
    expect(outcomes(negotiation)).toEqual({
      good: 'replied',
      aside: 'abstained',
      broken: 'invalid',
      senseless: 'invalid',
      absent: 'unavailable',
    });
  });

  test('too little of the weight is no quorum, and says who is missing', async () => {
    await using stage = await openStage();
    await stage.party('good', { prefer: () => ({ preferred: 4 }) });
    const parties = [{ party: 'good' }, { party: 'absent', weight: 3 }];
    const negotiation = await negotiateValue(stage.bus, stage.space, 'size', parties);
    expect(negotiation).toMatchObject({ kind: 'no-quorum', present: 1, needed: 2 });
    expect(() => agreedValue(negotiation)).toThrow(code('no-quorum'));
  });

  test('an answer after its round is counted, and changes nothing', async () => {
    await using stage = await openStage();
    const late = Promise.withResolvers<undefined>();
    const slow = await stage.party('slow', {
      prefer: () => ({ preferred: 9 }),
      react: async () => {
        await late.promise;
        return { kind: 'counter', value: 100 };
      },
    });
    let round = 0;
    await stage.party('host', {
      prefer: () => ({ preferred: 1 }),
      react: async ({ own }) => {
        round++;
        // The slow one has missed the first round; its answer comes now, in the second.
        if (round === 2) {
          late.resolve(undefined);
          await setImmediate();
          await slow.flush();
        }
        return { kind: 'counter', value: own };
      },
    });
    const parties = [{ party: 'slow' }, { party: 'host' }, { party: 'guest', preferred: 2, stubbornness: 1 }];
    const negotiation = await negotiateValue(stage.bus, stage.space, 'size', parties, {
      strategy: 'consensus',
      requestTimeoutMs: 500,
      maxRounds: 5,
    });
    expect(negotiation).toMatchObject({ kind: 'deadlocked', rounds: 5, values: { host: 1, guest: 2 } });
    expect(negotiation.participants).toContainEqual(
      expect.objectContaining({ party: 'slow', outcome: 'late', late: 1 }),
    );
  });

  test('the deadline of the session ends it, whoever is silent', async () => {
    await using stage = await openStage();
    await stage.party('silent', { prefer: () => new Promise(() => undefined) });
    const begun = performance.now();
    const negotiation = await negotiateValue(stage.bus, stage.space, 'size', [{ party: 'silent' }], {
      timeoutMs: 150,
    });
    expect(negotiation).toMatchObject({ kind: 'no-quorum' });
    expect(outcomes(negotiation)).toEqual({ silent: 'timeout' });
    expect(performance.now() - begun).toBeLessThan(4_000);
  });

  test('a cancelled negotiation ends at once, and whom it asked is told', async () => {
    await using stage = await openStage();
    const asked = Promise.withResolvers<AbortSignal>();
    await stage.party('slow', {
      prefer: (_question, { signal }) => {
        asked.resolve(signal);
        return new Promise(() => undefined);
      },
    });
    const stop = new AbortController();
    const running = negotiateValue(stage.bus, stage.space, 'size', [{ party: 'slow' }], {
      signal: stop.signal,
    });
    const signal = await asked.promise;
    const told = new Promise((resolve) => signal.addEventListener('abort', resolve));
    stop.abort();
    await expect(running).rejects.toEqual(code('cancelled'));
    await told;
    expect(await stage.rounds()).toEqual([
      expect.anything(),
      expect.objectContaining({ outcome: expect.objectContaining({ kind: 'failed', code: 'cancelled' }) }),
    ]);
  });
});

describe('each strategy over the wire', () => {
  test('an English clock asks live bidders at each price, and stops with one left', async () => {
    await using stage = await openStage();
    const heard: Record<string, number[]> = { a: [], b: [] };
    const voice = (id: 'a' | 'b', limit: number, value: number): PartyVoice => ({
      bid: () => ({ preferred: value }),
      price: ({ price }) => {
        heard[id]?.push(price);
        return price <= limit;
      },
    });
    await stage.party('a', voice('a', 0.25, 7));
    await stage.party('b', voice('b', 0.9, 8));
    const negotiation = await negotiateValue(
      stage.bus,
      stage.space,
      'size',
      [{ party: 'a' }, { party: 'b' }],
      {
        strategy: 'auction',
        auction: { form: 'english' },
      },
    );
    expect(negotiation).toMatchObject({ value: 8, winner: 'b', payments: { b: 0.3 } });
    expect(heard).toEqual({ a: [0, 0.1, 0.2, 0.3], b: [0, 0.1, 0.2, 0.3] });
  });

  test('sealed bids and bundles are asked for; the budget that was given holds', async () => {
    await using stage = await openStage();
    await stage.party('a', { bid: () => ({ preferred: 1, bid: 9, bundles: [{ items: ['x'], amount: 6 }] }) });
    await stage.party('b', {
      bid: () => ({ preferred: 2, bid: 5, bundles: [{ items: ['x', 'y'], amount: 8 }] }),
    });
    const parties = [{ party: 'a', maxBid: 4 }, { party: 'b' }];
    const sealed = await negotiateValue(stage.bus, stage.space, 's', parties, { strategy: 'auction' });
    expect(sealed).toMatchObject({ winner: 'b', payments: { b: 5 } });
    const bundles = await negotiateValue(stage.bus, stage.space, 's', parties, {
      strategy: 'auction',
      auction: { form: 'combinatorial' },
    });
    expect(bundles).toMatchObject({ value: { b: ['x', 'y'] }, payments: { b: 4 } });
  });

  test('orders are asked for, and clear at one price', async () => {
    await using stage = await openStage();
    await stage.party('buyer', { orders: () => [{ side: 'buy', price: 6, quantity: 2 }] });
    await stage.party('seller', { orders: () => [{ side: 'sell', price: 4, quantity: 2 }] });
    await stage.party('dreamer', { orders: () => [{ side: 'buy', price: 50, quantity: 2 }] });
    const parties = [{ party: 'buyer', credit: 20 }, { party: 'seller' }, { party: 'dreamer', credit: 20 }];
    const negotiation = await negotiateValue(stage.bus, stage.space, 'price', parties, {
      strategy: 'market_based',
    });
    expect(negotiation).toMatchObject({
      value: 5,
      payments: { buyer: 10, seller: -10 },
      budgets: { buyer: 10 },
    });
    expect(outcomes(negotiation)).toEqual({ buyer: 'replied', seller: 'replied', dreamer: 'invalid' });
  });

  test('the coordinator hears objections, and its word is final although it is outvoted', async () => {
    await using stage = await openStage();
    const heard: unknown[] = [];
    await stage.party('chief', {
      decide: ({ objections }) => {
        heard.push(objections ?? 'first');
        return 9;
      },
    });
    await stage.party('b', {
      prefer: () => ({ preferred: 1 }),
      object: () => ({ value: 1, reason: 'too much' }),
    });
    const negotiation = await negotiateValue(
      stage.bus,
      stage.space,
      's',
      [{ party: 'a', preferred: 1 }, { party: 'b' }],
      {
        strategy: 'hierarchical',
        hierarchy: { coordinator: 'chief' },
      },
    );
    expect(negotiation).toMatchObject({ value: 9, details: { decidedBy: 'chief', objections: ['b'] } });
    expect(heard).toEqual(['first', [{ party: 'b', value: 1, reason: 'too much' }]]);
  });

  test('a coordinator that is down is replaced by its deputy; without one nobody decides', async () => {
    await using stage = await openStage();
    await stage.party('deputy', { decide: () => 5 });
    const parties = [{ party: 'a', preferred: 1 }];
    const held = (deputies: readonly string[]): ReturnType<typeof negotiateValue> =>
      negotiateValue(stage.bus, stage.space, 's', parties, {
        strategy: 'hierarchical',
        hierarchy: { coordinator: 'chief', deputies },
      });
    const negotiation = await held(['deputy']);
    expect(negotiation).toMatchObject({ value: 5, details: { decidedBy: 'deputy' } });
    expect(outcomes(negotiation)).toMatchObject({ chief: 'unavailable', deputy: 'replied' });
    expect(await held([])).toMatchObject({ kind: 'coordinator-unavailable', asked: ['chief'] });
  });

  test('the same seed and the same answers give the same value; the utilities asked for count', async () => {
    await using stage = await openStage();
    const points = [
      { value: 0, utility: 0 },
      { value: 7, utility: 1 },
      { value: 10, utility: 0 },
    ];
    await stage.party('a', { prefer: () => ({ preferred: 0, utility: { points } }) });
    const parties = [{ party: 'a' }, { party: 'b', preferred: 10, utility: 'seven' }];
    const search = (): ReturnType<typeof negotiateValue> =>
      negotiateValue(stage.bus, stage.space, 's', parties, {
        strategy: 'genetic',
        seed: 3,
        constraints: { min: 0, max: 10 },
        utilities: { seven: (value) => 1 - Math.abs(Number(value) - 7) / 10 },
      });
    const [first, second] = [await search(), await search()];
    expect(agreedValue(first)).toBeCloseTo(7, 0);
    expect(agreedValue(second)).toBe(agreedValue(first));
  });

  test("a strategy of one's own is asked and answered like ours", async () => {
    await using stage = await openStage();
    await stage.party('a', { prefer: () => ({ preferred: 3 }) });
    const own: Strategy = {
      name: 'largest',
      opening: 'prefer',
      isReady: ({ preferred }) => preferred !== undefined,
      *settle(positions) {
        const asked = positions.map(({ party }) => ({
          to: party,
          question: { phase: 'object', value: 3, decidedBy: 'nobody' } as const,
          usual: { kind: 'accept' } as const,
        }));
        const answers = yield asked;
        return { kind: 'agreed', value: answers.size, rounds: 1 };
      },
    };
    const negotiation = await negotiateValue(
      stage.bus,
      stage.space,
      's',
      [{ party: 'a' }, { party: 'b', preferred: 1 }],
      {
        strategy: own,
      },
    );
    expect(negotiation).toMatchObject({ strategy: 'largest', value: 2 });
  });
});

describe('on the wire', () => {
  test('a party without our library answers in plain JSON', async () => {
    await using stage = await openStage();
    const stranger = await connectBus({ url: inject('natsUrl'), name: 'stranger' });
    const questions: unknown[] = [];
    const subject = subjects(stage.space).at('round.stranger.negotiation.prefer');
    stranger.subscribe(subject, (message) => {
      questions.push(message.json());
      stranger.publish(message.reply ?? '', { kind: 'stance', preferred: 0.5, unheardOf: true });
    });
    await stranger.flush();
    const negotiation = await negotiateValue(
      stage.bus,
      stage.space,
      'size',
      [{ party: 'stranger', wire: 'json' }],
      {
        constraints: { min: 0 },
      },
    );
    expect(agreedValue(negotiation)).toBe(0.5);
    expect(questions).toEqual([
      {
        round: negotiation.round,
        variable: 'size',
        strategy: 'weighted-consensus',
        range: { min: 0 },
        withinMs: 5_000,
      },
    ]);
    await stranger.close(0);
  });

  test('whoever listens is told how it ended', async () => {
    await using stage = await openStage();
    const told = Promise.withResolvers<unknown>();
    await stage.party('listener', { settled: told.resolve });
    const { round } = await negotiateValue(stage.bus, stage.space, 'temperature', given);
    expect(await told.promise).toMatchObject({ round, subject: 'temperature', outcome: { value: 0.49 } });
  });

  test('what is no question of a negotiation is refused as malformed', async () => {
    await using stage = await openStage();
    await using _ = participate(stage.bus, stage.space, 'a', { prefer: () => ({ preferred: 1 }) });
    const subject = subjects(stage.space).at('round.a.negotiation.prefer');
    await expect(stage.bus.request(subject, { hello: 1 })).rejects.toEqual(code('malformed-message'));
  });
});
