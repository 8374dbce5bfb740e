import { connectBus, jsonBytes, pause, putKey } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { describe, expect, inject, it } from 'vitest';
import { grantedIn, type Book } from '../src/resources/book.ts';
import { bookKey, openDesk, readBook, type ResourceDesk } from '../src/resources/desk.ts';
import { bookSchema } from '../src/resources/desk-messages.ts';
import {
  joinGrant,
  requestResources,
  type HeldGrant,
  type ResourceAsk,
} from '../src/resources/held-grant.ts';
import { runDesk } from '../src/resources/run-desk.ts';
import { seededRandom } from '../src/negotiation/random.ts';
import { recordsBucket, recordSubject } from '../src/session/records.ts';
import { startFixture } from './fixtures/processes.ts';
import { openSpaceStage, type SpaceStage } from './space-stage.ts';

const desk = 'desk';

async function openBench(capacity: Record<string, number>, graceMs = 200) {
  const stage = await openSpaceStage(inject('natsUrl'));
  const opened = await openDesk(stage.bus, stage.space, { desk, capacity, graceMs });
  return {
    ...stage,
    opened,
    ask: (ask: ResourceAsk) => requestResources(stage.bus, stage.space, desk, ask),
    [Symbol.asyncDispose]: async () => {
      await opened[Symbol.asyncDispose]();
      await stage[Symbol.asyncDispose]();
    },
  };
}

async function held(asked: Promise<Awaited<ReturnType<typeof requestResources>>>): Promise<HeldGrant> {
  const result = await asked;
  if (result.kind === 'denied') throw new Error(`denied: ${result.reason}`);
  return result.grant;
}

const whenAborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });

const used = (one: ResourceDesk): Record<string, number> => grantedIn(one.book.grants);

describe('granting', () => {
  it('what is free is granted, what is not is denied at once or waited for', async () => {
    await using bench = await openBench({ memory: 10, cpu: 4 });
    await using first = await held(bench.ask({ party: 'a', amounts: { memory: 6, cpu: 1 } }));
    expect(first.isHeld).toBe(true);
    expect(await bench.ask({ party: 'b', amounts: { memory: 6 } })).toEqual({
      kind: 'denied',
      reason: 'exhausted',
      free: { memory: 4, cpu: 3 },
    });
    expect(await bench.ask({ party: 'b', amounts: { memory: 11 }, waitMs: 5_000 })).toMatchObject({
      reason: 'over-capacity',
    });
    const waiting = held(bench.ask({ party: 'b', amounts: { memory: 6 }, waitMs: 5_000 }));
    await first.release();
    await using second = await waiting;
    expect(used(bench.opened)).toEqual({ memory: 6 });
    expect(second.isHeld && !first.isHeld).toBe(true);
  });

  it('who asks again under the same id has the same grant', async () => {
    await using bench = await openBench({ memory: 10 });
    const ask = { party: 'a', amounts: { memory: 6 }, request: 'once' };
    await using first = await held(bench.ask(ask));
    await using again = await held(bench.ask(ask));
    expect(again.grant.id).toBe(first.grant.id);
    expect(used(bench.opened)).toEqual({ memory: 6 });
  });

  it('a book that would grow too large to be written takes no more, and all else goes on', async () => {
    await using bench = await openBench({ memory: 10 });
    const large = (size: number): ResourceAsk => ({
      party: 'a',
      amounts: { memory: 1 },
      request: 'x'.repeat(size),
    });
    await using _first = await held(bench.ask(large(500_000)));
    await expect(bench.ask(large(600_000))).rejects.toMatchObject({ code: 'overloaded' });
    await using second = await held(bench.ask({ party: 'b', amounts: { memory: 9 } }));
    expect(second.isHeld).toBe(true);
    expect(used(bench.opened)).toEqual({ memory: 10 });
  });

  it('a partial request takes what there is', async () => {
    await using bench = await openBench({ memory: 10 });
    await using _first = await held(bench.ask({ party: 'a', amounts: { memory: 7 } }));
    await using second = await held(bench.ask({ party: 'b', amounts: { memory: 7 }, isPartial: true }));
    expect(second.amounts).toEqual({ memory: 3 });
  });

  it('the more important of those who wait is served first, and the small do not overtake it', async () => {
    await using bench = await openBench({ memory: 10 });
    const first = await held(bench.ask({ party: 'a', amounts: { memory: 8 } }));
    const order: string[] = [];
    const wait = async (party: string, amount: number, priority: number): Promise<void> => {
      const grant = await held(bench.ask({ party, amounts: { memory: amount }, priority, waitMs: 8_000 }));
      order.push(party);
      await grant.release();
    };
    const large = wait('large', 9, 2);
    await waitFor(async () => (await bench.ask({ party: 'x', amounts: { memory: 1 } })).kind === 'denied', {
      what: 'the large one waits and keeps its part',
    });
    const small = wait('small', 2, 1);
    await first.release();
    await Promise.all([large, small]);
    expect(order).toEqual(['large', 'small']);
  });

  it('what a desk has not, and what cannot be asked, is refused', async () => {
    await using bench = await openBench({ memory: 10 });
    await expect(bench.ask({ party: 'a', amounts: { gpu: 1 } })).rejects.toMatchObject({
      code: 'unknown-resource',
    });
    await expect(bench.ask({ party: 'a', amounts: { memory: 0.5 } })).rejects.toMatchObject({
      code: 'invalid-amount',
    });
    await expect(
      bench.bus.request(`mabeam.${bench.space}.round.${desk}.resources.renew`, { grant: 1 }),
    ).rejects.toMatchObject({
      code: 'malformed-message',
    });
  });
});

