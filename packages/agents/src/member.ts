/**
 * A member: one agent instance at work, whatever process it lives in. It knows nothing of processes, pipes and signals.
 *
 * Invariants
 *  A1  It is active only when its variables are here, `start` has returned and its subscriptions are asked for; whoever
 *      starts it flushes the connection before he says so.
 *  A2  A question from an agent is admitted by the topology's newest graph that sender or receiver knows.
 *  A3  Told to stop it takes nothing new and finishes what it has within `drainMs`; a second time is nothing.
 *  A4  Its status follows the machine of status.ts.
 */
import {
  createIdentity,
  openIdentity,
  openTasks,
  type Identity,
  type ServedRequest,
  type Task,
} from '@mabeam/bus';
import { attributes, type Logger } from '@mabeam/telemetry/api';
import { trace } from '@opentelemetry/api';
import { contextOf, type AgentContext, type Instance, type Speaker } from './context.ts';
import type { AgentForm } from './define.ts';
import { DirectiveDesk, type DirectedMember } from './directive-desk.ts';
import type { DirectiveAnswer } from './directive.ts';
import { openListing, type ListedMember } from './discoverable.ts';
import type { Door } from './door.ts';
import { assertHops } from './edge.ts';
import { openEdgeDoors } from './edge-doors.ts';
import { agentError } from './errors.ts';
import { Meter } from './metrics-meter.ts';
import type { Premises } from './premises.ts';
import { RequeuedTasks } from './requeued.ts';
import { isPermitted } from './rights.ts';
import { checked } from './schema.ts';
import { followStatus, mayFollow, type AgentStatus } from './status.ts';
import { Tally } from './tally.ts';
import { openVoice, prepareVoice } from './voice.ts';
import { admit, reachEpoch } from './wiring.ts';

/** How long a member that is told to stop may take, unless its host says otherwise. */
export const drainMs = 5_000;

/** How many tasks a member works on at once, unless its author says otherwise. */
const defaultSlots = 16;

/** Which instance of which definition, and who is told of it. */
export interface MemberOptions {
  readonly instance: Instance;
  readonly definition: AgentForm;
  /** Until the definition in the bucket changes; then that one's. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Default: the one in the space's definition. */
  readonly group?: string | undefined;
  /** The secret of its identity; default: a new one. */
  readonly seed?: string | undefined;
  /** Default: a child of the premises' log. */
  readonly log?: Logger | undefined;
  /** Called at each transition. */
  readonly onStatus?: ((member: Member, from: AgentStatus) => void) | undefined;
  /** Called once when it has ended: by being told to, or by an error. */
  readonly onEnded?: ((member: Member, error?: unknown) => void) | undefined;
}

/** One instance at work. */
export class Member implements Speaker, DirectedMember, ListedMember, AsyncDisposable {
  readonly premises: Premises;
  readonly meter: Meter = new Meter();
  readonly #options: MemberOptions;
  readonly #definitionRevision: number;
  #doors: readonly Door[] = [];
  #status: AgentStatus = 'inactive';
  #desk: DirectiveDesk | undefined;
  #log: Logger | undefined;
  #ending: Promise<void> | undefined;
  #failure: unknown;
  #slots: number | undefined;
  #identity: Identity | undefined;
  /** Made when somebody asks: most members never do. */
  #stopping: AbortController | undefined;

  constructor(premises: Premises, options: MemberOptions) {
    this.premises = premises;
    this.#options = options;
    this.#definitionRevision = premises.specs.of(options.instance.agent)?.revision ?? 0;
  }

  get instance(): Instance {
    return this.#options.instance;
  }

  get definition(): AgentForm {
    return this.#options.definition;
  }

  /** Opened when it is first needed: most members sign nothing. */
  get identity(): Identity {
    const { seed } = this.#options;
    this.#identity ??= seed === undefined ? createIdentity() : openIdentity(seed);
    return this.#identity;
  }

  get publicKey(): string | undefined {
    return this.#identity?.publicKey;
  }

  get doors(): readonly Door[] {
    return this.#doors;
  }

