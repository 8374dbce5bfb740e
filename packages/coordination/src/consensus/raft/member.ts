/**
 * A member of a group at work: reads the log, performs what the pure node wants, and applies what is done.
 *
 * Invariants
 *  M1  It applies every operation of the log once in its life, in the order of the log, one after the other. A member that is started
 *      again begins with the first: what `apply` builds is in the process, the log is what lasts.
 *  M2  A proposal is answered `committed` when its operation was applied here.
 *  M3  A member that cannot read on – its log is gone or broken – ends, and says why through `failed`.
 */
import { digestOf, MabeamError, pause, type Bus, type Identity } from '@mabeam/bus';
import { isJson } from '@mabeam/variables';
import { coordinationError } from '../../errors.ts';
import { NamedTimers } from '../../session/named-timers.ts';
import { appendToLog } from '../log/append.ts';
import { startOfLog, type LogEntry, type LogTip } from '../log/entry.ts';
import { followLog, readLog } from '../log/read.ts';
import { Applying, type ApplyOperation } from './applying.ts';
import { readRaftEntry, sealOf } from './entry.ts';
import type { RaftMessage } from './message.ts';
import {
  newNodeState,
  stepNode,
  type NodeInput,
  type NodeOptions,
  type Proposal,
  type ProposalAnswer,
  type Writing,
} from './node.ts';
import { groupDigest, raftLog, type RaftPaper } from './paper.ts';
import type { MemberAnswer } from './proposal.ts';
import { GroupView } from './view.ts';

/** What a member is. */
export interface MemberOptions {
  readonly paper: RaftPaper;
  readonly party: string;
  readonly identity: Identity;
  readonly apply: ApplyOperation;
  readonly electionMs: number;
  readonly send: (to: string, message: RaftMessage) => void;
}

/** Proposals under way: what they are about, and who waits for them. */
interface Pending {
  readonly digest: string;
  readonly answered: PromiseWithResolvers<ProposalAnswer>;
}

/** Entries that are kept at hand; what is older is read from the log again. */
const recentEntries = 4_096;
/** How long one entry may take into the log, before nobody knows. */
const writeMs = 2_000;

/** A running member; disposing ends it. Made by `joinRaft`. */
export class RaftMember implements AsyncDisposable {
  readonly party: string;
  readonly group: string;
  readonly #bus: Bus;
  readonly #options: MemberOptions;
  readonly #node: NodeOptions;
  readonly #view: GroupView;
  readonly #applying: Applying;
  readonly #recent = new Map<number, LogEntry>();
  readonly #pending = new Map<string, Pending>();
  readonly #timers = new NamedTimers((timer) => this.#take({ kind: 'timer', timer }));
  readonly #ending = new AbortController();
  readonly #failure = new AbortController();
  readonly #closers: (() => Promise<void>)[] = [];
  #state = newNodeState();
  #tip: LogTip;
  #following: Promise<void> = Promise.resolve();

  /** @internal Use `joinRaft`. */
  constructor(bus: Bus, options: MemberOptions) {
    const { apply, electionMs, identity, paper, party } = options;
    const seal = sealOf(paper, identity);
    const members = paper.electorate.map((member) => member.party);
    const group = groupDigest(paper);
    this.party = party;
    this.group = paper.group;
    this.#bus = bus;
    this.#options = options;
    this.#node = { self: party, members, group, seal, electionMs, random: Math.random };
    this.#view = new GroupView({ group, members, seal });
    this.#applying = new Applying(apply);
    this.#tip = startOfLog(paper.space, raftLog(paper.group));
  }

  /** The present term; 0 before the first. */
  get term(): number {
    return this.#view.term;
  }

  /** Who was elected for the present term; whether it is still there, proposing tells. */
  get leader(): string | undefined {
    return this.#view.leader;
  }

  /** Does it lead now, as far as it knows? */
  get isLeader(): boolean {
    return this.#state.role === 'leader';
  }

  /** The place of the last entry that is applied here, or passed over. */
  get applied(): number {
    return this.#applying.applied;
  }

  /** Aborts when the member cannot go on (M3); its reason is the error. Join again then. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** Resolves true when everything up to this place is applied here, false when the signal aborts before or the member ends. */
  whenApplied(index: number, signal: AbortSignal): Promise<boolean> {
    return this.#applying.until(index, AbortSignal.any([signal, this.#ending.signal]));
  }