describe('taking away', () => {
  it('a preempted holder gets notice, then loses the grant really, and only then the other gets it', async () => {
    await using bench = await openBench({ memory: 10 });
    const conditions = [{ kind: 'priority-preemption', priority: 5 }] as const;
    await using low = await held(bench.ask({ party: 'low', amounts: { memory: 8 }, conditions }));
    await using safe = await held(bench.ask({ party: 'safe', amounts: { memory: 1 } }));
    expect((await bench.ask({ party: 'mild', amounts: { memory: 6 }, priority: 4, waitMs: 50 })).kind).toBe(
      'denied',
    );
    expect(low.noticed.aborted).toBe(false);
    const high = held(bench.ask({ party: 'high', amounts: { memory: 6 }, priority: 5, waitMs: 8_000 }));
    expect(await whenAborted(low.noticed)).toBe('preempted');
    expect(low.isHeld).toBe(true);
    await using granted = await high;
    expect([low.isHeld, granted.isHeld, safe.isHeld]).toEqual([false, true, true]);
    expect(await whenAborted(low.lost)).toMatchObject({ code: 'grant-lost' });
    expect(bench.opened.book.grants.map(({ holders }) => holders[0])).toEqual(['safe', 'high']);
  });

  it('a holder that gives it back on notice makes way at once', async () => {
    await using bench = await openBench({ memory: 10 }, 60_000);
    const conditions = [{ kind: 'priority-preemption', priority: 1 }] as const;
    const low = await held(bench.ask({ party: 'low', amounts: { memory: 10 }, conditions }));
    low.noticed.addEventListener('abort', () => void low.release());
    await using high = await held(
      bench.ask({ party: 'high', amounts: { memory: 10 }, priority: 1, waitMs: 8_000 }),
    );
    expect(high.isHeld).toBe(true);
    expect(low.lost.aborted).toBe(false);
  });

  it('what nobody uses is taken away, what is used stays', async () => {
    await using bench = await openBench({ memory: 10 }, 50);
    const conditions = [{ kind: 'release-on-idle', afterMs: 300 }] as const;
    await using idle = await held(bench.ask({ party: 'idle', amounts: { memory: 4 }, conditions }));
    await using busy = await held(bench.ask({ party: 'busy', amounts: { memory: 4 }, conditions }));
    const using = setInterval(() => busy.reportUse(), 20);
    await whenAborted(idle.lost);
    await waitFor(() => used(bench.opened)['memory'] === 4, { what: 'the capacity of the idle one is back' });
    clearInterval(using);
    expect(idle.noticed.reason).toBe('idle');
    expect(busy.noticed.aborted).toBe(false);
  });

  it('who falls silent loses it after its time to live', async () => {
    await using bench = await openBench({ memory: 10 });
    const bus = await connectBus({ url: inject('natsUrl'), name: 'silent' });
    const lost = await held(
      requestResources(bus, bench.space, desk, { party: 'a', amounts: { memory: 10 }, ttlMs: 300 }),
    );
    await bus.close();
    await using next = await held(bench.ask({ party: 'b', amounts: { memory: 10 }, waitMs: 8_000 }));
    expect([lost.isHeld, next.isHeld]).toEqual([false, true]);
  });

  it('two that share are deducted once, and it is back when both have given it back', async () => {
    await using bench = await openBench({ memory: 10 });
    const conditions = [{ kind: 'share-with', party: 'b' }] as const;
    const first = await held(bench.ask({ party: 'a', amounts: { memory: 6 }, conditions }));
    const second = await joinGrant(bench.bus, bench.space, desk, { grant: first.grant, party: 'b' });
    await expect(
      joinGrant(bench.bus, bench.space, desk, { grant: first.grant, party: 'c' }),
    ).rejects.toMatchObject({
      code: 'grant-lost',
    });
    await first.release();
    expect(used(bench.opened)).toEqual({ memory: 6 });
    expect(second.isHeld).toBe(true);
    await second.release();
    expect(used(bench.opened)).toEqual({});
  });
});