  get status(): AgentStatus {
    return this.#status;
  }

  /** What it was started with, until its definition changes: configuration is level-triggered (R14). */
  get config(): Readonly<Record<string, unknown>> {
    const known = this.premises.specs.of(this.instance.agent);
    const isNewer = known !== undefined && known.revision > this.#definitionRevision;
    return isNewer && known.spec !== undefined ? known.spec.config : this.#options.config;
  }

  get log(): Logger {
    const { agent, ordinal } = this.instance;
    const bindings = { agent, instance: `${agent}.${ordinal}` };
    this.#log ??= this.#options.log ?? this.premises.log.child(bindings);
    return this.#log;
  }

  /** How many tasks it works on at once; undefined: it works on none. */
  get slots(): number | undefined {
    return this.#slots;
  }

  get isStopping(): boolean {
    return this.#ending !== undefined;
  }

  get stopping(): AbortSignal {
    this.#stopping ??= new AbortController();
    if (this.#ending !== undefined) this.#stopping.abort();
    return this.#stopping.signal;
  }

  /** Runs `start` and opens the doors. Throws what `start` throws; then it has failed. */
  async start(): Promise<void> {
    this.#follow('starting');
    const { definition } = this.#options;
    let voice: Awaited<ReturnType<typeof prepareVoice>>;
    try {
      voice = await prepareVoice(definition);
      const occasion = { signal: this.stopping, isForAll: true };
      if (definition.start !== undefined) await definition.start(contextOf(this, occasion));
      // Told to stop, or failed, meanwhile: then this is no longer a transition.
      this.#follow('active');
    } catch (error) {
      if (mayFollow(this.#status, 'failed')) this.#follow('failed');
      throw this.#failure ?? error;
    }
    this.#open(() => openVoice(this, definition, voice));
  }

  /** Opens the doors: all of them, or none, for what cannot start answers nobody. */
  #open(openOwn: () => readonly Door[]): void {
    const doors: Door[] = [];
    try {
      this.#openDoors(doors);
      doors.push(...openOwn());
      this.#doors = doors;
      this.#doors = [openListing(this), ...doors];
    } catch (error) {
      this.#doors = [];
      for (const door of doors) void door.close(0);
      this.#follow('failed');
      throw error;
    }
  }

  /** A3: drains; resolves when it has ended. */
  stop(graceMs = drainMs): Promise<void> {
    this.#ending ??= this.#end(graceMs);
    return this.#ending;
  }

  beginStop(): void {
    void this.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** It cannot go on: what it has is given a last grace, and whoever started it is told why. */
  fail(error: unknown): void {
    if (this.#status === 'failed' || this.isStopping) return;
    const isStarting = this.#status === 'starting';
    this.#follow('failed');
    this.#failure = error;
    // While it starts, `start` throws it to whoever starts it.
    if (isStarting) return;
    this.log.error({ err: error }, 'the agent cannot go on');
    this.#ending = this.#end(drainMs, error);
  }

  async #end(graceMs: number, error?: unknown): Promise<void> {
    if (this.#status === 'starting') this.#follow('failed');
    if (mayFollow(this.#status, 'stopping')) this.#follow('stopping');
    this.#stopping?.abort();
    // So that whoever asked for the end has it on record before anything of it happens.
    await Promise.resolve();
    await Promise.all(this.#doors.map((door) => closeWithin(door, graceMs)));
    this.#doors = [];
    if (mayFollow(this.#status, 'inactive')) this.#follow('inactive');
    this.#options.onEnded?.(this, error);
  }

  #follow(status: AgentStatus): void {
    const from = this.#status;
    this.#status = followStatus(from, status);
    this.#options.onStatus?.(this, from);
  }

  /** Adds its subscriptions: itself, its directives, its edges, its group, and its group's tasks. */
  #openDoors(doors: Door[]): void {
    const { definition } = this.#options;
    const { admission, bus, at, space, specs } = this.premises;
    const { agent, ordinal, incarnation } = this.instance;
    const answer = admission.admitted(agent, this.meter, (request: ServedRequest) => this.#answer(request));
    const directed = admission.inTurn(agent, (request: ServedRequest): Promise<DirectiveAnswer> => {
      this.#desk ??= new DirectiveDesk(this);
      return this.#desk.answer(request);
    });
    doors.push(bus.serve(at.askAgent(agent), answer, { queue: 'agent' }));
    doors.push(bus.serve(at.at(`command.agent.${agent}.*.*`), directed));
    if (definition.edges !== undefined) doors.push(...openEdgeDoors(this, definition.edges));
    const spec = specs.of(agent)?.spec;
    const group = this.#options.group ?? spec?.group;
    if (group === undefined) return;
    doors.push(bus.serve(at.askGroup(group), answer, { queue: 'group' }));
    if (definition.task === undefined) return;
    if (spec !== undefined && !isPermitted(spec, 'task')) {
      this.log.warn(
        { role: spec.role },
        `${agent} works on tasks, which nobody of the role ${spec.role} is given`,
      );
      return;
    }
    const served = new Tally(at.task(group), group, this.meter);
    const requeued = new RequeuedTasks(this);
    const work = (task: Task): Promise<unknown> =>
      requeued.take(task, () => served.count(() => this.#workOn(task)));
    const instance = `${agent}.${ordinal}.${incarnation}`;
    const concurrency = definition.concurrency ?? defaultSlots;
    this.#slots = concurrency;
    const worker = openTasks(bus, space).work(group, work, { agent, instance, concurrency });
    doors.push({ served, close: (graceMs) => worker.close(graceMs) });
  }

  async #answer(request: ServedRequest): Promise<unknown> {
    const { admission } = this.premises;
    const running = admission.enter();
    const startedAt = this.meter.begin();
    try {
      const output = await this.#outputFor(request);
      this.meter.end(startedAt);
      return admission.leaveWith(output);
    } catch (error) {
      running[Symbol.dispose]();
      this.meter.end(startedAt, error);
      throw error;
    }
  }

  async #outputFor(request: ServedRequest): Promise<unknown> {
    const { definition } = this.#options;
    const { agent } = this.instance;
    const { store } = this.premises;
    const { from, epoch, remainingMs, hops } = request;
    assertHops(hops, from ?? 'an operator', agent);
    if (from !== undefined) {
      await reachEpoch(store, epoch, remainingMs);
      admit(store.graph, from, agent);
    }
    if (definition.ask === undefined) {
      throw agentError('nothing-to-ask', `${agent} answers no questions; send it a task instead`, {
        details: { agent },
      });
    }
    const input = await this.#inputOf(request.body);
    const context = contextOf(this, request, hops + 1);
    markSpan(context);
    return this.#outputOf(await definition.ask(input, Object.assign(context, { from })));
  }

  async #workOn(task: Task): Promise<unknown> {
    const { hops, attempt } = task;
    assertHops(hops, 'the submitter', this.instance.agent);
    const input = await this.#inputOf(task.input);
    const context = Object.assign(contextOf(this, task, hops + 1), { task: task.id, attempt });
    markSpan(context);
    return this.#outputOf(await this.#options.definition.task?.(input, context));
  }

  async #inputOf(value: unknown): Promise<never> {
    const { input } = this.#options.definition;
    const passed = input === undefined ? value : await checked(input, value, 'input', this.instance.agent);
    // An AgentForm has forgotten its input type; what its own schema let pass is what its handlers take.
    return passed as never;
  }

  async #outputOf(value: unknown): Promise<unknown> {
    const { output } = this.#options.definition;
    return output === undefined ? value : checked(output, value, 'output', this.instance.agent);
  }
}

/** The span of a call says by which revision of the variables it ran. */
function markSpan({ agent, revision }: AgentContext): void {
  trace
    .getActiveSpan()
    ?.setAttributes({ [attributes.agent]: agent, [attributes.variableRevision]: revision });
}

/** A door that does not close in time is left behind. */
async function closeWithin(door: Door, graceMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, graceMs);
  await Promise.race([door.close(graceMs), late]);
  clearTimeout(timer);
}
