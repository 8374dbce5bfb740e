/**
 * A member of a committee that decides once although some of its members lie: practical Byzantine fault tolerance (Castro and
 * Liskov 1999) for a single decision, as a pure party.
 *
 * Invariants, of an honest member
 *  R1  It takes one choice a view, the first that the view's primary proposed and justified.
 *  R2  It commits only in the view it is in, to the choice it took, when a quorum took it; its `prepared` is that of its last commit.
 *  R3  Its view never falls; once it asked for a view it says nothing in the views before.
 *  R4  It decides only on a certificate that convinces everybody else as well, and then stays with it.
 */
import { primaryOf, quorumOf, type Committee } from './committee.ts';
import type { PbftMessage } from './message.ts';
import {
  isDecisionProof,
  isJustified,
  isOfMember,
  isPreparedProof,
  lastPrepared,
  type Justification,
  type PbftCertificate,
  type PreparedProof,
} from './proof.ts';
import type { Commit, Prepare, Propose, SignatureCheck, Signed, Statement, ViewChange } from './statement.ts';

/** What a member is. */
export interface ReplicaOptions {
  readonly committee: Committee;
  readonly self: string;
  /** The choices it takes when nobody was prepared for another; the first is what it proposes. */
  readonly accepts: readonly number[];
  readonly sign: <S extends Statement>(statement: S) => Signed<S>;
  readonly check: SignatureCheck;
  /** How long the first view may take; each further one twice as long, up to 64 times. Default 1 000. */
  readonly viewMs?: number | undefined;
  /** What was said is said again so often, until it is decided. Default a quarter of `viewMs`. */
  readonly repeatMs?: number | undefined;
}

/** A view's proposal that was found justified. */
interface Proposal {
  readonly signed: Signed<Propose>;
  readonly justification?: Justification | undefined;
}

/** What a member knows. */
export interface ReplicaState {
  readonly view: number;
  /** `changing`: it asked for `view` and waits for its proposal. */
  readonly phase: 'voting' | 'changing';
  readonly proposals: ReadonlyMap<number, Proposal>;
  /** By author and view: the first that came. */
  readonly prepares: ReadonlyMap<string, Signed<Prepare>>;
  readonly commits: ReadonlyMap<string, Signed<Commit>>;
  /** By author: the highest. */
  readonly changes: ReadonlyMap<
    string,
    { readonly signed: Signed<ViewChange>; readonly proof?: PreparedProof | undefined }
  >;
  readonly prepared?: PreparedProof | undefined;
  /** What it says in its present view. */
  readonly saying: readonly PbftMessage[];
  readonly decided?: PbftCertificate | undefined;
}

/** What comes in. */
export type ReplicaInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly from: string; readonly message: PbftMessage }
  | { readonly kind: 'timer'; readonly timer: string };

/** What it becomes and wants. */
export interface ReplicaStep {
  readonly state: ReplicaState;
  readonly sends: readonly { readonly to: string; readonly message: PbftMessage }[];
  readonly timers: readonly { readonly timer: string; readonly afterMs?: number | undefined }[];
}

/** A member as a pure party. */
export interface Replica {
  readonly initial: ReplicaState;
  readonly step: (state: ReplicaState, input: ReplicaInput) => ReplicaStep;
}

const initial: ReplicaState = {
  view: 0,
  phase: 'voting',
  proposals: new Map(),
  prepares: new Map(),
  commits: new Map(),
  changes: new Map(),
  saying: [],
};

/** Makes a member. Its functions change nothing they are handed. */
export function createReplica(options: ReplicaOptions): Replica {
  return {
    initial,
    step: (state, input) => {
      const turn = new Turn(options, state);
      if (input.kind === 'start') turn.start();
      else if (input.kind === 'timer') turn.ring(input.timer);
      else turn.hear(input.from, input.message);
      return turn.end();
    },
  };
}

/** One step: what is known, and what is to be said. It lives for one call. */
class Turn {
  #state: ReplicaState;
  readonly #options: ReplicaOptions;
  readonly #sends: { readonly to: string; readonly message: PbftMessage }[] = [];
  readonly #timers = new Map<string, number | undefined>();

  constructor(options: ReplicaOptions, state: ReplicaState) {
    this.#options = options;
    this.#state = state;
  }

