/**
 * The receiver's end of the edges that are not kept: commands, and what may be lost.
 *
 * Invariants
 *  E1  A handler runs only for what the newest graph known to sender or receiver admits; the rest is dropped and counted.
 *  E2  At most `concurrency` handlers of one kind run; what comes on top of feedback, coordination and supervision is dropped
 *      and counted, so that a slow receiver never holds up a sender.
 *  E3  Instances of one agent share what comes along its edges, as they share its questions.
 */
import { contextFrom, inSpan, type BusMessage, type ServedRequest, type Subscription } from '@mabeam/bus';
import { attributes } from '@mabeam/telemetry/api';
import { metrics } from '@opentelemetry/api';
import { edgeContextOf, type Speaker } from './context.ts';
import type { EdgeHandler, EdgeHandlers } from './define.ts';
import type { Door } from './door.ts';
import { assertHops, edgeSubject, parseEdge, type EdgeMessage } from './edge.ts';
import { agentError } from './errors.ts';
import { KeptEdges } from './kept-edges.ts';
import { directionProblem, orchestratorName } from './rights.ts';
import { Tally } from './tally.ts';
import { admit, isAdmitted, reachEpoch } from './wiring.ts';

/** The kinds that may be lost. */
type LossyKind = 'feedback' | 'coordination' | 'supervision';
const lossyKinds: readonly LossyKind[] = ['feedback', 'coordination', 'supervision'];

const concurrency = 256;

/** Opens a door for each kind that has a handler. Kept edges come to the first instance alone: their order allows no second. */
export function openEdgeDoors(speaker: Speaker, handlers: EdgeHandlers): Door[] {
  const { data, command } = handlers;
  const { admission, bus, at } = speaker.premises;
  const { agent, ordinal } = speaker.instance;
  const doors: Door[] = lossyKinds.flatMap((kind) => {
    const handler = handlers[kind];
    return handler === undefined ? [] : [new LossyEdges(speaker, kind, handler)];
  });
  if (command !== undefined) {
    const answer = admission.admitted(agent, speaker.meter, (request: ServedRequest) =>
      speaker.meter.count(() => answerCommand(speaker, command, request)),
    );
    doors.push(bus.serve(edgeSubject(at, '*', agent, 'command'), answer, { queue: 'agent' }));
  }
  if (data !== undefined && ordinal === 0) doors.push(new KeptEdges(speaker, data));
  return doors;
}

async function answerCommand(
  speaker: Speaker,
  handler: EdgeHandler,
  request: ServedRequest,
): Promise<unknown> {
  const { premises, instance } = speaker;
  using _running = premises.admission.enter();
  const from = request.subject.split('.')[3] ?? '';
  assertHops(request.hops, from, instance.agent);
  await reachEpoch(premises.store, request.epoch, request.remainingMs);
  const { graph } = premises.store;
  admit(graph, from, instance.agent, 'command');
  const spec = premises.specs.of(from)?.spec;
  const problem = directionProblem({ from, to: instance.agent, spec, graph });
  if (problem !== undefined) {
    throw agentError('not-permitted', problem, { details: { from, to: instance.agent } });
  }
  return handler(request.body, edgeContextOf(speaker, 'command', { from, hops: request.hops }, request));
}

/** One kind of edge that may be lost, of one member. */
class LossyEdges implements Door {
  readonly served: Tally;
  readonly #speaker: Speaker;
  readonly #kind: LossyKind;
  readonly #handler: EdgeHandler;
  readonly #subscription: Subscription;
  readonly #taken: (message: BusMessage) => Promise<void>;
  readonly #running = new Set<Promise<void>>();
  readonly #aborting = new AbortController();

  constructor(speaker: Speaker, kind: LossyKind, handler: EdgeHandler) {
    this.#speaker = speaker;
    this.#kind = kind;
    this.#handler = handler;
    const { admission, bus, at } = speaker.premises;
    this.#taken = admission.inTurn(speaker.instance.agent, (message: BusMessage) => this.#take(message));
    const subject = edgeSubject(at, '*', speaker.instance.agent, kind);
    this.served = new Tally(subject, 'agent', speaker.meter);
    this.#subscription = bus.subscribe(subject, (message) => this.#receive(message), { queue: 'agent' });
  }

  async close(graceMs: number): Promise<void> {
    await this.#subscription[Symbol.asyncDispose]();
    const timer = setTimeout(() => this.#aborting.abort(), graceMs);
    await Promise.allSettled(this.#running);
    clearTimeout(timer);
  }

  #receive(message: BusMessage): void {
    if (this.#running.size >= concurrency) {
      this.#refuse('overloaded');
      return;
    }
    const work = this.#taken(message)
      .catch((error: unknown) => this.#drop('failed', error))
      .finally(() => void this.#running.delete(work));
    this.#running.add(work);
  }

  async #take(message: BusMessage): Promise<void> {
    const edge = parseEdge(message);
    if (edge === undefined) return this.#refuse('malformed');
    const { premises } = this.#speaker;
    const { admission } = premises;
    if (!admission.hasRoom(this.#speaker.instance.agent)) return this.#refuse('overloaded');
    using _running = admission.enter();
    await reachEpoch(premises.store, edge.epoch);
    if (!this.#admits(edge)) return this.#refuse('edge-not-permitted');
    const spanned = {
      [attributes.space]: premises.space,
      [attributes.agent]: this.#speaker.instance.agent,
      [attributes.messagingDestination]: message.subject,
    };
    const name = `process edge.${this.#kind}`;
    const parent = contextFrom(edge.traceparent);
    await inSpan({ kind: 'consumer', name, attributes: spanned, parent }, async () => {
      const context = edgeContextOf(this.#speaker, this.#kind, edge, { signal: this.#aborting.signal });
      await this.served.count(() => this.#handler(message.body(), context));
    });
  }

  /** E1; both sides of a coordination may begin it. */
  #admits({ from }: EdgeMessage): boolean {
    const { graph } = this.#speaker.premises.store;
    const { agent } = this.#speaker.instance;
    const kind = this.#kind;
    // The orchestrator tells a supervisor of the failures of those it watches.
    if (kind === 'supervision' && from === orchestratorName) return true;
    return (
      isAdmitted(graph, from, agent, kind) ||
      (kind === 'coordination' && isAdmitted(graph, agent, from, kind))
    );
  }

  #refuse(why: string): void {
    this.served.refuse(why);
    this.#drop(why);
  }

  #drop(why: string, error?: unknown): void {
    const { log, instance } = this.#speaker;
    // Asked for anew each time, as tracers are: telemetry may have been restarted.
    const counter = metrics.getMeter('@mabeam/agents').createCounter('mabeam.edge.dropped');
    counter.add(1, { [attributes.agent]: instance.agent, [attributes.errorType]: why });
    log.warn({ edge: this.#kind, why, err: error }, 'something along an edge was dropped');
  }
}
