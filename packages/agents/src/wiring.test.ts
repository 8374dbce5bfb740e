import { graphOf } from '@mabeam/variables';
import { describe, expect, it } from 'vitest';
import { admit, peersOf } from './wiring.ts';

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
