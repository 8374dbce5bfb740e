/**
 * A member of a group as a pure party: when it stands for election, whom it votes for, what it writes, what it answers. The log itself
 * is somebody else's: it takes an entry behind the last one that its writer has read, and is the same for everybody.
 *
 * Invariants
 *  E1  It gives one vote a term (as long as it lives), and none while it hears a leader.
 *  E2  It leads a term only when the log says so: its own entry with the votes of a majority is in it, in its present life.
 *  E3  It writes operations only while it leads and a majority has been alive within `electionMs`; without, it steps down and
 *      answers `no-quorum`.
 *  E4  One entry at a time is on its way. Where the log refused one, it reads on before it writes again; where the log refused a term for
 *      good (it is full), it stands again after a silence, and says to who proposes why there is no leader.
 *  E5  Every proposal gets one answer: `committed` only when it was read in the log; `deposed`, `no-leader` and `no-quorum` only when it
 *      is not on its way; else `unknown`.
 */
import { majorityOf, type OperationEntry, type RaftEntry, type RaftSeal } from './entry.ts';
import type { RaftMessage } from './message.ts';
import type { Reading } from './view.ts';

/** What a member is. */
export interface NodeOptions {
  readonly self: string;
  /** All of the group, itself too, in the order of their names. */
  readonly members: readonly string[];
  /** The digest of the group's paper. */
  readonly group: string;
  readonly seal: Pick<RaftSeal, 'vote' | 'isVote' | 'operation'>;
  /** How long a leader may be silent, and for how long it leads without hearing from a majority. */
  readonly electionMs: number;
  /** From 0 up to, not including, 1: when it stands for election. */
  readonly random: () => number;
}

/** An operation that somebody wants done. */
export interface Proposal {
  readonly id: string;
  readonly body: OperationEntry['body'];
}

/** What becomes of a proposal. */
export type ProposalAnswer =
  | { readonly kind: 'committed'; readonly index: number; readonly term: number }
  /** It did not lead; who does, if it knows. */
  | { readonly kind: 'no-leader'; readonly leader?: string | undefined }
  /** It led, and another does now. */
  | { readonly kind: 'deposed'; readonly leader?: string | undefined }
  /** It led, and too few are there. */
  | { readonly kind: 'no-quorum' }
  | { readonly kind: 'overloaded' }
  /** The log refused it for good: `log-full`, for one. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  /** It may be in the log or not. */
  | { readonly kind: 'unknown' };

/** An entry on its way into the log. */
export interface Writing {
  /** Its number in this life. */
  readonly attempt: number;
  /** How many entries were read when it left. */
  readonly after: number;
  readonly entry: RaftEntry;
}

/** What a member knows. */
export interface NodeState {
  readonly isStarted: boolean;
  /** What it has read of the log: entries, the present term, and who was elected for it. */
  readonly index: number;
  readonly term: number;
  readonly leader?: string | undefined;
  readonly role: 'follower' | 'candidate' | 'leader';
  /** When it heard of the leader last; at first, when it started. */
  readonly heardMs: number;
  /** The last term it voted in, and for whom. */
  readonly voted: { readonly term: number; readonly candidate: string };
  /** For its candidacy in the term of its own vote: who voted for it, and when it asked. */
  readonly votes: ReadonlyMap<string, string>;
  readonly askedMs: number;
  /** As leader: when each other member's last sign of life was asked for. */
  readonly alive: ReadonlyMap<string, number>;
  readonly queue: readonly Proposal[];
  readonly writing?: Writing | undefined;
  readonly attempts: number;
  /** It writes no more until it has read more entries than these. */
  readonly readsBeyond: number;
  /** Why the log did not take its last term; until another has begun. */
  readonly refusal?: Extract<ProposalAnswer, { kind: 'refused' }> | undefined;
}

/** What comes in. */
export type NodeInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly from: string; readonly message: RaftMessage }
  | { readonly kind: 'timer'; readonly timer: string }
  /** The next entry of the log was read. */
  | { readonly kind: 'read'; readonly reading: Reading }
  /** What it wrote did not get into the log, or nobody knows. What did, is read. */
  | {
      readonly kind: 'not-written';
      readonly attempt: number;
      readonly why:
        | { readonly kind: 'conflict' | 'unknown' }
        | { readonly kind: 'refused'; readonly code: string; readonly message: string };
    }
  | { readonly kind: 'propose'; readonly proposal: Proposal };

