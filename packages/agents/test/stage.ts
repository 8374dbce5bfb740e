/** The stage of the tests: a fresh space on the shared server, its definitions and its graph, crews that end with the test. */
import {
  connectBus,
  deleteStreams,
  ensureStreams,
  putKey,
  spaceNames,
  spaceStreams,
  type Bus,
} from '@mabeam/bus';
import { createLogger } from '@mabeam/telemetry/api';
import { freshSpace } from '@mabeam/testing';
import { graphOf, openVariables, type Edge, type VariableStore } from '@mabeam/variables';
import {
  parseAgentSpec,
  startAgents,
  type AgentCrew,
  type AgentSpecInput,
  type CrewMember,
} from '@mabeam/agents';

export class Stage implements AsyncDisposable {
  readonly space: string;
  readonly bus: Bus;
  readonly store: VariableStore;
  readonly #open: AsyncDisposable[] = [];

  constructor(bus: Bus, space: string, store: VariableStore) {
    this.bus = bus;
    this.space = space;
    this.store = store;
  }

  get bucket(): string {
    return spaceNames(this.space).bucket;
  }

  /** Writes an agent's definition; resolves with its revision. */
  define(spec: AgentSpecInput): Promise<number> {
    return putKey(this.bus, this.bucket, `definition.agent.${spec.id}`, parseAgentSpec(spec));
  }

  /** Writes the graph; resolves with its epoch once this process knows it. */
  async wire(nodes: readonly string[], edges: readonly Edge[]): Promise<number> {
    const epoch = await putKey(this.bus, this.bucket, 'graph', graphOf({ pattern: 'custom', edges }, nodes));
    await this.store.waitForRevision(epoch);
    return epoch;
  }

  /** Starts a crew on the stage's own connection and variables. */
  async crew(members: Iterable<CrewMember>): Promise<AgentCrew> {
    const log = createLogger({ name: 'crew', level: 'silent' });
    const crew = await startAgents(this.bus, this.space, members, { store: this.store, log });
    this.#open.push(crew);
    return crew;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const open of this.#open.splice(0).toReversed()) await open[Symbol.asyncDispose]();
    await this.store.close();
    await deleteStreams(
      this.bus,
      spaceStreams(this.space).map(({ name }) => name),
    );
    await this.bus.close();
  }
}

/** Opens a stage with a fresh space. */
export async function openStage(url: string): Promise<Stage> {
  const bus = await connectBus({ url, name: 'agents test' });
  const space = freshSpace('agents');
  await ensureStreams(bus, spaceStreams(space));
  return new Stage(bus, space, await openVariables(bus, space));
}

/** How many consumers the server holds for a space, over all its streams. */
export async function countConsumers(bus: Bus, space: string): Promise<number> {
  const counts = spaceStreams(space).map(async ({ name }) => {
    // The JetStream API is asked as any client would: plain JSON on its own subject.
    const answer = await bus.request(`$JS.API.CONSUMER.NAMES.${name}`, {}, { form: 'plain' });
    return typeof answer === 'object' && answer !== null && 'total' in answer
      ? Number(answer.total)
      : Number.NaN;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
