/**
 * Admission: the gate through which questions, edges that may be lost and directives come to the agents of one process.
 *
 * Invariants
 *  G1  While all agents have one class it is open: nothing waits, nothing is turned away.
 *  G2  Else what arrives in one turn of the event loop is handed on class by class (criticality.ts, R1), each class when the one
 *      before has begun. Nothing waits longer than that: one that waited for room could wait for its own asker.
 *  G3  Questions and edges find room for their class or are turned away (R2); directives are not: they are how load is taken off.
 *  G4  An agent has the class that an allocation gives it, else that of its definition, else `normal`; by what is in the bucket when
 *      something arrives.
 */
import { busErrors, errorsOf, isStream, type BucketEntry } from '@mabeam/bus';
import { valueKey, type NetworkPriority, type VariableState, type VariableStore } from '@mabeam/variables';
import type { AgentSpecs } from './agent-specs.ts';
import { allocatedClasses, inClasses, roomFor } from './criticality.ts';
import type { Meter } from './metrics-meter.ts';

const busError = errorsOf(busErrors);

/** By what an agent's class is known; changed as instances come and go. */
interface Standing {
  instances: number;
  /** Undefined until something arrives. */
  priority: NetworkPriority | undefined;
}

interface Arrival {
  readonly priority: NetworkPriority;
  readonly begin: () => void;
}

type Take<R, A> = (arrival: R) => Promise<A>;

/** The gate of one process. */
export class Admission implements Disposable {
  readonly #store: VariableStore;
  readonly #specs: AgentSpecs;
  readonly #capacity: number;
  readonly #agents = new Map<string, Standing>();
  /** How many agents there are of each class. */
  readonly #counts = new Map<NetworkPriority, number>();
  /** Agents whose class may be another now. */
  readonly #stale = new Set<string>();
  readonly #watch: Disposable;
  readonly #exit: Disposable = { [Symbol.dispose]: () => void (this.#open -= 1) };
  #isAllStale = true;
  #allocationKeys: ReadonlySet<string> = new Set();
  #given: ReadonlyMap<string, NetworkPriority | undefined> = new Map();
  #isAwake = false;
  #open = 0;
  #arrived: Arrival[] = [];

  /** `capacity`: handlers of questions and edges that run at once, from 1. */
  constructor(store: VariableStore, specs: AgentSpecs, capacity: number) {
    this.#store = store;
    this.#specs = specs;
    this.#capacity = capacity;
    this.#watch = store.replica.onChange(({ entries }) => this.#note(entries));
  }

  /** An instance of the agent is here. */
  join(agent: string): void {
    const known = this.#agents.get(agent);
    if (known !== undefined) known.instances += 1;
    else {
      this.#agents.set(agent, { instances: 1, priority: undefined });
      this.#stale.add(agent);
    }
  }

  /** An instance that has joined is gone. */
  leave(agent: string): void {
    const known = this.#agents.get(agent);
    if (known === undefined) return;
    known.instances -= 1;
    if (known.instances > 0) return;
    this.#agents.delete(agent);
    this.#count(known.priority, -1);
  }

  /** The same, each when it is its turn (G2). */
  inTurn<R, A>(agent: string, take: Take<R, A>): Take<R, A> {
    return (arrival) => {
      const turn = this.#turn(agent);
      return turn === undefined ? take(arrival) : turn.then(() => take(arrival));
    };
  }

  /** The same, each when it is its turn and if there is room (G3). Throws `overloaded`. */
  admitted<R, A>(agent: string, meter: Meter, take: Take<R, A>): Take<R, A> {
    return this.inTurn(agent, (arrival) => {
      if (this.hasRoom(agent)) return take(arrival);
      meter.refuse();
      throw this.#overloaded(agent);
    });
  }

  /** May one more of this agent's class begin? */
  hasRoom(agent: string): boolean {
    return !this.#isAwake || this.#open < roomFor(this.#classOf(agent), this.#capacity);
  }

  /** A handler begins; disposing what is returned, once, ends it. It counts while the gate is open too: it may wake. */
  enter(): Disposable {
    this.#open += 1;
    return this.#exit;
  }

