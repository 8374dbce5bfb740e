/**
 * A group in the simulator: pure members, the log as a party of its own that never fails, and a client that wants things done. Signatures
 * are ideal, as in the simulated committees.
 */
import {
  seededRandom,
  simulate,
  type PartyStep,
  type SimulatedParty,
  type SimulationRun,
} from '@mabeam/testing';
import { GroupView, type Reading } from '../src/consensus/raft/view.ts';
import { type RaftEntry, type RaftSeal } from '../src/consensus/raft/entry.ts';
import type { RaftMessage } from '../src/consensus/raft/message.ts';
import {
  newNodeState,
  stepNode,
  type NodeInput,
  type NodeOptions,
  type NodeState,
  type NodeStep,
  type ProposalAnswer,
  type Writing,
} from '../src/consensus/raft/node.ts';

/** What passes between the parties of a run. */
type Carried =
  | { readonly kind: 'raft'; readonly message: RaftMessage }
  | { readonly kind: 'append'; readonly name: string; readonly after: number; readonly entry: RaftEntry }
  | { readonly kind: 'appended' | 'conflict'; readonly name: string }
  | { readonly kind: 'read'; readonly after: number }
  | { readonly kind: 'entries'; readonly after: number; readonly entries: readonly RaftEntry[] }
  | { readonly kind: 'propose'; readonly id: string }
  | { readonly kind: 'answer'; readonly id: string; readonly answer: ProposalAnswer };

/** What a party of a run knows. */
export interface Known {
  readonly node: NodeState;
  /** What a member has read as done, in order. */
  readonly done: readonly Extract<Reading, { kind: 'operation' }>[];
  /** The log, at the log. */
  readonly log: readonly RaftEntry[];
  /** At the client: the answers, the last one of each operation. */
  readonly answers: ReadonlyMap<string, ProposalAnswer>;
}

type Party = SimulatedParty<Known, Carried>;
type Step = PartyStep<Known, Carried>;

/** What is played. */
export interface RaftPlay {
  readonly seed: number;
  readonly size: number;
  readonly operations: number;
  /** Operations that are proposed once, and never again once they were refused. */
  readonly singles: number;
  readonly untilMs: number;
}

const nothing: Known = { node: newNodeState(), done: [], log: [], answers: new Map() };
const usualElectionMs = 100;
const group = 'g';

/** Everybody signs as himself, and nobody as another. */
const seal: (self: string) => RaftSeal = (self) => ({
  vote: (term, candidate) => `${self} votes for ${candidate} in ${term}`,
  isVote: (party, signature, term, candidate) => signature === `${party} votes for ${candidate} in ${term}`,
  operation: ({ id, term }) => `${self} writes ${id} in ${term}`,
  isOperation: ({ id, leader, signature, term }) => signature === `${leader} writes ${id} in ${term}`,
});

/** Reads a log as a member would. */
export function viewOf(
  members: readonly string[],
  log: readonly RaftEntry[],
): {
  readonly view: GroupView;
  readonly readings: readonly Reading[];
} {
  const view = new GroupView({ group, members, seal: seal('') });
  return { view, readings: log.map((entry) => view.take(entry)) };
}

/** The names of a group. */
export function namesOf(size: number): readonly string[] {
  return Array.from({ length: size }, (_, i) => `p${i}`);
}

/** Plays one run; the network misbehaves for the first three seconds, and members crash and forget. */
export function playRaft(
  play: RaftPlay,
  onStep?: (party: string, known: Known) => void,
): SimulationRun<Known> {
  const { seed, size, untilMs } = play;
  const random = seededRandom(seed);
  const names = namesOf(size);
  const wanted = operationsOf(play);
  const parties = partiesOf(names, play, random);
  const side = names.filter(() => random() < 0.5);
  const other = names.filter((name) => !side.includes(name));
  const groups =
    random() < 0.5
      ? [
          [...side, 'log'],
          [...other, 'client'],
        ]
      : [side, [...other, 'log', 'client']];
  const crashed = names.filter(() => random() < 0.3).slice(0, Math.ceil(size / 2));
  return simulate<Known, Carried>(parties, {
    seed,
    weather: {
      dropRate: random() * 0.3,
      duplicateRate: random() * 0.3,
      maxDelayMs: 2 + random() * 30,
      partitions: random() < 0.6 ? [{ fromMs: random() * 800, toMs: 900 + random() * 1_500, groups }] : [],
      healsAtMs: 3_000,
    },
    crashes: crashed.map((party) => {
      const atMs = random() * 1_500;
      return { party, atMs, backAtMs: atMs + 10 + random() * 800 };
    }),
    survives: () => nothing,
    untilMs,
    maxSteps: 200_000,
    onStep: (party, known) => onStep?.(party, known),
    isOver: (states) =>
      wanted.every((id) => states.get('client')?.answers.get(id)?.kind === 'committed') &&
      names.every((name) => {
        const done = new Set(states.get(name)?.done.map(({ id }) => id));
        return wanted.every((id) => done.has(id));
      }),
  });
}