describe('desks that follow each other', () => {
  it('a second desk ends the first, and the grants go on', async () => {
    await using bench = await openBench({ memory: 10 });
    await using grant = await held(bench.ask({ party: 'a', amounts: { memory: 6 }, ttlMs: 1_200 }));
    await using second = await openDesk(bench.bus, bench.space, { desk, capacity: { memory: 10 } });
    expect(await bench.opened.ended).toMatchObject({ code: 'conflict' });
    const { beat } = second.book;
    await waitFor(() => second.book.beat >= beat + 3, { what: 'the grant is renewed at the second desk' });
    expect(grant.isHeld).toBe(true);
    expect(used(second)).toEqual({ memory: 6 });
  });

  it('what is no book is named when it is to be opened', async () => {
    await using bench = await openBench({ memory: 10 });
    await putKey(bench.bus, recordsBucket(bench.space), bookKey('other'), { v: 1, grants: 7 });
    const opening = openDesk(bench.bus, bench.space, { desk: 'other', capacity: { memory: 1 } });
    await expect(opening).rejects.toMatchObject({ code: 'malformed-message' });
  });

  it('a book that somebody else writes into ends the desk before it grants from it', async () => {
    await using bench = await openBench({ memory: 10 });
    const kept = await readBook(bench.bus, bench.space, desk);
    await putKey(bench.bus, recordsBucket(bench.space), bookKey(desk), kept?.book);
    await expect(bench.ask({ party: 'a', amounts: { memory: 6 } })).rejects.toMatchObject({
      code: expect.stringMatching(/conflict|desk-closed|no-responders/),
    });
    expect(jsonBytes((await readBook(bench.bus, bench.space, desk))?.book)).toEqual(jsonBytes(kept?.book));
  });
});

/** Looks at every revision of the book, and at who believes what at that instant. */
async function watchBooks(stage: SpaceStage, capacity: number, holders: ReadonlySet<HeldGrant>) {
  const wrong: string[] = [];
  let seen = 0;
  const check = (book: Book): void => {
    seen += 1;
    const booked = grantedIn(book.grants)['memory'] ?? 0;
    const believed = [...holders].reduce(
      (sum, one) => sum + (one.isHeld ? (one.amounts['memory'] ?? 0) : 0),
      0,
    );
    if (booked > capacity) wrong.push(`revision ${seen}: ${booked} booked`);
    if (believed > capacity) wrong.push(`revision ${seen}: ${believed} believed`);
  };
  const subscription = stage.bus.subscribe(recordSubject(stage.space, bookKey(desk)), (message) =>
    check(bookSchema.parse(message.body())),
  );
  await stage.bus.flush();
  return { wrong, seen: () => seen, [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose]() };
}

