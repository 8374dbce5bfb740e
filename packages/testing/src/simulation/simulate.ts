/**
 * A network of pure parties in simulated time: it loses, delays, reorders and doubles messages, cuts groups off from each other,
 * and lets parties crash and come back, all from one seed.
 *
 * Invariants
 *  S1  The same parties, options and seed give the same run, step by step. Nothing waits for a real clock.
 *  S2  A message arrives only if it was sent, at most twice, under the name of who sent it: forging a name is for the message's own
 *      contents to try.
 *  S3  A crashed party neither acts nor hears. It comes back with what `survives` keeps of its state and is started again;
 *      its timers are gone.
 */
import { Agenda } from './agenda.ts';
import type { PartyInput, PartyStep, SimulatedParty } from './party.ts';
import { seededRandom } from './random.ts';
import { deliveriesOf, type NetworkWeather } from './weather.ts';

/** A party that stops, and perhaps comes back. */
export interface Crash {
  readonly party: string;
  readonly atMs: number;
  /** Default: never. */
  readonly backAtMs?: number | undefined;
}

/** How a run goes. */
export interface SimulationOptions<S> {
  readonly seed: number;
  readonly weather?: NetworkWeather | undefined;
  readonly crashes?: readonly Crash[] | undefined;
  /** What a crash leaves of a state: what would be on a disk. Default: all of it. */
  readonly survives?: ((state: S) => S) | undefined;
  /** Simulated time after which the run ends. Default 60 000. */
  readonly untilMs?: number | undefined;
  /** Steps after which the run ends. Default 100 000. */
  readonly maxSteps?: number | undefined;
  /** Ends the run when it says so; looked at after each step. */
  readonly isOver?: ((states: ReadonlyMap<string, S>) => boolean) | undefined;
  /** Told each step: for invariants that must hold at every instant. */
  readonly onStep?: ((party: string, state: S, nowMs: number) => void) | undefined;
}

/** How a run went. */
export interface SimulationRun<S> {
  /** `over`: as `isOver` says. `quiet`: nothing is left to happen. `time` and `steps`: a limit was reached. */
  readonly ending: 'over' | 'quiet' | 'time' | 'steps';
  readonly states: ReadonlyMap<string, S>;
  readonly nowMs: number;
  readonly steps: number;
  readonly sent: number;
  readonly lost: number;
}

type Happening<M> =
  | { readonly kind: 'arrival'; readonly to: string; readonly from: string; readonly message: M }
  | { readonly kind: 'ring'; readonly to: string; readonly timer: string; readonly setting: number }
  | { readonly kind: 'crash'; readonly to: string }
  | { readonly kind: 'return'; readonly to: string };

/** Runs parties against each other; see the invariants above. Throws what a party or an observer throws. */
export function simulate<S, M>(
  parties: ReadonlyMap<string, SimulatedParty<S, M>>,
  options: SimulationOptions<S>,
): SimulationRun<S> {
  const { untilMs = 60_000, maxSteps = 100_000, isOver } = options;
  const world = new World(parties, options);
  for (const party of parties.keys()) world.act(party, { kind: 'start' }, 0);
  for (;;) {
    if (isOver?.(world.states) === true) return world.run('over');
    if (world.steps >= maxSteps) return world.run('steps');
    const next = world.agenda.next();
    if (next === undefined) return world.run('quiet');
    if (next.atMs > untilMs) return world.run('time');
    world.happen(next.what, next.atMs);
  }
}

/** What a run is made of while it goes. */
class World<S, M> {
  readonly states: Map<string, S>;
  readonly agenda = new Agenda<Happening<M>>();
  steps = 0;
  readonly #parties: ReadonlyMap<string, SimulatedParty<S, M>>;
  readonly #options: SimulationOptions<S>;
  readonly #random: () => number;
  readonly #down = new Set<string>();
  readonly #timers = new Map<string, number>();
  #nowMs = 0;
  #settings = 0;
  #sent = 0;
  #lost = 0;

  constructor(parties: ReadonlyMap<string, SimulatedParty<S, M>>, options: SimulationOptions<S>) {
    this.#parties = parties;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.states = new Map([...parties].map(([id, { initial }]) => [id, initial]));
    for (const { party, atMs, backAtMs } of options.crashes ?? []) {
      this.agenda.add(atMs, { kind: 'crash', to: party });
      if (backAtMs !== undefined) this.agenda.add(backAtMs, { kind: 'return', to: party });
    }
  }

  happen(what: Happening<M>, atMs: number): void {
    const { to } = what;
    this.#nowMs = atMs;
    if (what.kind === 'crash') return this.#crash(to);
    if (what.kind === 'return') {
      this.#down.delete(to);
      return this.act(to, { kind: 'start' }, atMs);
    }
    if (this.#down.has(to)) return;
    if (what.kind === 'arrival') {
      return this.act(to, { kind: 'message', from: what.from, message: what.message }, atMs);
    }
    const key = `${to} ${what.timer}`;
    if (this.#timers.get(key) !== what.setting) return;
    this.#timers.delete(key);
    this.act(to, { kind: 'timer', timer: what.timer }, atMs);
  }

  act(id: string, input: PartyInput<M>, atMs: number): void {
    const party = this.#parties.get(id);
    const state = this.states.get(id);
    if (party === undefined || state === undefined) return;
    this.steps += 1;
    const step = party.step(state, input, atMs);
    this.states.set(id, step.state);
    this.#options.onStep?.(id, step.state, atMs);
    this.#perform(id, step);
  }

  run(ending: SimulationRun<S>['ending']): SimulationRun<S> {
    const { states, steps } = this;
    return { ending, states, nowMs: this.#nowMs, steps, sent: this.#sent, lost: this.#lost };
  }

  #perform(from: string, { sends, timers }: PartyStep<S, M>): void {
    const { weather = {} } = this.#options;
    for (const { to, message } of sends) {
      const delays = deliveriesOf(weather, { from, to, nowMs: this.#nowMs }, this.#random);
      this.#sent += 1;
      if (delays.length === 0) this.#lost += 1;
      for (const delay of delays)
        this.agenda.add(this.#nowMs + delay, { kind: 'arrival', to, from, message });
    }
    for (const { timer, afterMs } of timers) {
      const key = `${from} ${timer}`;
      const setting = this.#settings++;
      if (afterMs === undefined) {
        this.#timers.delete(key);
        continue;
      }
      this.#timers.set(key, setting);
      this.agenda.add(this.#nowMs + afterMs, { kind: 'ring', to: from, timer, setting });
    }
  }

  #crash(id: string): void {
    this.#down.add(id);
    for (const key of this.#timers.keys()) if (key.startsWith(`${id} `)) this.#timers.delete(key);
    const state = this.states.get(id);
    if (state !== undefined) this.states.set(id, this.#options.survives?.(state) ?? state);
  }
}
