import { graphOf } from '@mabeam/variables';
import { describe, expect, it } from 'vitest';
import { keptGraphs } from './graph-history.ts';
import { admit, peersOf, wasAdmitted } from './wiring.ts';

const star = { graph: graphOf({ pattern: 'star', hub: 'judge' }, ['judge', 'words', 'links']), revision: 9 };

describe('wiring', () => {
  it('in a star everybody reaches the hub, and nobody reaches past it', () => {
    expect(() => admit(star, 'words', 'judge')).not.toThrow();
    expect(() => admit(star, 'judge', 'links')).not.toThrow();
    expect(() => admit(star, 'words', 'links')).toThrow(
      expect.objectContaining({ code: 'edge-not-permitted', details: expect.objectContaining({ epoch: 9 }) }),
    );
  });

  it('who is not in the graph has no edge in it', () => {
    expect(() => admit(star, 'stranger', 'judge')).toThrow(
      expect.objectContaining({ code: 'edge-not-permitted' }),
    );
  });

  it('without a graph everybody may talk to everybody', () => {
    expect(() => admit(undefined, 'words', 'links')).not.toThrow();
    expect(peersOf(undefined, 'words')).toBeUndefined();
  });

  it('the peers of an agent are those it may send to', () => {
    expect(peersOf(star, 'judge')).toEqual(['words', 'links']);
    expect(peersOf(star, 'words')).toEqual(['judge']);
  });
});

describe('what was admitted when it was sent', () => {
  const ab = graphOf({ pattern: 'custom', edges: [['a', 'b']] }, ['a', 'b', 'c']);
  const cb = graphOf({ pattern: 'custom', edges: [['c', 'b']] }, ['a', 'b', 'c']);
  const at = (seconds: number): Date => new Date(seconds * 1_000);
  const graphs = [
    { graph: ab, revision: 10, at: at(10) },
    { graph: cb, revision: 20, at: at(20) },
  ];
  const sent = (epoch: number | undefined, seconds = 30): boolean =>
    wasAdmitted(graphs, { from: 'a', to: 'b', epoch, at: at(seconds) });

  it('is judged by the graph of its epoch, not by the present one', () => {
    expect(sent(10)).toBe(true);
    expect(sent(20)).toBe(false);
  });

  it('an epoch that never was a graph is made up', () => {
    expect([9, 15, 21].map((epoch) => sent(epoch))).toEqual([false, false, false]);
    expect(wasAdmitted([], { from: 'a', to: 'b', epoch: 3, at: at(3) })).toBe(false);
  });

  it('without an epoch the graph in force at that time judges, and before all graphs nothing was forbidden', () => {
    expect([5, 15, 25].map((seconds) => sent(undefined, seconds))).toEqual([true, true, false]);
    expect(wasAdmitted([], { from: 'a', to: 'b', epoch: undefined, at: at(3) })).toBe(true);
  });

  it('an epoch older than all that is kept cannot be checked, and stays deliverable', () => {
    const many = Array.from({ length: keptGraphs }, (_, n) => ({
      graph: cb,
      revision: 100 + n,
      at: at(100),
    }));
    expect(wasAdmitted(many, { from: 'a', to: 'b', epoch: 9, at: at(9) })).toBe(true);
  });
});
