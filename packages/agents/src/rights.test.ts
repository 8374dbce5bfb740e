import { graphOf } from '@mabeam/variables';
import { describe, expect, it } from 'vitest';
import { directionProblem, isPermitted, permissions, roleProblem } from './rights.ts';

const star = { graph: graphOf({ pattern: 'star', hub: 'judge' }, ['judge', 'words', 'links']), revision: 9 };

describe('who may direct whom', () => {
  it('the orchestrator may direct everybody, in any graph', () => {
    expect(directionProblem({ from: 'orchestrator', to: 'x', spec: undefined, graph: star })).toBeUndefined();
  });

  it('a coordinator may direct those it has an edge to, all when there is no graph, and never itself', () => {
    const coordinator = (from: string, to: string, graph: typeof star | undefined): string | undefined =>
      directionProblem({ from, to, spec: { role: 'coordinator' }, graph });
    expect(coordinator('judge', 'words', star)).toBeUndefined();
    expect(coordinator('words', 'links', undefined)).toBeUndefined();
    expect(coordinator('words', 'links', star)).toMatch(/no subordinate/);
    expect(coordinator('judge', 'judge', star)).toMatch(/no subordinate/);
  });

  it.each(['executor', 'evaluator', 'optimizer', 'monitor', 'custom'] as const)(
    'an agent of the role %s may not',
    (role) => {
      expect(directionProblem({ from: 'judge', to: 'words', spec: { role }, graph: star })).toMatch(role);
    },
  );

  it('nor may one the space does not define', () => {
    expect(directionProblem({ from: 'judge', to: 'words', spec: undefined, graph: undefined })).toMatch(
      /not defined/,
    );
  });
});

describe('in a star', () => {
  it('only the hub directs: another coordinator has no subordinates, not even the hub', () => {
    const spec = { role: 'coordinator' } as const;
    expect(directionProblem({ from: 'judge', to: 'words', spec, graph: star })).toBeUndefined();
    expect(directionProblem({ from: 'words', to: 'judge', spec, graph: star })).toMatch(/no subordinate/);
  });
});

describe('an edge declared for commands', () => {
  const declared = [{ from: 'words', to: 'links', kind: 'command' }];
  const graph = {
    graph: graphOf({ pattern: 'star', hub: 'judge' }, ['judge', 'words', 'links'], declared),
    revision: 9,
  };
  const may = (from: string, to: string, role: 'coordinator' | 'executor'): boolean =>
    directionProblem({ from, to, spec: { role }, graph }) === undefined;

  it('makes a subordinate in its direction alone, of one whose role directs', () => {
    expect(may('words', 'links', 'coordinator')).toBe(true);
    expect(may('links', 'words', 'coordinator')).toBe(false);
    expect(may('words', 'links', 'executor')).toBe(false);
  });
});

describe('what a role may do', () => {
  it.each([
    ['coordinator', ['direct', 'task', 'score']],
    ['executor', ['task', 'score']],
    ['evaluator', ['task', 'score']],
    ['optimizer', ['score', 'propose']],
    ['monitor', []],
  ] as const)('%s: %j', (role, may) => {
    expect(permissions.filter((each) => isPermitted({ role }, each))).toEqual(may);
  });

  it('custom: what it lists, and nothing when it lists nothing', () => {
    const listed = { role: 'custom', permissions: ['propose', 'task'] } as const;
    expect(
      permissions.filter((each) => isPermitted({ ...listed, permissions: [...listed.permissions] }, each)),
    ).toEqual(['task', 'propose']);
    expect(permissions.filter((each) => isPermitted({ role: 'custom' }, each))).toEqual([]);
  });

  it('the last coordinator cannot leave its role, one of two can', () => {
    const chief = { id: 'chief', role: 'coordinator' } as const;
    const words = { id: 'words', role: 'executor' } as const;
    expect(roleProblem('chief', 'executor', [chief, words])).toMatch(/last coordinator/);
    expect(roleProblem('chief', 'executor', [chief, { ...words, role: 'coordinator' }])).toBeUndefined();
    expect(roleProblem('words', 'monitor', [chief, words])).toBeUndefined();
  });
});