/** One party's life: asks, holds a while, gives back or is robbed, and again until the end. */
async function live(
  stage: SpaceStage,
  party: string,
  holders: Set<HeldGrant>,
  signal: AbortSignal,
): Promise<number> {
  const random = seededRandom(party.charCodeAt(1));
  let granted = 0;
  while (!signal.aborted) {
    const amount = 1 + Math.floor(random.unit() * 6);
    const priority = Math.floor(random.unit() * 4);
    const conditions = [{ kind: 'priority-preemption', priority: priority + 1 }] as const;
    const ask = { party, amounts: { memory: amount }, priority, conditions, ttlMs: 500, waitMs: 300 };
    const result = await requestResources(stage.bus, stage.space, desk, ask).catch(() => undefined);
    if (result === undefined) await pause(20, signal);
    if (result?.kind !== 'granted') continue;
    granted += 1;
    holders.add(result.grant);
    const done = AbortSignal.any([result.grant.lost, AbortSignal.timeout(Math.ceil(random.unit() * 150))]);
    await whenAborted(done);
    await result.grant.release();
    holders.delete(result.grant);
  }
  return granted;
}

describe('waiting for a desk', () => {
  it('who waits while the desk changes hands is served by the next one', async () => {
    await using bench = await openBench({ memory: 10 });
    const first = await held(bench.ask({ party: 'a', amounts: { memory: 8 } }));
    const waiting = held(bench.ask({ party: 'b', amounts: { memory: 8 }, waitMs: 10_000 }));
    await waitFor(async () => (await bench.ask({ party: 'x', amounts: { memory: 1 } })).kind === 'denied', {
      what: 'b waits and keeps its part',
    });
    await using second = await openDesk(bench.bus, bench.space, { desk, capacity: { memory: 10 } });
    await first.release();
    await using grant = await waiting;
    expect(grant.isHeld).toBe(true);
    expect(used(second)).toEqual({ memory: 8 });
  });

  it('of two that keep a desk one does, and the other takes over when it stops', async () => {
    await using stage = await openSpaceStage(inject('natsUrl'));
    const opened: string[] = [];
    const errors: unknown[] = [];
    const keep = (name: string, signal: AbortSignal): Promise<void> =>
      runDesk(stage.bus, stage.space, {
        desk,
        capacity: { memory: 10 },
        leaseMs: 1_000,
        signal,
        onOpen: ({ book }) => opened.push(`${name} ${book.term}`),
        onError: (error) => errors.push(error),
      });
    const [one, two] = [new AbortController(), new AbortController()];
    const first = keep('one', one.signal);
    await waitFor(() => opened.length === 1, { what: 'the first keeps the desk' });
    const second = keep('two', two.signal);
    await using _grant = await held(
      requestResources(stage.bus, stage.space, desk, { party: 'a', amounts: { memory: 1 } }),
    );
    expect(opened).toEqual(['one 1']);
    one.abort();
    await first;
    await waitFor(() => opened.length === 2, { what: 'the second keeps the desk' });
    two.abort();
    await second;
    expect(opened).toEqual(['one 1', 'two 2']);
    expect(errors).toEqual([]);
  });
});

describe('a random history with kills', () => {
  const kills = process.env['MABEAM_LONG'] === '1' ? 40 : 2;

  it(
    "never grants more than there is, in no revision of the book and in nobody's belief",
    { timeout: 60_000 + kills * 5_000 },
    async () => {
      const url = inject('natsUrl');
      await using stage = await openSpaceStage(url);
      const holders = new Set<HeldGrant>();
      await using books = await watchBooks(stage, 10, holders);
      const start = () => startFixture('desk-process', url, [stage.space, desk, '{"memory":10}', '60']);
      const processes = [start()];
      await processes[0]?.line('open');
      const ending = new AbortController();
      const lives = ['p1', 'p2', 'p3', 'p4', 'p5'].map((party) => live(stage, party, holders, ending.signal));
      try {
        for (let kill = 0; kill < kills; kill++) {
          const before = books.seen();
          await waitFor(() => books.seen() > before + 20, { what: 'the desk is at work', timeoutMs: 20_000 });
          const next = start();
          await processes.at(-1)?.kill();
          processes.push(next);
          await next.line('open');
        }
        const before = books.seen();
        await waitFor(() => books.seen() > before + 20, {
          what: 'the last desk is at work',
          timeoutMs: 20_000,
        });
      } finally {
        ending.abort();
        for (const one of processes) await one.kill();
      }
      const granted = await Promise.all(lives);
      expect(books.wrong).toEqual([]);
      expect(Math.min(...granted)).toBeGreaterThan(0);
    },
  );
});