  /** Ends a handler that has returned this; one that streams its answer ends with the last part, unless the gate is open. */
  leaveWith(output: unknown): unknown {
    if (this.#isAwake && isStream(output)) return untilOver(output, this.#exit);
    this.#exit[Symbol.dispose]();
    return output;
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  /** G2; undefined: at once. */
  #turn(agent: string): Promise<void> | undefined {
    if (this.#isAllStale || this.#stale.size > 0) this.#refresh();
    if (!this.#isAwake) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#arrived.length === 0) setImmediate(() => this.#call());
    this.#arrived.push({ priority: this.#classOf(agent), begin: resolve });
    return promise;
  }

  /** Between two immediates runs what the first has begun, up to its first real wait. */
  #call(): void {
    const [first = [], ...lower] = inClasses(this.#arrived);
    this.#arrived = [];
    for (const group of lower) setImmediate(beginAll, group);
    beginAll(first);
  }

  #classOf(agent: string): NetworkPriority {
    return this.#agents.get(agent)?.priority ?? 'normal';
  }

  /** G4, without a look at the view: a process whose agents are not called folds nothing. */
  #note(entries: readonly BucketEntry[]): void {
    for (const { key } of entries) {
      const agent = key.startsWith(definitionOfAgent) ? key.slice(definitionOfAgent.length) : undefined;
      if (agent !== undefined) {
        if (this.#agents.has(agent)) this.#stale.add(agent);
      } else if (key.startsWith('definition.') || this.#allocationKeys.has(key)) this.#isAllStale = true;
    }
  }

  #refresh(): void {
    if (this.#isAllStale) {
      const allocations = [...this.#store.view.variables.values()].filter(isAllocation);
      this.#allocationKeys = new Set(allocations.map(({ id }) => valueKey(id)));
      this.#given = allocatedClasses(allocations);
      for (const agent of this.#agents.keys()) this.#stale.add(agent);
    }
    for (const agent of this.#stale) this.#classify(agent);
    this.#stale.clear();
    this.#isAllStale = false;
  }

  #classify(agent: string): void {
    const standing = this.#agents.get(agent);
    if (standing === undefined) return;
    const defined = this.#specs.of(agent)?.spec?.resources?.networkPriority;
    const priority = this.#given.get(agent) ?? defined ?? 'normal';
    if (priority === standing.priority) return;
    this.#count(standing.priority, -1);
    this.#count(priority, 1);
    standing.priority = priority;
  }

  #count(priority: NetworkPriority | undefined, by: 1 | -1): void {
    if (priority === undefined) return;
    this.#counts.set(priority, (this.#counts.get(priority) ?? 0) + by);
    this.#isAwake = [...this.#counts.values()].filter((agents) => agents > 0).length > 1;
  }

  #overloaded(agent: string): Error {
    const [open, capacity, priority] = [this.#open, this.#capacity, this.#classOf(agent)];
    const room = roomFor(priority, capacity);
    const message = `${agent}: its process runs ${open} requests, and agents of the class ${priority} are admitted up to ${room} of ${capacity}; try again shortly, give it a higher networkPriority or raise MABEAM_CAPACITY`;
    return busError('overloaded', message, { details: { agent, networkPriority: priority, open, capacity } });
  }
}

function beginAll(group: readonly Arrival[]): void {
  for (const { begin } of group) begin();
}

const definitionOfAgent = 'definition.agent.';

function isAllocation({ definition }: VariableState): boolean {
  return definition.kind === 'resource-allocation';
}

/** The same parts; `over` is disposed once, when there are no more or nobody wants them. */
function untilOver(parts: AsyncIterable<unknown>, over: Disposable): AsyncIterable<unknown> {
  const iterator = parts[Symbol.asyncIterator]();
  let isOver = false;
  const end = (): void => {
    if (!isOver) over[Symbol.dispose]();
    isOver = true;
  };
  const next = async (): Promise<IteratorResult<unknown>> => {
    let isLast = true;
    try {
      const part = await iterator.next();
      isLast = part.done === true;
      return part;
    } finally {
      if (isLast) end();
    }
  };
  const leave = async (value: unknown): Promise<IteratorResult<unknown>> => {
    try {
      return (await iterator.return?.(value)) ?? { done: true, value };
    } finally {
      end();
    }
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
}