/** The members of a group, their log, and the client. */
export function partiesOf(
  names: readonly string[],
  play: Pick<RaftPlay, 'operations' | 'singles'> & { readonly electionMs?: number },
  random: () => number,
): Map<string, Party> {
  const { electionMs = usualElectionMs } = play;
  const parties = new Map<string, Party>(
    names.map((name) => [name, memberOf(name, names, random, electionMs)]),
  );
  return parties.set('log', logParty()).set('client', clientParty(names, play, random));
}

/** The operations that are proposed until they are done. */
function operationsOf({ operations }: Pick<RaftPlay, 'operations'>): readonly string[] {
  return Array.from({ length: operations }, (_, i) => `op-${i}`);
}

/** A member's life, from its start to its crash; what it knows is copied out after each step. */
class Life {
  readonly view: GroupView;
  readonly done: Extract<Reading, { kind: 'operation' }>[] = [];
  readonly #options: NodeOptions;
  readonly #writings = new Map<string, { readonly writing: Writing; left: number }>();
  readonly #name: string;
  node = newNodeState();
  sends: { readonly to: string; readonly message: Carried }[] = [];
  timers: { readonly timer: string; readonly afterMs?: number | undefined }[] = [];

  constructor(options: NodeOptions, name: string) {
    this.#options = options;
    this.#name = name;
    this.view = new GroupView({ group, members: options.members, seal: seal(options.self) });
  }

  take(input: NodeInput, nowMs: number): void {
    const { state, sends, timers, writes, answers }: NodeStep = stepNode(
      this.#options,
      this.node,
      input,
      nowMs,
    );
    this.node = state;
    for (const { to, message } of sends) this.sends.push({ to, message: { kind: 'raft', message } });
    this.timers.push(...timers);
    for (const { id, answer } of answers)
      this.sends.push({ to: 'client', message: { kind: 'answer', id, answer } });
    for (const writing of writes) {
      const name = `${this.#name}-${writing.attempt}`;
      this.#writings.set(name, { writing, left: 8 });
      this.#write(name, nowMs);
    }
  }

  ring(timer: string, nowMs: number): void {
    if (timer === 'poll') return this.poll();
    if (timer.startsWith('write ')) return this.#write(timer.slice('write '.length), nowMs);
    this.take({ kind: 'timer', timer }, nowMs);
  }

  poll(): void {
    this.sends.push({ to: 'log', message: { kind: 'read', after: this.view.index } });
    this.timers.push({ timer: 'poll', afterMs: 20 });
  }

  hear(from: string, carried: Carried, nowMs: number): void {
    if (carried.kind === 'raft') return this.take({ kind: 'message', from, message: carried.message }, nowMs);
    if (carried.kind === 'propose') return this.#propose(carried.id, nowMs);
    if (carried.kind === 'entries') return this.#readAll(carried, nowMs);
    if (carried.kind !== 'appended' && carried.kind !== 'conflict') return;
    const writing = this.#end(carried.name);
    if (writing === undefined) return;
    const { after, attempt, entry } = writing;
    if (carried.kind === 'appended' && this.view.index === after) this.#read(entry, nowMs);
    const why = { kind: carried.kind === 'appended' ? 'unknown' : 'conflict' } as const;
    this.take({ kind: 'not-written', attempt, why }, nowMs);
  }

  #propose(id: string, nowMs: number): void {
    const place = this.view.placeOf(id);
    if (place === undefined) return this.take({ kind: 'propose', proposal: { id, body: id } }, nowMs);
    const { index, term } = place;
    this.sends.push({
      to: 'client',
      message: { kind: 'answer', id, answer: { kind: 'committed', index, term } },
    });
  }

  #readAll({ after, entries }: Extract<Carried, { kind: 'entries' }>, nowMs: number): void {
    const fresh = entries.slice(Math.max(0, this.view.index - after));
    if (after > this.view.index) return;
    for (const entry of fresh) this.#read(entry, nowMs);
    if (!this.node.isStarted) this.take({ kind: 'start' }, nowMs);
  }

  #read(entry: RaftEntry, nowMs: number): void {
    const reading = this.view.take(entry);
    if (reading.kind === 'operation') this.done.push(reading);
    this.take({ kind: 'read', reading }, nowMs);
  }

  /** Sends what is on its way again, until nobody knows. */
  #write(name: string, nowMs: number): void {
    const open = this.#writings.get(name);
    if (open === undefined) return;
    const { after, attempt, entry } = open.writing;
    if (open.left-- === 0) {
      this.#end(name);
      return this.take({ kind: 'not-written', attempt, why: { kind: 'unknown' } }, nowMs);
    }
    this.sends.push({ to: 'log', message: { kind: 'append', name, after, entry } });
    this.timers.push({ timer: `write ${name}`, afterMs: 40 });
  }

  #end(name: string): Writing | undefined {
    const writing = this.#writings.get(name)?.writing;
    this.#writings.delete(name);
    return writing;
  }
}

