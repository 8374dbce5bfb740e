/**
 * What a definition's agents say of each other: whom they start after, who watches them, which edges they have, and whether the pool
 * could ever hold them. Pure.
 */
import type { AgentSpec } from '@mabeam/agents';
import type { VariableDefinition } from '@mabeam/variables';
import { circles, unknownName, type CheckProblem } from './check-problem.ts';
import type { DeclaredEdge, SpacePool } from './space-record.ts';

/** Names that refer to agents, and no circles where there must be none. `names` are all agents that are written. */
export function checkAgentLinks(
  agents: readonly AgentSpec[],
  edges: readonly DeclaredEdge[],
  names: readonly string[],
): readonly CheckProblem[] {
  return [
    ...agents.flatMap(({ id, after = [] }) =>
      after.flatMap((other, index) => unknownName(['agents', id, 'after', index], 'agent', other, names)),
    ),
    ...agents.flatMap(({ id, supervisor }) =>
      supervisor === undefined ? [] : unknownName(['agents', id, 'supervisor'], 'agent', supervisor, names),
    ),
    ...checkStartOrder(agents),
    ...checkSupervision(agents, edges),
    ...checkEdges(edges, names),
  ];
}

function checkStartOrder(agents: readonly AgentSpec[]): readonly CheckProblem[] {
  const order = new Map(agents.map(({ id, after = [] }) => [id, after]));
  return circles(order).map(({ from, to, way }) => ({
    path: ['agents', from, 'after', (order.get(from) ?? []).indexOf(to)],
    message: `${way.join(' waits for ')}: none of them could ever start; take one out`,
  }));
}

/** Every agent has at most one supervisor, whether by its own field or by an edge, and nobody is above himself. */
function checkSupervision(
  agents: readonly AgentSpec[],
  edges: readonly DeclaredEdge[],
): readonly CheckProblem[] {
  const above = new Map<string, { readonly supervisor: string; readonly path: CheckProblem['path'] }>();
  const problems: CheckProblem[] = [];
  const claims = [
    ...agents.flatMap(({ id, supervisor }) =>
      supervisor === undefined ? [] : [{ id, supervisor, path: ['agents', id, 'supervisor'] }],
    ),
    ...edges.flatMap(({ from, to, kind }, index) =>
      kind === 'supervision' ? [{ id: to, supervisor: from, path: ['edges', index] }] : [],
    ),
  ];
  for (const { id, supervisor, path } of claims) {
    const former = above.get(id);
    if (former === undefined) above.set(id, { supervisor, path });
    else if (former.supervisor !== supervisor) {
      const message = `${id} is supervised by ${former.supervisor} already; keep one supervisor`;
      problems.push({ path, message });
    }
  }
  const upwards = new Map([...above].map(([id, { supervisor }]) => [id, [supervisor]]));
  const rings = circles(upwards).map(({ from, way }) => ({
    path: above.get(from)?.path ?? ['agents', from, 'supervisor'],
    message: `${way.join(' is supervised by ')}: nobody is above them; take one out`,
  }));
  return [...problems, ...rings];
}

function checkEdges(edges: readonly DeclaredEdge[], names: readonly string[]): readonly CheckProblem[] {
  const problems = edges.flatMap(({ from, to, kind }, index): readonly CheckProblem[] => {
    const first = edges.findIndex((edge) => edge.from === from && edge.to === to && edge.kind === kind);
    return [
      ...unknownName(['edges', index, 'from'], 'agent', from, names),
      ...unknownName(['edges', index, 'to'], 'agent', to, names),
      ...(from === to && kind !== 'feedback'
        ? [
            {
              path: ['edges', index, 'to'],
              message: `only feedback goes back to ${from} itself; name another`,
            },
          ]
        : []),
      ...(first < index ? [{ path: ['edges', index], message: 'is declared twice; keep one' }] : []),
    ];
  });
  return [...problems, ...(['command', 'data'] as const).flatMap((kind) => edgeCircles(edges, kind))];
}

function edgeCircles(edges: readonly DeclaredEdge[], circled: 'command' | 'data'): readonly CheckProblem[] {
  const ofKind = edges.filter(({ kind, from, to }) => kind === circled && from !== to);
  const steps = new Map(
    ofKind.map(({ from }) => [from, ofKind.filter((edge) => edge.from === from).map(({ to }) => to)]),
  );
  return circles(steps).map(({ from, to, way }) => ({
    path: ['edges', edges.findIndex((edge) => edge.kind === circled && edge.from === from && edge.to === to)],
    message: `${circled} edges run in a circle: ${way.join(' → ')}; take one out, or make it feedback`,
  }));
}

/** What needs more than there is in all could never run. */
export function checkResources(
  agents: readonly AgentSpec[],
  variables: readonly VariableDefinition[],
  pool: SpacePool | undefined,
): readonly CheckProblem[] {
  if (pool === undefined) return [];
  const demands = [
    ...agents.map(({ id, resources, bounds }) => ({
      path: ['agents', id, 'resources'],
      resources,
      times: Math.max(1, bounds?.min ?? 1),
    })),
    ...variables.map(({ id, resources }) => ({ path: ['variables', id, 'resources'], resources, times: 1 })),
  ];
  return demands.flatMap(({ path, resources, times }) =>
    (['memory', 'cpuWeight'] as const).flatMap((resource): readonly CheckProblem[] => {
      const total = resource === 'memory' ? pool.memory : pool.cpu;
      const needed = (resources?.[resource] ?? 0) * times;
      if (total === undefined || needed <= total) return [];
      const often = times > 1 ? ` (${times} instances at the least)` : '';
      const message = `needs ${needed}${often}, the pool has ${total} in all (resource-impossible); lower it or enlarge the pool`;
      return [{ path: [...path, resource], message, code: 'resource-impossible' }];
    }),
  );
}
