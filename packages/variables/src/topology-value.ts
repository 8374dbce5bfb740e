/**
 * The values of a communication-topology and of a coordination-pattern: a pattern, the hub of a star, the edges of a custom one. Pure.
 */
import { isId } from '@mabeam/bus';
import { isPlainObject, showJson, type Json } from './json.ts';
import { listNames, type Problem } from './problem.ts';
import { topologyPatterns, type Edge, type TopologyPattern } from './topology.ts';
import type { VariableDefinition } from './variable.ts';

/** A topology value that passed, as plain JSON. */
type Judged = Problem | { readonly value: { readonly [key: string]: Json } };

const fields: ReadonlySet<string> = new Set(['pattern', 'hub', 'edges']);

/** The topology in full form (`{pattern, hub?, edges?}`), or the first thing wrong with it. */
export function judgeTopology(definition: VariableDefinition, value: Json): Judged {
  const given: unknown = typeof value === 'string' ? { pattern: value } : value;
  if (!isPlainObject(given)) {
    return outside('value', `${showJson(value)} is no topology; give a pattern or {pattern, hub?, edges?}`);
  }
  const stranger = Object.keys(given).find((key) => !fields.has(key));
  if (stranger !== undefined) return outside(`value.${stranger}`, 'is not a field of a topology; remove it');
  const allowed = definition.domain.patterns ?? topologyPatterns;
  const pattern = allowed.find((name) => name === given['pattern']);
  if (pattern === undefined) {
    return outside(
      'value.pattern',
      `${showJson(given['pattern'])} is not one of ${listNames(allowed)}; choose one of those`,
    );
  }
  return pattern === 'custom' ? judgeCustom(definition, given) : judgeRegular(definition, pattern, given);
}

/** The same as a coordination-pattern keeps it: a bare pattern, unless it has a hub or edges to tell. */
export function judgePattern(
  definition: VariableDefinition,
  value: Json,
): Problem | { readonly value: Json } {
  const judged = judgeTopology(definition, value);
  if ('code' in judged) return judged;
  const { pattern } = judged.value;
  return Object.keys(judged.value).length === 1 && pattern !== undefined ? { value: pattern } : judged;
}

function judgeRegular(
  definition: VariableDefinition,
  pattern: TopologyPattern,
  given: Record<string, unknown>,
): Judged {
  const { hub, edges } = given;
  if (edges !== undefined) {
    return outside('value.edges', `a ${pattern} makes its own edges; remove them or choose custom`);
  }
  if (hub === undefined) return { value: { pattern } };
  if (pattern !== 'star')
    return outside('value.hub', `only a star has a hub, this is a ${pattern}; remove it`);
  if (!isMember(definition, hub)) return outside('value.hub', notMember(definition, hub));
  return { value: { pattern, hub } };
}

function judgeCustom(definition: VariableDefinition, given: Record<string, unknown>): Judged {
  if (given['hub'] !== undefined)
    return outside('value.hub', 'only a star has a hub, this is custom; remove it');
  const listed: unknown = given['edges'];
  if (!Array.isArray(listed)) {
    return outside('value.edges', 'a custom topology needs its edges; give a list of [from, to]');
  }
  const edges: Edge[] = [];
  for (const [i, item] of listed.entries()) {
    const edge = judgeEdge(definition, item, `value.edges[${i}]`);
    if ('code' in edge) return edge;
    if (edges.some(([from, to]) => from === edge.edge[0] && to === edge.edge[1])) {
      return outside(`value.edges[${i}]`, `${edge.edge.join(' → ')} is listed twice; list each edge once`);
    }
    edges.push(edge.edge);
  }
  return partition(definition, edges) ?? { value: { pattern: 'custom', edges } };
}

function judgeEdge(
  definition: VariableDefinition,
  item: unknown,
  field: string,
): Problem | { readonly edge: Edge } {
  if (!Array.isArray(item) || item.length !== 2) {
    return outside(field, `${showJson(item)} is not an edge; give [from, to]`);
  }
  const [from, to]: readonly unknown[] = item;
  if (!isMember(definition, from)) return outside(field, notMember(definition, from));
  if (!isMember(definition, to)) return outside(field, notMember(definition, to));
  return from === to
    ? outside(field, `${from} may not be joined to itself; remove the edge`)
    : { edge: [from, to] };
}

/** Every participant must be joined to every other by some path, whatever the direction of its edges. */
function partition(definition: VariableDefinition, edges: readonly Edge[]): Problem | undefined {
  if (definition.constraints.allowPartition === true) return undefined;
  const nodes = definition.agents.length > 0 ? definition.agents : [...new Set(edges.flat())];
  const reached = new Set(nodes.slice(0, 1));
  for (let before = 0; before < reached.size;) {
    before = reached.size;
    for (const [from, to] of edges) {
      if (reached.has(from)) reached.add(to);
      if (reached.has(to)) reached.add(from);
    }
  }
  const cut = nodes.filter((node) => !reached.has(node));
  if (cut.length === 0) return undefined;
  return {
    code: 'constraint-violation',
    field: 'value.edges',
    message: `${listNames(cut)} cannot be reached from ${nodes[0]}; join them or set constraints.allowPartition`,
  };
}

function isMember(definition: VariableDefinition, agent: unknown): agent is string {
  if (typeof agent !== 'string') return false;
  return definition.agents.length > 0 ? definition.agents.includes(agent) : isId(agent);
}

function notMember(definition: VariableDefinition, agent: unknown): string {
  const cure =
    definition.agents.length > 0 ? `choose from ${listNames(definition.agents)}` : 'give an agent id';
  return `${showJson(agent)} is not an agent of this topology; ${cure}`;
}

function outside(field: string, message: string): Problem {
  return { code: 'out-of-domain', field, message };
}