  start(): void {
    if (this.#state.decided !== undefined) return;
    this.#rest();
    this.#timers.set('repeat', this.#repeatMs);
    const { committee, self, accepts } = this.#options;
    const [choice] = accepts;
    if (this.#state.saying.length > 0) return this.#repeat();
    if (this.#state.view === 0 && primaryOf(committee, 0) === self && choice !== undefined)
      this.#propose(choice);
  }

  ring(timer: string): void {
    if (this.#state.decided !== undefined) return;
    if (timer === 'view') return this.#isAlone() ? this.#rest() : this.#changeTo(this.#state.view + 1);
    this.#timers.set('repeat', this.#repeatMs);
    this.#repeat();
  }

  hear(from: string, message: PbftMessage): void {
    const { decided } = this.#state;
    if (message.kind === 'decided') return this.#learn(message.certificate);
    if (decided !== undefined) {
      // Whoever may publish can write any name on a step.
      if (!this.#options.committee.members.includes(from)) return;
      this.#sends.push({ to: from, message: { kind: 'decided', certificate: decided } });
      return;
    }
    const { committee, check } = this.#options;
    if (this.#isKnown(message) || !isOfMember(committee, message.signed) || !check(message.signed)) return;
    this.#take(message);
  }

  end(): ReplicaStep {
    const timers = [...this.#timers].map(([timer, afterMs]) => ({ timer, afterMs }));
    return { state: this.#state, sends: this.#sends, timers };
  }

  get #repeatMs(): number {
    const { viewMs = 1_000, repeatMs = viewMs / 4 } = this.#options;
    return repeatMs;
  }

  /** Asked for a view that no quorum has asked for: then it waits, or a member that is cut off would run ahead of the others. */
  #isAlone(): boolean {
    const { phase, view, changes } = this.#state;
    const asking = [...changes.values()].filter(({ signed }) => signed.statement.view >= view);
    return phase === 'changing' && asking.length < quorumOf(this.#options.committee);
  }

  /** What was heard before, or is of a view long over or too far ahead, need not be verified. */
  #isKnown(message: Exclude<PbftMessage, { kind: 'decided' }>): boolean {
    const { by, statement } = message.signed;
    const { view, proposals, prepares, commits, changes } = this.#state;
    if (statement.view > view + 64) return true;
    switch (message.kind) {
      case 'propose':
        return statement.view < view || proposals.has(statement.view);
      case 'prepare':
        return statement.view < view || prepares.has(`${by} ${statement.view}`);
      case 'commit':
        return commits.has(`${by} ${statement.view}`);
      case 'view-change':
        return statement.view < view || (changes.get(by)?.signed.statement.view ?? -1) >= statement.view;
    }
  }

  #take(message: Exclude<PbftMessage, { kind: 'decided' }>): void {
    switch (message.kind) {
      case 'propose':
        return this.#weigh(message);
      case 'prepare':
        this.#set({ prepares: withEntry(this.#state.prepares, keyOf(message.signed), message.signed) });
        return this.#commitIfPrepared();
      case 'commit':
        this.#set({ commits: withEntry(this.#state.commits, keyOf(message.signed), message.signed) });
        return this.#decideIfCommitted();
      case 'view-change':
        return this.#countChange(message.signed, message.proof);
    }
  }

  /** A proposal: is it the primary's, and may it propose that? (R1) */
  #weigh({ signed, justification }: Proposal): void {
    const { committee, accepts, check } = this.#options;
    const { view, choice } = signed.statement;
    if (signed.by !== primaryOf(committee, view) || choice >= committee.alternatives) return;
    if (!isJustified(committee, { view, choice, justification }, check)) return;
    const proposal = { signed, ...(justification === undefined ? {} : { justification }) };
    this.#set({ proposals: withEntry(this.#state.proposals, view, proposal) });
    const isWanted = justification?.proof !== undefined || accepts.includes(choice);
    const isNew = view > this.#state.view || (view === this.#state.view && !this.#hasTaken());
    if (!isNew || !isWanted) return this.#decideIfCommitted();
    this.#set({ view, phase: 'voting', saying: this.#state.view === view ? this.#ownProposal() : [] });
    this.#rest();
    const { session } = committee;
    const prepare = this.#options.sign<Prepare>({ kind: 'prepare', session, view, choice });
    this.#say({ kind: 'prepare', signed: prepare });
    this.#commitIfPrepared();
    this.#decideIfCommitted();
  }

  #hasTaken(): boolean {
    return this.#state.prepares.has(`${this.#options.self} ${this.#state.view}`);
  }

  #ownProposal(): readonly PbftMessage[] {
    return this.#state.saying.filter(({ kind }) => kind === 'propose');
  }

  /** R2. */
  #commitIfPrepared(): void {
    const { committee, self, sign } = this.#options;
    const { view, phase, proposals, commits } = this.#state;
    const proposal = proposals.get(view);
    if (phase !== 'voting' || proposal === undefined || !this.#hasTaken() || commits.has(`${self} ${view}`))
      return;
    const { choice } = proposal.signed.statement;
    const prepares = agreeing(this.#state.prepares, view, choice);
    if (prepares.length < quorumOf(committee)) return;
    this.#set({ prepared: { view, choice, prepares, ...justificationOf(proposal) } });
    const commit = sign<Commit>({ kind: 'commit', session: committee.session, view, choice });
    this.#say({ kind: 'commit', signed: commit });
    this.#decideIfCommitted();
  }

  /** R4. Of any view whose proposal it has: the others may have moved on. */
  #decideIfCommitted(): void {
    if (this.#state.decided !== undefined) return;
    const { committee } = this.#options;
    for (const [view, proposal] of this.#state.proposals) {
      const { choice } = proposal.signed.statement;
      const commits = agreeing(this.#state.commits, view, choice);
      if (commits.length < quorumOf(committee)) continue;
      const { session } = committee;
      return this.#decide({ session, view, choice, commits, ...justificationOf(proposal) });
    }
  }

  #learn(certificate: PbftCertificate): void {
    const { committee, check } = this.#options;
    if (this.#state.decided === undefined && isDecisionProof(committee, certificate, check))
      this.#decide(certificate);
  }

  #decide(decided: PbftCertificate): void {
    this.#set({ decided });
    this.#timers.set('view', undefined);
    this.#timers.set('repeat', undefined);
    this.#tell({ kind: 'decided', certificate: decided });
  }

  /** R3. */
  #changeTo(view: number): void {
    const { committee, sign } = this.#options;
    const { prepared } = this.#state;
    this.#set({ view, phase: 'changing', saying: [] });
    this.#rest();
    const place = prepared === undefined ? null : { view: prepared.view, choice: prepared.choice };
    const { session } = committee;
    const change = sign<ViewChange>({ kind: 'view-change', session, view, prepared: place });
    this.#say({
      kind: 'view-change',
      signed: change,
      ...(prepared === undefined ? {} : { proof: prepared }),
    });
  }

