import { graphOf } from '@mabeam/variables';
import { describe, expect, it } from 'vitest';
import { directionProblem } from './rights.ts';

const star = { graph: graphOf({ pattern: 'star', hub: 'judge' }, ['judge', 'words', 'links']), revision: 9 };

describe('who may direct whom', () => {
  it('the orchestrator may direct everybody, in any graph', () => {
    expect(directionProblem({ from: 'orchestrator', to: 'x', role: undefined, graph: star })).toBeUndefined();
  });

  it('a coordinator may direct those it has an edge to, all when there is no graph, and never itself', () => {
    const coordinator = (from: string, to: string, graph: typeof star | undefined): string | undefined =>
      directionProblem({ from, to, role: 'coordinator', graph });
    expect(coordinator('judge', 'words', star)).toBeUndefined();
    expect(coordinator('words', 'links', undefined)).toBeUndefined();
    expect(coordinator('words', 'links', star)).toMatch(/no subordinate/);
    expect(coordinator('judge', 'judge', star)).toMatch(/no subordinate/);
  });

  it.each(['executor', 'evaluator', 'optimizer', 'monitor', 'custom'] as const)(
    'an agent of the role %s may not',
    (role) => {
      expect(directionProblem({ from: 'judge', to: 'words', role, graph: star })).toMatch(role);
    },
  );

  it('nor may one the space does not define', () => {
    expect(directionProblem({ from: 'judge', to: 'words', role: undefined, graph: undefined })).toMatch(
      /not defined/,
    );
  });
});
