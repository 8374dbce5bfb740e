/**
 * Admission: which of the starts that could be made there is room for, in the pool and on a node (pool.ts: Q1–Q3). Pure.
 */
import { demandOf, placeAgent, type InstanceId } from '@mabeam/cluster';
import type { StartAction, Waiting } from './actions.ts';
import type { DesiredInstance } from './desired.ts';
import { add, Budget, byPriority, nothing } from './pool.ts';
import type { Situation } from './situation.ts';

/** A start that nothing but a lack of room keeps from being made. */
export interface Candidate extends InstanceId {
  readonly kind: 'candidate';
  readonly instance: DesiredInstance;
  readonly reason: StartAction['reason'];
  /** The live node it was on before. */
  readonly former?: string;
  /** The node it is to leave, if there is another for it. */
  readonly avoid?: string;
}

/** One for which there is no room now. */
export interface Refusal {
  readonly instance: DesiredInstance;
  readonly waiting: Waiting;
}

/** The starts there is room for, in the order of the candidates, and those refused beyond the ones that were before. */
export function admitStarts(
  candidates: readonly Candidate[],
  refusedBefore: ReadonlyMap<string, Refusal>,
  situation: Situation,
): { readonly starts: readonly StartAction[]; readonly refused: readonly Refusal[] } {
  const budget = new Budget(situation.pool);
  const places = new Places(situation);
  const placed = new Map<Candidate, string>();
  const refused: Refusal[] = [];
  const waiting = [...refusedBefore.values()].filter((each) => each.waiting.reason === 'resource-exhausted');
  for (const each of [...candidates, ...waiting].toSorted((a, b) => byPriority(a.instance, b.instance))) {
    if (!('kind' in each)) {
      budget.keepFor(each.instance);
      continue;
    }
    // Without a node there is no pool to lack anything.
    const isShort = situation.nodes.length > 0 && !budget.fits(each.instance);
    const node = isShort ? 'no-room' : places.find(each);
    if (node === 'no-node' || node === 'no-room') {
      refused.push(refusalOf(each, node));
      if (node === 'no-room') budget.keepFor(each.instance);
      continue;
    }
    placed.set(each, node.id);
    budget.take(each.instance);
    places.take(each, node.id);
  }
  const starts = candidates.flatMap((each): readonly StartAction[] => {
    const node = placed.get(each);
    const { agent, instance, ordinal, reason } = each;
    if (node === undefined) return [];
    const restarts = situation.recovery?.restartsOf(agent);
    const how = restarts === undefined ? {} : { restarts };
    return [{ kind: 'start', agent, ordinal, node, instance, reason, ...how }];
  });
  return { starts, refused };
}

function refusalOf({ agent, instance, ordinal }: Candidate, cause: 'no-node' | 'no-room'): Refusal {
  const reason = cause === 'no-node' ? 'no-node' : 'resource-exhausted';
  return { instance, waiting: { kind: 'waiting', agent, ordinal, reason } };
}

/** What is on the nodes, with what has been placed in this look. */
class Places {
  readonly #situation: Situation;
  readonly #load: Map<string, number>;
  readonly #reserved: Map<string, typeof nothing>;
  /** Instances by agent and node. */
  readonly #siblings = new Map<string, Map<string, number>>();

  constructor(situation: Situation) {
    this.#situation = situation;
    this.#load = new Map(situation.load);
    this.#reserved = new Map(situation.reservedOn);
    for (const [agent, nodes] of situation.siblings) this.#siblings.set(agent, new Map(nodes));
  }

  /** C6: one that was lost goes to the node it was on, where it may still run, whether there is room or not. */
  find(candidate: Candidate): { readonly id: string } | 'no-node' | 'no-room' {
    const { avoid, former, reason } = candidate;
    const { nodes } = this.#situation;
    if (avoid !== undefined) {
      const elsewhere = this.#place(
        candidate,
        nodes.filter(({ id }) => id !== avoid),
      );
      return typeof elsewhere === 'object' ? elsewhere : this.#place(candidate, nodes);
    }
    return reason === 'lost' && former !== undefined ? { id: former } : this.#place(candidate, nodes);
  }

  #place(
    { agent, instance }: Candidate,
    nodes: Situation['nodes'],
  ): { readonly id: string } | 'no-node' | 'no-room' {
    const placement = placeAgent(instance.spec, nodes, {
      load: this.#load,
      reserved: this.#reserved,
      siblings: this.#siblings.get(agent) ?? new Map(),
    });
    if (placement.kind === 'placed') return { id: placement.node };
    return placement.cause === 'no-room' ? 'no-room' : 'no-node';
  }

  take({ agent, instance }: Candidate, node: string): void {
    this.#load.set(node, (this.#load.get(node) ?? 0) + 1);
    this.#reserved.set(node, add(this.#reserved.get(node) ?? nothing, demandOf(instance.spec)));
    const nodes = this.#siblings.get(agent) ?? new Map<string, number>();
    this.#siblings.set(agent, nodes.set(node, (nodes.get(node) ?? 0) + 1));
  }
}