  #countChange(signed: Signed<ViewChange>, proof: PreparedProof | undefined): void {
    const { committee, check } = this.#options;
    const { prepared, view } = signed.statement;
    const isProven =
      prepared === null
        ? proof === undefined
        : proof?.view === prepared.view &&
          proof.choice === prepared.choice &&
          prepared.view < view &&
          isPreparedProof(committee, proof, check);
    if (!isProven) return;
    const change = { signed, ...(proof === undefined ? {} : { proof }) };
    this.#set({ changes: withEntry(this.#state.changes, signed.by, change) });
    this.#followOthers();
    this.#openView();
  }

  /** f+1 that want to go further: one of them is honest, so it is time. */
  #followOthers(): void {
    const { committee } = this.#options;
    const ahead = [...this.#state.changes.values()]
      .map(({ signed }) => signed.statement.view)
      .filter((view) => view > this.#state.view)
      .toSorted((a, b) => b - a);
    const next = ahead[committee.faults];
    if (next !== undefined) this.#changeTo(next);
  }

  /** The primary of the view it asked for proposes when a quorum asks for it: the last prepared choice, or its own. */
  #openView(): void {
    const { committee, self, accepts } = this.#options;
    const { view, phase, changes } = this.#state;
    if (phase !== 'changing' || primaryOf(committee, view) !== self || this.#state.proposals.has(view))
      return;
    const wanting = [...changes.values()].filter(({ signed }) => signed.statement.view === view);
    if (wanting.length < quorumOf(committee)) return;
    const last = lastPrepared(wanting.map(({ signed }) => signed));
    const proof = wanting.find(({ signed }) => signed.statement.prepared?.view === last)?.proof;
    const choice = proof?.choice ?? accepts[0];
    if (choice === undefined) return;
    const signed = wanting.map((change) => change.signed);
    this.#propose(choice, { changes: signed, ...(proof === undefined ? {} : { proof }) });
  }

  #propose(choice: number, justification?: Justification): void {
    const { committee, sign } = this.#options;
    const { view } = this.#state;
    const signed = sign<Propose>({ kind: 'propose', session: committee.session, view, choice });
    this.#say({ kind: 'propose', signed, ...(justification === undefined ? {} : { justification }) });
  }

  /** Says something in the present view, to all and to itself. */
  #say(message: Exclude<PbftMessage, { kind: 'decided' }>): void {
    this.#set({ saying: [...this.#state.saying, message] });
    this.#tell(message);
    this.#take(message);
  }

  #repeat(): void {
    for (const message of this.#state.saying) this.#tell(message);
  }

  #tell(message: PbftMessage): void {
    const { committee, self } = this.#options;
    for (const to of committee.members) if (to !== self) this.#sends.push({ to, message });
  }

  /** The present view has its time from now. */
  #rest(): void {
    const { viewMs = 1_000 } = this.#options;
    this.#timers.set('view', viewMs * 2 ** Math.min(6, this.#state.view));
  }

  #set(change: Partial<ReplicaState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

function keyOf({ by, statement }: Signed): string {
  return `${by} ${statement.view}`;
}

function justificationOf({ justification }: Proposal): { readonly justification?: Justification } {
  return justification === undefined ? {} : { justification };
}

function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map([...map, [key, value]]);
}

function agreeing<S extends Prepare | Commit>(
  said: ReadonlyMap<string, Signed<S>>,
  view: number,
  choice: number,
): readonly Signed<S>[] {
  return [...said.values()].filter(({ statement }) => statement.view === view && statement.choice === choice);
}