function memberOf(self: string, members: readonly string[], random: () => number, electionMs: number): Party {
  let lives = 0;
  let life: Life | undefined;
  // A single is one proposal: what the network makes of it besides is not heard.
  const singles = new Set<string>();
  return {
    initial: nothing,
    step: (known, input, nowMs): Step => {
      if (input.kind === 'start') {
        life = new Life({ self, members, group, seal: seal(self), electionMs, random }, `${self}-${lives++}`);
        life.poll();
      } else if (life === undefined) return { state: known, sends: [], timers: [] };
      else if (input.kind === 'timer') life.ring(input.timer, nowMs);
      else if (input.message.kind !== 'propose' || !singles.has(input.message.id)) {
        if (input.message.kind === 'propose' && input.message.id.startsWith('once-'))
          singles.add(input.message.id);
        life.hear(input.from, input.message, nowMs);
      }
      const { done, node, sends, timers } = life;
      [life.sends, life.timers] = [[], []];
      const isSame = done.length === known.done.length;
      return { state: { ...known, node, done: isSame ? known.done : [...done] }, sends, timers };
    },
  };
}

function logParty(): Party {
  const names = new Set<string>();
  return {
    initial: nothing,
    step: (known, input): Step => {
      if (input.kind !== 'message') return { state: known, sends: [], timers: [] };
      const { from, message } = input;
      const { log } = known;
      const reply = (carried: Carried, state = known): Step => ({
        state,
        sends: [{ to: from, message: carried }],
        timers: [],
      });
      if (message.kind === 'read') {
        return reply({ kind: 'entries', after: message.after, entries: log.slice(message.after) });
      }
      if (message.kind !== 'append') return { state: known, sends: [], timers: [] };
      const { after, entry, name } = message;
      if (names.has(name)) return reply({ kind: 'appended', name });
      if (after !== log.length) return reply({ kind: 'conflict', name });
      names.add(name);
      return reply({ kind: 'appended', name }, { ...known, log: [...log, entry] });
    },
  };
}

/** Proposes everything to members at random, again and again; the singles once. */
function clientParty(
  members: readonly string[],
  play: Pick<RaftPlay, 'operations' | 'singles'>,
  random: () => number,
): Party {
  const wanted = operationsOf(play);
  const anyone = (): string => members[Math.floor(random() * members.length)] ?? '';
  const leaders = new Map<string, string>();
  return {
    initial: nothing,
    step: (known, input, nowMs): Step => {
      if (input.kind === 'message' && input.message.kind === 'answer') {
        const { answer, id } = input.message;
        if ('leader' in answer && answer.leader !== undefined) leaders.set(id, answer.leader);
        if (known.answers.get(id)?.kind === 'committed') return { state: known, sends: [], timers: [] };
        return {
          state: { ...known, answers: new Map([...known.answers, [id, answer]]) },
          sends: [],
          timers: [],
        };
      }
      if (input.kind === 'message') return { state: known, sends: [], timers: [] };
      const due = wanted.filter((_, i) => nowMs >= i * 400);
      const open = due.filter((id) => known.answers.get(id)?.kind !== 'committed');
      const sends = open.map((id) => {
        const to = random() < 0.7 ? (leaders.get(id) ?? anyone()) : anyone();
        return { to, message: { kind: 'propose', id } as const };
      });
      const singles = Array.from(
        { length: input.kind === 'start' ? play.singles : 0 },
        (_, i) => `once-${i}`,
      );
      const timers = singles.map((id) => ({ timer: id, afterMs: random() * 2_500 }));
      if (input.kind === 'timer' && input.timer !== 'again') {
        const once = { to: anyone(), message: { kind: 'propose', id: input.timer } as const };
        return { state: known, sends: [once], timers: [] };
      }
      return { state: known, sends, timers: [...timers, { timer: 'again', afterMs: 60 }] };
    },
  };
}
