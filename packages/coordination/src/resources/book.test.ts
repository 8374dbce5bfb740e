import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { decide, freeIn, giveBack, grantedIn, openBook, takeAway, type Book, type DeskAsk } from './book.ts';

const capacity = { memory: 10, cpu: 6 };
const ask = (request: string, memory: number, more: Partial<DeskAsk> = {}): DeskAsk => ({
  request,
  party: request,
  amounts: { memory },
  priority: 0,
  ttlMs: 1_000,
  conditions: [],
  isPartial: false,
  ...more,
});

const step = fc.oneof(
  fc.record({
    kind: fc.constant('ask' as const),
    who: fc.constantFrom('a', 'b', 'c', 'd'),
    memory: fc.integer({ min: 1, max: 12 }),
    priority: fc.nat({ max: 4 }),
    isPartial: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('back' as const), at: fc.nat({ max: 5 }) }),
);

test.prop([fc.array(step, { maxLength: 40 })], {
  numRuns: process.env['MABEAM_LONG'] === '1' ? 10_000 : 100,
})('in no history is more granted than there is, and a leaving grant frees nothing', (steps) => {
  let book: Book = openBook(capacity);
  for (const [at, one] of steps.entries()) {
    if (one.kind === 'back') {
      const grant = book.grants[one.at];
      if (grant !== undefined) book = giveBack(book, grant.id, grant.holders[0] ?? '');
    } else {
      const conditions = [{ kind: 'priority-preemption', priority: one.priority + 1 }] as const;
      const { isPartial, memory, priority, who } = one;
      const decision = decide(
        book,
        ask(`${who}${at}`, memory, { party: who, priority, isPartial, conditions }),
      );
      if (decision.kind === 'preempting') expect(freeIn(decision.book)).toEqual(freeIn(book));
      if (decision.kind === 'granted' || decision.kind === 'preempting') book = decision.book;
    }
    expect(grantedIn(book.grants)['memory'] ?? 0).toBeLessThanOrEqual(10);
  }
});

it('takes away no more than is needed, and the least important first', () => {
  let book = openBook(capacity);
  for (const [request, memory, priority] of [
    ['a', 2, 1],
    ['b', 3, 0],
    ['c', 5, 2],
  ] as const) {
    const conditions = [{ kind: 'priority-preemption', priority: 3 }] as const;
    const decision = decide(book, ask(request, memory, { priority, conditions }));
    if (decision.kind === 'granted') book = decision.book;
  }
  const victims = (memory: number): readonly string[] => {
    const decision = decide(book, ask('x', memory, { priority: 3 }));
    return decision.kind === 'preempting' ? decision.victims : [];
  };
  expect([victims(3), victims(4), victims(10)]).toEqual([['g2'], ['g2', 'g1'], ['g2', 'g1', 'g3']]);
  expect(decide(book, ask('x', 3, { priority: 2 })).kind).toBe('waiting');
});

it('who waits for grants that leave already has nobody else taken away', () => {
  const decision = decide(
    openBook(capacity),
    ask('a', 10, { conditions: [{ kind: 'priority-preemption', priority: 1 }] }),
  );
  if (decision.kind !== 'granted') throw new Error('an empty book grants');
  const book = takeAway(decision.book, ['g1'], 'idle');
  expect(decide(book, ask('x', 10, { priority: 5 })).kind).toBe('waiting');
  expect(book.grants[0]?.leaving?.why).toBe('idle');
});

it('what comes first keeps its part from what comes after', () => {
  expect(decide(openBook(capacity), ask('a', 5), { memory: 6 }).kind).toBe('waiting');
  expect(decide(openBook(capacity), ask('a', 11))).toEqual({ kind: 'refused', resource: 'memory' });
});
