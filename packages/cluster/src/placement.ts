/**
 * Placement: on which node an instance is started. Pure.
 *
 * L1 A node that has not enough left of what the agent's definition asks for is no candidate, however good it is otherwise.
 * L2 Of the others the one with the highest score is chosen, among equals the first by id; the order of the nodes does not matter.
 */
import type { AgentSpec } from '@mabeam/agents';
import type { NodeRecord } from './registry.ts';

/** The chosen node, or why there is none: nobody starts it here, there is no node, or none has room. */
export type Placement =
  | { readonly kind: 'placed'; readonly node: string }
  | {
      readonly kind: 'no-suitable-node';
      readonly cause: 'started-elsewhere' | 'no-node' | 'no-room';
      readonly reason: string;
    };

/** Memory in bytes, cpu in cores. */
export interface ResourceAmounts {
  readonly memory: number;
  readonly cpu: number;
}

/** What the caller knows beyond the records of the nodes, by their ids. */
export interface PlacementSituation {
  /** Instances on it, with those just placed; absent: what its record says. */
  readonly load?: ReadonlyMap<string, number>;
  /** What is reserved on it already; absent: nothing. */
  readonly reserved?: ReadonlyMap<string, ResourceAmounts>;
  /** Instances of the same agent on it. */
  readonly siblings?: ReadonlyMap<string, number>;
  /** The node the instance was on before. */
  readonly former?: string | undefined;
  /** How near it is to whom the agent talks to, 0..1; absent: nothing is known, and all are as near. */
  readonly nearness?: ReadonlyMap<string, number>;
}

/** What a node is judged by; each 0..1, and larger is better but for load and anti-affinity. */
export interface PlacementFacts {
  /** What would be left of the scarcest resource, of all the node has. */
  readonly resource: number;
  readonly load: number;
  /** 1 when it can run the agent, else 0. */
  readonly capability: number;
  readonly network: number;
  /** 1 for the node it was on before. */
  readonly affinity: number;
  /** The part of the agent's other instances that is there: they should not die together. */
  readonly antiAffinity: number;
}

/** The score of a node: .30 resource + .25 (1 − load) + .20 capability + .15 network + .10 (affinity − anti-affinity). */
export function placementScore(facts: PlacementFacts): number {
  const { affinity, antiAffinity, capability, load, network, resource } = facts;
  return (
    0.3 * resource + 0.25 * (1 - load) + 0.2 * capability + 0.15 * network + 0.1 * (affinity - antiAffinity)
  );
}

/** Chooses the node for an instance (L1, L2). */
export function placeAgent(
  spec: AgentSpec,
  nodes: readonly NodeRecord[],
  situation: PlacementSituation = {},
): Placement {
  if (spec.run === undefined) return nowhere('started-elsewhere', `agent ${spec.id} is started elsewhere`);
  if (nodes.length === 0) return nowhere('no-node', 'there is no node; start one with "mabeam dev"');
  const demand = demandOf(spec);
  let best: { readonly id: string; readonly score: number } | undefined;
  for (const node of nodes) {
    const left = leftOn(node, demand, situation);
    if (left.memory < -tolerance * node.capacity.memory || left.cpu < -tolerance * node.capacity.cpu)
      continue;
    const score = placementScore(factsOf(node, left, situation));
    const isBetter = best === undefined || score > best.score || (score === best.score && node.id < best.id);
    if (isBetter) best = { id: node.id, score };
  }
  if (best !== undefined) return { kind: 'placed', node: best.id };
  return nowhere('no-room', `no node has ${demand.cpu} cores and ${demand.memory} bytes left for ${spec.id}`);
}

/** What an instance of an agent reserves; nothing where its definition asks for nothing. */
export function demandOf({ resources }: Pick<AgentSpec, 'resources'>): ResourceAmounts {
  return { memory: resources?.memory ?? 0, cpu: resources?.cpuWeight ?? 0 };
}

/** Sums of decimal fractions are off by less than this part. */
const tolerance = 1e-9;

/** With so many instances for each of its cores a node is half loaded. */
const instancesACore = 8;

function leftOn(
  node: NodeRecord,
  demand: ResourceAmounts,
  { reserved }: PlacementSituation,
): ResourceAmounts {
  const taken = reserved?.get(node.id);
  return {
    memory: node.capacity.memory - (taken?.memory ?? 0) - demand.memory,
    cpu: node.capacity.cpu - (taken?.cpu ?? 0) - demand.cpu,
  };
}

function factsOf(node: NodeRecord, left: ResourceAmounts, situation: PlacementSituation): PlacementFacts {
  const { capacity, id } = node;
  const { former, load, nearness, siblings } = situation;
  const instances = load?.get(id) ?? node.instances;
  const others = siblings === undefined ? 0 : [...siblings.values()].reduce((sum, count) => sum + count, 0);
  return {
    resource: Math.max(0, Math.min(partOf(left.memory, capacity.memory), partOf(left.cpu, capacity.cpu))),
    load: instances / (instances + instancesACore * Math.max(1, capacity.cpu)),
    capability: 1,
    network: nearness?.get(id) ?? 1,
    affinity: former === id ? 1 : 0,
    antiAffinity: others === 0 ? 0 : (siblings?.get(id) ?? 0) / others,
  };
}

function partOf(left: number, whole: number): number {
  return whole > 0 ? left / whole : 0;
}

function nowhere(
  cause: Extract<Placement, { kind: 'no-suitable-node' }>['cause'],
  reason: string,
): Placement {
  return { kind: 'no-suitable-node', cause, reason };
}