  /**
   * Proposes an operation here. Throws `round-reused` when the id was used for another one; an id that is done already is answered
   * with its result (M2).
   */
  async propose({ body, id }: Proposal): Promise<MemberAnswer> {
    const digest = digestOf(body);
    const done = this.#view.placeOf(id);
    const earlier = done ?? this.#pending.get(id);
    if (earlier !== undefined && earlier.digest !== digest) throw reused(this.group, id);
    if (done !== undefined) return await this.#committed(id, done);
    if (this.#ending.signal.aborted) return { kind: 'no-leader' };
    const pending = this.#pending.get(id) ?? { digest, answered: Promise.withResolvers<ProposalAnswer>() };
    if (!this.#pending.has(id)) {
      this.#pending.set(id, pending);
      this.#take({ kind: 'propose', proposal: { id, body } });
    }
    const answer = await pending.answered.promise;
    return answer.kind === 'committed' ? await this.#committed(id, answer) : answer;
  }

  /** The entry in this place, if it is an operation that counts; waits until it is applied. Undefined when the signal aborts before. */
  async operationAt(index: number, signal: AbortSignal): Promise<LogEntry | undefined> {
    if (!(await this.whenApplied(index, signal))) return undefined;
    const entry = await this.#entryAt(index);
    const read = readRaftEntry(entry?.body);
    return read?.kind === 'operation' && this.#view.placeOf(read.id)?.index === index ? entry : undefined;
  }

  /** @internal Reads what is in the log, begins to take part, and has applied what was there. Throws what reading a log throws. */
  async start(closers: readonly (() => Promise<void>)[]): Promise<void> {
    this.#closers.push(...closers);
    await this.#readAll();
    this.#following = this.#follow();
    this.#take({ kind: 'start' });
    await this.#applying.until(this.#tip.index, this.#ending.signal);
  }

  /** @internal What another member says. */
  hear(from: string, message: RaftMessage): void {
    this.#take({ kind: 'message', from, message });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    for (const close of this.#closers.splice(0)) await close();
    await this.#following;
  }

  /** Reads what is there; a server that does not answer is asked again, from where it stopped. */
  async #readAll(): Promise<void> {
    const giveUpAt = performance.now() + readMs;
    for (;;) {
      try {
        const { space } = this.#options.paper;
        const log = raftLog(this.group);
        for await (const entry of readLog(this.#bus, space, log, { after: this.#tip })) this.#read(entry);
        return;
      } catch (error) {
        const isPassing = error instanceof MabeamError && error.retryable;
        if (!isPassing || performance.now() > giveUpAt) throw error;
        await pause(50, this.#ending.signal);
      }
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    const { space } = this.#options.paper;
    try {
      for await (const entry of followLog(this.#bus, space, raftLog(this.group), {
        after: this.#tip,
        signal,
      })) {
        this.#read(entry);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#failure.abort(error);
      this.#end();
    }
  }

  /** Takes the next entry; one that is known already – it was written here – is nothing. */
  #read(entry: LogEntry): void {
    if (entry.sequence <= this.#tip.sequence || this.#ending.signal.aborted) return;
    const { chain, index, sequence } = entry;
    this.#tip = { index, sequence, chain };
    this.#recent.set(index, entry);
    this.#recent.delete(index - recentEntries);
    const reading = this.#view.take(entry.body);
    this.#applying.take(reading);
    this.#take({ kind: 'read', reading });
  }

  #take(input: NodeInput): void {
    if (this.#ending.signal.aborted) return;
    const step = stepNode(this.#node, this.#state, input, performance.now());
    this.#state = step.state;
    for (const { timer, afterMs } of step.timers) this.#timers.set(timer, afterMs);
    for (const { to, message } of step.sends) this.#options.send(to, message);
    for (const { id, answer } of step.answers) {
      this.#pending.get(id)?.answered.resolve(answer);
      this.#pending.delete(id);
    }
    for (const writing of step.writes) void this.#write(writing, this.#tip);
  }

  async #write({ attempt, entry }: Writing, after: LogTip): Promise<void> {
    const { paper } = this.#options;
    const { signal } = this.#ending;
    const why = await appendToLog(this.#bus, paper.space, raftLog(this.group), entry, {
      after,
      timeoutMs: writeMs,
      signal,
    }).then(
      (appended) => {
        if (appended.kind === 'appended') this.#read(appended.entry);
        return { kind: appended.kind === 'conflict' ? ('conflict' as const) : ('unknown' as const) };
      },
      (error: unknown) => whyNot(error),
    );
    // What was read above is no more on its way: then this is nothing to the node.
    this.#take({ kind: 'not-written', attempt, why });
  }

  async #committed(
    id: string,
    { index, term }: { readonly index: number; readonly term: number },
  ): Promise<MemberAnswer> {
    const [entry, applied] = await Promise.all([this.#entryAt(index), this.#applying.resultOf(id)]);
    if (entry === undefined || applied === undefined || !isJson(entry.body)) return { kind: 'unknown' };
    const { before, body } = entry;
    return { kind: 'committed', index, term, before, entry: body, applied };
  }

  async #entryAt(index: number): Promise<LogEntry | undefined> {
    const recent = this.#recent.get(index);
    if (recent !== undefined || index > this.#tip.index) return recent;
    for await (const entry of readLog(this.#bus, this.#options.paper.space, raftLog(this.group)))
      if (entry.index === index) return entry;
    return undefined;
  }

  #end(): void {
    this.#ending.abort();
    this.#timers[Symbol.dispose]();
    for (const { answered } of this.#pending.values()) answered.resolve({ kind: 'unknown' });
    this.#pending.clear();
  }
}

/** How long the first reading is tried. */
const readMs = 15_000;
/** What is over by itself: the member ends, or the server starts. */
const passing: ReadonlySet<string> = new Set(['cancelled', 'closed', 'stream-missing']);

/** Why an entry is not in the log, as far as can be known. */
function whyNot(error: unknown): Extract<NodeInput, { kind: 'not-written' }>['why'] {
  if (!(error instanceof MabeamError) || error.retryable || passing.has(error.code))
    return { kind: 'unknown' };
  const { code, message } = error;
  return { kind: 'refused', code, message };
}

/** An id stands for one operation for good. */
export function reused(group: string, id: string): Error {
  const message = `the id ${id} stands for another operation of the group ${group}; take a new one`;
  return coordinationError('round-reused', message, { details: { group, id } });
}
