import { describe, expect, it } from 'vitest';
import { agentStatuses, followStatus, mayFollow } from './status.ts';

describe('the status of an instance', () => {
  it('a life goes from inactive over active back to inactive, with a migration on the way', () => {
    const life = ['starting', 'active', 'migrating', 'active', 'stopping', 'inactive'] as const;
    let status: (typeof agentStatuses)[number] = 'inactive';
    for (const next of life) status = followStatus(status, next);
    expect(status).toBe('inactive');
  });

  it('every status but failed itself may fail, and what has failed can only be started', () => {
    expect(agentStatuses.filter((from) => mayFollow(from, 'failed'))).toEqual(
      agentStatuses.filter((from) => from !== 'failed'),
    );
    expect(agentStatuses.filter((to) => mayFollow('failed', to))).toEqual(['starting']);
  });

  it('there are exactly twelve transitions; every other one is refused by its names', () => {
    const pairs = agentStatuses.flatMap((from) => agentStatuses.map((to) => [from, to] as const));
    expect(pairs.filter(([from, to]) => mayFollow(from, to))).toHaveLength(12);
    for (const [from, to] of pairs.filter(([a, b]) => !mayFollow(a, b))) {
      expect(() => followStatus(from, to)).toThrow(
        expect.objectContaining({ code: 'illegal-transition', details: { from, to } }),
      );
    }
  });
});