/** What it becomes and wants. */
export interface NodeStep {
  readonly state: NodeState;
  readonly sends: readonly { readonly to: string; readonly message: RaftMessage }[];
  readonly timers: readonly { readonly timer: string; readonly afterMs?: number | undefined }[];
  readonly writes: readonly Writing[];
  readonly answers: readonly { readonly id: string; readonly answer: ProposalAnswer }[];
}

/** Proposals that wait at a leader; what comes on top is refused. */
const longestQueue = 1_024;

/** A member that has read and heard nothing yet. */
export function newNodeState(): NodeState {
  return {
    isStarted: false,
    index: 0,
    term: 0,
    role: 'follower',
    heardMs: 0,
    voted: { term: 0, candidate: '' },
    votes: new Map(),
    askedMs: 0,
    alive: new Map(),
    queue: [],
    attempts: 0,
    readsBeyond: -1,
  };
}

/** One step of a member; changes nothing that it is handed. */
export function stepNode(options: NodeOptions, state: NodeState, input: NodeInput, nowMs: number): NodeStep {
  const turn = new Turn(options, state, nowMs);
  turn.take(input);
  return turn.end();
}

/** Until when a leader leads on what it has heard: `electionMs` after it asked the majority that has answered since. */
export function leaseEndOf(
  { members, self, electionMs }: NodeOptions,
  state: NodeState,
  nowMs: number,
): number {
  const heard = members.map((member) => (member === self ? nowMs : (state.alive.get(member) ?? -Infinity)));
  const [least = -Infinity] = heard.toSorted((a, b) => b - a).slice(majorityOf(members) - 1);
  return least + electionMs;
}

/** One step while it is taken. It lives for one call. */
class Turn {
  #state: NodeState;
  readonly #options: NodeOptions;
  readonly #nowMs: number;
  readonly #sends: { readonly to: string; readonly message: RaftMessage }[] = [];
  readonly #timers = new Map<string, number | undefined>();
  readonly #writes: Writing[] = [];
  readonly #answers: { readonly id: string; readonly answer: ProposalAnswer }[] = [];

  constructor(options: NodeOptions, state: NodeState, nowMs: number) {
    this.#options = options;
    this.#state = state;
    this.#nowMs = nowMs;
  }

  take(input: NodeInput): void {
    switch (input.kind) {
      case 'start':
        return this.#start();
      case 'message':
        return this.#hear(input.from, input.message);
      case 'timer':
        return input.timer === 'beat' ? this.#beat() : this.#standIfSilent();
      case 'read':
        return this.#read(input.reading);
      case 'not-written':
        return this.#loseWriting(input);
      case 'propose':
        return this.#propose(input.proposal);
    }
  }

  end(): NodeStep {
    const timers = [...this.#timers].map(([timer, afterMs]) => ({ timer, afterMs }));
    return { state: this.#state, sends: this.#sends, timers, writes: this.#writes, answers: this.#answers };
  }

  /** In a group that never had a leader, the first by name stands at once. */
  #start(): void {
    const { members, self } = this.#options;
    this.#set({ isStarted: true, heardMs: this.#nowMs });
    if (this.#state.term === 0 && members[0] === self) this.#stand();
    else this.#rest();
  }

  #hear(from: string, message: RaftMessage): void {
    const { members, self } = this.#options;
    if (!this.#state.isStarted || from === self || !members.includes(from)) return;
    switch (message.kind) {
      case 'ask-vote':
        return this.#voteFor(from, message);
      case 'vote':
        return this.#countVote(from, message.term, message.signature);
      case 'beat':
        return this.#hearLeader(from, message);
      case 'alive':
        return this.#countAlive(from, message);
    }
  }

  /** Of a beat that is still to be sent nobody can know. */
  #countAlive(from: string, { sentMs, term }: { readonly sentMs: number; readonly term: number }): void {
    if (this.#state.role === 'leader' && term === this.#state.term && sentMs <= this.#nowMs)
      this.#set({ alive: withLater(this.#state.alive, from, sentMs) });
  }

  /** E1. What it has promised it cannot take back: a term that nobody stands for would be in the way of all that follow. */
  #voteFor(
    candidate: string,
    { signature, term }: { readonly signature: string; readonly term: number },
  ): void {
    const { role, term: present, voted, heardMs } = this.#state;
    const { electionMs, seal } = this.#options;
    const isSilent = present === 0 || this.#nowMs - heardMs >= electionMs;
    const isAgain = voted.term === term && voted.candidate === candidate;
    if (role === 'leader' || term <= present || !(isAgain || (isSilent && term > voted.term))) return;
    if (!seal.isVote(candidate, signature, term, candidate)) return;
    if (!isAgain) {
      this.#set({ voted: { term, candidate } });
      if (!this.#isBeginning()) this.#follow();
      this.#rest();
    }
    this.#sends.push({
      to: candidate,
      message: { kind: 'vote', term, signature: seal.vote(term, candidate) },
    });
  }

