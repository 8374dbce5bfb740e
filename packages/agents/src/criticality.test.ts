import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { networkPriorities, type VariableState } from '@mabeam/variables';
import { allocatedClasses, inClasses, roomFor } from './criticality.ts';

const priority = fc.constantFrom(...networkPriorities);
const capacity = fc.integer({ min: 1, max: 5_000 });

describe('what has arrived together', () => {
  it('goes class by class, the highest first, in a class as it came, and nothing is lost', () => {
    fc.assert(
      fc.property(fc.array(priority), (priorities) => {
        const arrived = priorities.map((each, place) => ({ priority: each, place }));
        const expected = arrived.toSorted(
          (a, b) =>
            networkPriorities.indexOf(b.priority) - networkPriorities.indexOf(a.priority) ||
            a.place - b.place,
        );
        const groups = inClasses(arrived);
        expect(groups.flat()).toEqual(expected);
        for (const group of groups) expect(new Set(group.map(({ priority: own }) => own)).size).toBe(1);
      }),
    );
  });
});

describe('room', () => {
  it('is the whole capacity for critical, and for the others 0.9, 0.75 and 0.5 of it', () => {
    expect(networkPriorities.map((each) => roomFor(each, 1_024))).toEqual([512, 768, 921, 1_024]);
    expect(networkPriorities.map((each) => roomFor(each, 8))).toEqual([4, 6, 7, 8]);
  });

  it('refused to a class is refused to every lower one, and to none while nothing runs', () => {
    fc.assert(
      fc.property(capacity, fc.nat({ max: 5_001 }), (whole, open) => {
        const refused = networkPriorities.map((each) => open >= roomFor(each, whole));
        expect(refused.toSorted((a, b) => Number(b) - Number(a))).toEqual(refused);
        expect(refused.includes(true) && open === 0).toBe(false);
        expect(refused.includes(false) && open >= whole).toBe(false);
      }),
    );
  });
});

describe('the class that allocations give', () => {
  it('is that of the most important one, whatever their order; a share gives none', () => {
    const allocation = (id: string, importance: number, value: unknown): VariableState =>
      // Of a variable's state only what decides.
      ({ id, definition: { priority: importance }, value }) as unknown as VariableState;
    const part = (networkPriority: string) => ({ memory: 1, cpuWeight: 1, networkPriority });
    const allocations = [
      allocation('b', 2, { words: part('high'), links: 0.5 }),
      allocation('a', 2, { words: part('critical') }),
      allocation('c', 1, { words: part('low'), links: part('low'), dates: part('low') }),
    ];
    const expected = new Map([
      ['words', 'critical'],
      ['links', undefined],
      ['dates', 'low'],
    ]);
    for (const given of [allocations, allocations.toReversed()]) {
      expect(allocatedClasses(given)).toEqual(expected);
    }
  });
});
