/**
 * Graphs that were in force: the coordination graph as of an epoch, for judging what was admitted then and arrives now
 * (R18: the epoch gates admission; what was admitted stays deliverable).
 */
import { parseJson, readKeyHistory, spaceNames, type Bus } from '@mabeam/bus';
import { graphKey, readGraph, type GraphState, type VariableStore } from '@mabeam/variables';

/** A graph that was in force from `at` on, by the server's clock. */
export interface KeptGraph extends GraphState {
  readonly at: Date;
}

/** What was read, while which graph was in force here. */
interface Kept {
  readonly inForce: number;
  readonly newest: number;
  readonly graphs: readonly KeptGraph[];
}

/** How many revisions of the graph the bucket keeps. */
export const keptGraphs = 64;

/** The graphs of a space that are still kept, read when they are asked for. */
export class GraphHistory {
  readonly #bus: Bus;
  readonly #store: VariableStore;
  #kept: Kept | undefined;

  constructor(bus: Bus, store: VariableStore) {
    this.#bus = bus;
    this.#store = store;
  }

  /**
   * The graphs kept until now, oldest first; read again only when the graph has changed – or when `epoch` is newer than all that
   * were read: what its sender knew already need not have come here yet.
   */
  async kept(epoch = 0): Promise<readonly KeptGraph[]> {
    const inForce = this.#store.graph?.revision ?? 0;
    const read = this.#kept;
    const isFresh = read?.inForce === inForce && epoch <= Math.max(inForce, read.newest);
    if (read !== undefined && isFresh) return read.graphs;
    const entries = await readKeyHistory(this.#bus, spaceNames(this.#store.space).bucket, graphKey);
    const graphs = entries.flatMap(({ operation, data, revision, at }): KeptGraph[] => {
      const read = operation === 'put' ? readGraph(parseJson(data)) : undefined;
      return read?.kind === 'graph' ? [{ graph: read.graph, revision, at }] : [];
    });
    this.#kept = { inForce, newest: graphs.at(-1)?.revision ?? 0, graphs };
    return graphs;
  }
}