  #countVote(from: string, term: number, signature: string): void {
    const { role, voted, votes } = this.#state;
    const { seal, self } = this.#options;
    if (role !== 'candidate' || term !== voted.term || votes.has(from)) return;
    if (!seal.isVote(from, signature, term, self)) return;
    this.#set({ votes: new Map([...votes, [from, signature]]) });
    this.#write();
  }

  #hearLeader(from: string, { term, sentMs }: { readonly term: number; readonly sentMs: number }): void {
    const { role, term: present } = this.#state;
    if (term < present || (role === 'leader' && term === present)) return;
    if (role === 'leader') this.#stepDown({ kind: 'deposed', leader: from });
    else if (!this.#isBeginning()) this.#follow();
    this.#set({ heardMs: this.#nowMs });
    this.#rest();
    this.#sends.push({ to: from, message: { kind: 'alive', term, sentMs } });
  }

  /** E3; and who stands for election says so again to whom it has not heard from. */
  #beat(): void {
    const { members, self } = this.#options;
    const { role, term, voted, votes } = this.#state;
    const nowMs = this.#nowMs;
    if (role === 'follower') return;
    if (role === 'candidate') {
      const signature = votes.get(self) ?? '';
      for (const to of members)
        if (!votes.has(to)) this.#send(to, { kind: 'ask-vote', term: voted.term, signature });
    } else {
      if (!this.#hasQuorum()) {
        this.#stepDown({ kind: 'no-quorum' });
        return this.#rest();
      }
      for (const to of members) this.#send(to, { kind: 'beat', term, sentMs: nowMs });
    }
    this.#timers.set('beat', this.#options.electionMs / 4);
  }

  #standIfSilent(): void {
    const { role, heardMs } = this.#state;
    if (role === 'leader') return;
    const isSilent = this.#nowMs - heardMs >= this.#options.electionMs;
    if (isSilent && !this.#isBeginning()) this.#stand();
    else this.#rest();
  }

  #stand(): void {
    const { seal, self } = this.#options;
    const term = Math.max(this.#state.term, this.#state.voted.term) + 1;
    const votes = new Map([[self, seal.vote(term, self)]]);
    this.#set({ role: 'candidate', voted: { term, candidate: self }, votes, askedMs: this.#nowMs });
    this.#rest();
    this.#beat();
    this.#write();
  }

  #read(reading: Reading): void {
    this.#set({ index: reading.index });
    if (reading.kind === 'term') this.#beginTerm(reading.term, reading.leader);
    if (reading.kind === 'operation') this.#finish(reading);
    this.#write();
  }

  /** E2. Whatever was wanted of the leader before, it is not the leader of this term unless it was elected just now. */
  #beginTerm(term: number, leader: string): void {
    const { self } = this.#options;
    const { askedMs, role, voted, votes, writing } = this.#state;
    const isStanding = role === 'candidate' && voted.term === term;
    const isWritten = writing?.entry.kind === 'term' && writing.entry.term === term;
    const isOurs = leader === self && (isStanding || isWritten);
    if (role === 'leader') this.#stepDown({ kind: 'deposed', leader });
    this.#set({ term, leader, role: 'follower', heardMs: this.#nowMs, refusal: undefined });
    if (!this.#state.isStarted) return;
    this.#rest();
    if (!isOurs) return;
    const alive = new Map([...votes.keys()].map((party) => [party, askedMs]));
    this.#set({ role: 'leader', alive, writing: undefined });
    this.#timers.set('election', undefined);
    this.#beat();
  }

  #finish({ id, index, term }: Extract<Reading, { kind: 'operation' }>): void {
    const { queue, writing } = this.#state;
    const isOnItsWay = writing?.entry.kind === 'operation' && writing.entry.id === id;
    const isWaiting = queue.some((proposal) => proposal.id === id);
    if (isOnItsWay) this.#set({ writing: undefined });
    if (isWaiting) this.#set({ queue: queue.filter((proposal) => proposal.id !== id) });
    if (isOnItsWay || isWaiting) this.#answer(id, { kind: 'committed', index, term });
  }

  /** E4, E5. */
  #loseWriting({ attempt, why }: Extract<NodeInput, { kind: 'not-written' }>): void {
    const { index, leader, queue, role, writing } = this.#state;
    if (writing?.attempt !== attempt) return;
    const { after, entry } = writing;
    this.#set({ writing: undefined });
    if (why.kind === 'conflict') this.#set({ readsBeyond: after });
    if (why.kind === 'refused' && entry.kind === 'term') {
      this.#set({ refusal: why });
      this.#follow();
      return this.#rest();
    }
    if (entry.kind === 'operation') {
      const { id, body } = entry;
      if (why.kind !== 'conflict') this.#answer(id, why.kind === 'refused' ? why : { kind: 'unknown' });
      else if (role === 'leader') this.#set({ queue: [{ id, body }, ...queue] });
      // What is there instead has to be read first: on a replicated stream it may be its own, still on its way.
      else if (index <= after) this.#answer(id, { kind: 'unknown' });
      else this.#answer(id, { kind: 'deposed', leader: this.#hint(leader) });
    }
    // Who cannot write leads nobody.
    if (why.kind === 'unknown' && this.#state.role === 'leader') {
      this.#stepDown({ kind: 'no-quorum' });
      return this.#rest();
    }
    this.#write();
  }

  #propose(proposal: Proposal): void {
    const { leader, queue, refusal, role } = this.#state;
    if (role !== 'leader')
      return this.#answer(proposal.id, refusal ?? { kind: 'no-leader', leader: this.#hint(leader) });
    if (!this.#hasQuorum()) {
      this.#answer(proposal.id, { kind: 'no-quorum' });
      this.#stepDown({ kind: 'no-quorum' });
      return this.#rest();
    }
    if (queue.length >= longestQueue) return this.#answer(proposal.id, { kind: 'overloaded' });
    this.#set({ queue: [...queue, proposal] });
    this.#write();
  }

  /** E2, E3, E4: the next entry, if there is one to write and it may be written. */
  #write(): void {
    const { index, queue, readsBeyond, role, term, voted, votes, writing } = this.#state;
    const { group, members, seal, self } = this.#options;
    if (writing !== undefined || index <= readsBeyond) return;
    if (role === 'candidate' && votes.size >= majorityOf(members) && voted.term > term) {
      const signed = [...votes].map(([party, signature]) => ({ party, signature }));
      const inOrder = signed.toSorted((a, b) => (a.party < b.party ? -1 : 1));
      this.#dispatch({ v: 1, kind: 'term', group, term: voted.term, leader: self, votes: inOrder });
    }
    const [next, ...rest] = queue;
    if (role !== 'leader' || next === undefined || !this.#hasQuorum()) return;
    const { id, body } = next;
    const operation = { v: 1, kind: 'operation', group, term, leader: self, id, body } as const;
    this.#set({ queue: rest });
    this.#dispatch({ ...operation, signature: seal.operation(operation) });
  }

  #dispatch(entry: RaftEntry): void {
    const attempt = this.#state.attempts + 1;
    const writing = { attempt, after: this.#state.index, entry };
    this.#set({ attempts: attempt, writing });
    this.#writes.push(writing);
  }

  #hasQuorum(): boolean {
    return this.#nowMs <= leaseEndOf(this.#options, this.#state, this.#nowMs);
  }

  /** Is its own term on its way into the log? Then that is waited for. */
  #isBeginning(): boolean {
    return this.#state.writing?.entry.kind === 'term';
  }

  #follow(): void {
    this.#set({ role: 'follower', votes: new Map() });
  }

  #stepDown(answer: ProposalAnswer): void {
    for (const { id } of this.#state.queue) this.#answer(id, answer);
    this.#set({ role: 'follower', queue: [], alive: new Map(), votes: new Map() });
  }

  /** Who leads, as far as it is worth telling: not itself, and not who was not heard of for long. */
  #hint(leader: string | undefined): string | undefined {
    const isFresh = this.#nowMs - this.#state.heardMs < 2 * this.#options.electionMs;
    return isFresh && leader !== this.#options.self ? leader : undefined;
  }

  #answer(id: string, answer: ProposalAnswer): void {
    this.#answers.push({ id, answer });
  }

  #send(to: string, message: RaftMessage): void {
    if (to !== this.#options.self) this.#sends.push({ to, message });
  }

  /**
   * It stands for election when it has heard nothing for `electionMs` and a random part of as much again, of more where more than five
   * might stand: the first must have asked for its votes before the next one stands, however many there are.
   */
  #rest(): void {
    const { electionMs, members, random } = this.#options;
    this.#timers.set('election', electionMs * (1 + random() * Math.max(1, members.length / 5)));
  }

  #set(change: Partial<NodeState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

function withLater(
  alive: ReadonlyMap<string, number>,
  party: string,
  atMs: number,
): ReadonlyMap<string, number> {
  return new Map([...alive, [party, Math.max(atMs, alive.get(party) ?? -Infinity)]]);
}
