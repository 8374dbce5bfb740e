import { canonicalBytes } from '@mabeam/bus';
import { seededRandom, simulate, type PartyStep, type SimulatedParty } from '@mabeam/testing';
import { describe, expect, it } from 'vitest';
import {
  draftBlock,
  sealBlock,
  signBlock,
  votesNeeded,
  type Block,
  type BlockDraft,
  type BlockVote,
} from '../src/consensus/ledger/block.ts';
import type { PlacedBlock } from '../src/consensus/ledger/certificate.ts';
import { draftProblem, verifyLedger, type ChainContext } from '../src/consensus/ledger/chain.ts';
import { LedgerCopy } from '../src/consensus/ledger/copy.ts';
import { readDraftAnswer } from '../src/consensus/ledger/message.ts';
import { nextMove, type Wish } from '../src/consensus/ledger/proposal.ts';
import { entryAfter } from '../src/consensus/log/entry.ts';
import { signersNamed } from './ledger-stage.ts';

/**
 * The rules of the ledger under a network that misbehaves: a log that takes what is put behind its tip, proposers that race and are
 * killed, members that are killed, up to a third of them that sign anything, and somebody who writes rubbish into the log.
 */
const runs = process.env['MABEAM_LONG'] === '1' ? 1_000 : 24;
const members = signersNamed('m1', 'm2', 'm3', 'm4', 'm5');
const keys = new Map(members.members.map(({ party, key }) => [party, key]));
const needed = votesNeeded(members.members.length);
const honest = members.members.slice(0, needed).map(({ party }) => party);

type Message =
  | { readonly kind: 'read'; readonly tag: string }
  | { readonly kind: 'length'; readonly tag: string; readonly length: number }
  | { readonly kind: 'put'; readonly tag: string; readonly behind?: number; readonly body: unknown }
  | { readonly kind: 'sign'; readonly tag: string; readonly draft: BlockDraft }
  | { readonly kind: 'answer'; readonly tag: string; readonly body: unknown };

/** What a proposer believes to be in the ledger, and from when to when it saw to it. */
interface Claim {
  readonly operation: string;
  readonly height: number;
  readonly hash: string;
  readonly askedAtMs: number;
  readonly knownAtMs: number;
}

interface State {
  /** Of the log. */
  readonly entries: readonly unknown[];
  /** Of a member: what it looks up before it answers. */
  readonly pending: ReadonlyMap<string, { readonly draft: BlockDraft; readonly to: string }>;
  /** Of a proposer: what it has done, and what it is at. */
  readonly claims: readonly Claim[];
  readonly askedAtMs: number;
  readonly attempt: number;
  readonly draft?: BlockDraft | undefined;
  readonly length: number;
  readonly votes: readonly BlockVote[];
}
type Step = PartyStep<State, Message>;

const initial: State = {
  entries: [],
  pending: new Map(),
  claims: [],
  askedAtMs: 0,
  attempt: 0,
  length: 0,
  votes: [],
};
const still = (state: State): Step => ({ state, sends: [], timers: [] });

/** The ledger as each length of the one log has it: who reads the same has the same. */
class Readings {
  readonly #copy = new LedgerCopy('orders', 'books');
  readonly #at: { readonly context: ChainContext; readonly placed: ReadonlyMap<string, PlacedBlock> }[] = [];
  #placed = new Map<string, PlacedBlock>();

  constructor() {
    this.#keep();
  }

  take(body: unknown): void {
    const { logTip } = this.#copy;
    const data = canonicalBytes(body);
    const placed = this.#copy.take(entryAfter(logTip, { sequence: logTip.index + 1, data, at: new Date(0) }));
    if (placed !== undefined) this.#placed = new Map([...this.#placed, [placed.block.operation, placed]]);
    this.#keep();
  }

  at(length: number): ChainContext & Pick<LedgerCopy, 'tip' | 'blockOf'> {
    const reading = this.#at[length];
    if (reading === undefined) throw new Error(`nobody has put ${length} entries into the log`);
    const { context, placed } = reading;
    return { ...context, tip: context.tip, blockOf: (operation) => placed.get(operation) };
  }

  /** Entries of the log. */
  get length(): number {
    return this.#at.length - 1;
  }

  get blocks(): readonly Block[] {
    return this.#copy.blocks;
  }

  #keep(): void {
    const placed = this.#placed;
    this.#at.push({ context: { ...this.#copy.context, operations: placed }, placed });
  }
}

function logParty(readings: Readings): SimulatedParty<State, Message> {
  return {
    initial,
    step: (state, input): Step => {
      if (input.kind !== 'message') return still(state);
      const { from, message } = input;
      if (message.kind !== 'read' && message.kind !== 'put') return still(state);
      const isTaken =
        message.kind === 'put' && (message.behind === undefined || message.behind === state.entries.length);
      const entries = isTaken ? [...state.entries, message.body] : state.entries;
      if (isTaken) readings.take(message.body);
      const answer: Message = { kind: 'length', tag: message.tag, length: entries.length };
      return { state: { ...state, entries }, sends: [{ to: from, message: answer }], timers: [] };
    },
  };
}

/** A member looks up where the log ends, and signs what follows; a liar signs whatever it is shown. */
function memberParty(party: string, readings: Readings): SimulatedParty<State, Message> {
  const answer = (draft: BlockDraft): unknown => {
    const identity = members.identities.get(party);
    if (identity === undefined) throw new Error(`nobody is called ${party}`);
    return { kind: 'signed', signature: signBlock(identity, draft, party).signature };
  };
  return {
    initial,
    step: (state, input): Step => {
      if (input.kind !== 'message') return still({ ...state, pending: new Map() });
      const { from, message } = input;
      if (message.kind === 'sign') {
        const { tag, draft } = message;
        if (!honest.includes(party))
          return {
            state,
            sends: [{ to: from, message: { kind: 'answer', tag, body: answer(draft) } }],
            timers: [],
          };
        const pending = new Map([...state.pending, [tag, { draft, to: from }]]);
        return {
          state: { ...state, pending },
          sends: [{ to: 'log', message: { kind: 'read', tag } }],
          timers: [],
        };
      }
      const asked = message.kind === 'length' ? state.pending.get(message.tag) : undefined;
      if (message.kind !== 'length' || asked === undefined) return still(state);
      const { draft, to } = asked;
      const isNext = draftProblem(draft, readings.at(message.length)) === undefined;
      const body = isNext ? answer(draft) : { kind: 'stale', height: 0 };
      return { state, sends: [{ to, message: { kind: 'answer', tag: message.tag, body } }], timers: [] };
    },
  };
}

/** A proposer of several operations, one after the other; it begins anew after each crash, and whenever nothing comes of it for 80 ms. */
function proposerParty(
  party: string,
  operations: readonly string[],
  readings: Readings,
): SimulatedParty<State, Message> {
  const lookUp = (state: State): Step => {
    const attempt = state.attempt + 1;
    const next = { ...state, attempt, draft: undefined, votes: [] };
    if (state.claims.length === operations.length) return still(next);
    const message: Message = { kind: 'read', tag: `${party}.${attempt}` };
    return { state: next, sends: [{ to: 'log', message }], timers: [{ timer: 'again', afterMs: 80 }] };
  };
  const decide = (state: State, length: number, nowMs: number): Step => {
    const round = operations[state.claims.length] ?? '';
    const wish: Wish = { ...wishOf(round), proposer: party };
    const move = nextMove(wish, readings.at(length));
    if (move.kind === 'there') {
      const { block, hash } = move.placed;
      const { height, operation } = block;
      const claim = { operation, height, hash, askedAtMs: state.askedAtMs, knownAtMs: nowMs };
      return lookUp({ ...state, claims: [...state.claims, claim], askedAtMs: nowMs });
    }
    const tag = `${party}.${state.attempt}`;
    const message: Message = { kind: 'sign', tag, draft: move.draft };
    const sends = members.members.map((member) => ({ to: member.party, message }));
    return { state: { ...state, draft: move.draft, length }, sends, timers: [] };
  };
  return {
    initial,
    step: (state, input, nowMs): Step => {
      if (input.kind !== 'message') return lookUp(state);
      const { from, message } = input;
      if (!('tag' in message) || message.tag !== `${party}.${state.attempt}`) return still(state);
      if (message.kind === 'length' && state.draft === undefined) return decide(state, message.length, nowMs);
      // What was put is there or is not: looking again tells.
      if (message.kind === 'length' && state.votes.length >= needed) return lookUp(state);
      if (message.kind !== 'answer' || state.draft === undefined || state.votes.length >= needed)
        return still(state);
      const { draft, length } = state;
      const read = readDraftAnswer(draft, { party: from, key: keys.get(from), body: message.body });
      const vote = read.kind === 'value' && read.value.kind === 'signed' ? read.value.vote : undefined;
      if (vote === undefined || state.votes.some((one) => one.party === from)) return still(state);
      const votes = [...state.votes, vote];
      if (votes.length < needed) return still({ ...state, votes });
      const put: Message = { kind: 'put', tag: message.tag, behind: length, body: sealBlock(draft, votes) };
      return { state: { ...state, votes }, sends: [{ to: 'log', message: put }], timers: [] };
    },
  };
}

function wishOf(round: string): Omit<Wish, 'proposer'> {
  const { members: signers } = members;
  return { round, changes: [round], signers, members: undefined, prevHash: undefined };
}

/** Writes rubbish, old blocks, and blocks that only the liars (or, in another run, enough) have signed. */
function forgerParty(signing: readonly string[], readings: Readings): SimulatedParty<State, Message> {
  const rubbish = (attempt: number): unknown => {
    const { blocks } = readings;
    const last = blocks.at(-1);
    if (last === undefined || attempt % 3 === 0) return { rubbish: attempt };
    if (attempt % 3 === 1) return blocks[attempt % blocks.length];
    const { tip } = readings.at(readings.length);
    const draft = draftBlock({
      space: 'orders',
      ledger: 'books',
      height: last.height + 1,
      prevHash: tip?.hash ?? null,
      proposer: 'forger',
      operation: `forged-${attempt}`,
      changes: ['forged'],
      signers: members.members,
    });
    return sealBlock(
      draft,
      signing.flatMap((party) => {
        const identity = members.identities.get(party);
        return identity === undefined ? [] : [signBlock(identity, draft, party)];
      }),
    );
  };
  return {
    initial,
    step: (state, input): Step => {
      if (input.kind === 'message' || state.attempt > 20) return still(state);
      const attempt = state.attempt + 1;
      const message: Message = { kind: 'put', tag: `forger.${attempt}`, body: rubbish(attempt) };
      return {
        state: { ...state, attempt },
        sends: [{ to: 'log', message }],
        timers: [{ timer: 'again', afterMs: 30 }],
      };
    },
  };
}

/** One run: what was wished, what the proposers came to believe, and the ledger in the end. */
function play(
  seed: number,
  forging: readonly string[] = members.members.map(({ party }) => party).slice(needed),
): {
  readonly wished: readonly string[];
  readonly claims: readonly Claim[];
  readonly blocks: readonly Block[];
} {
  const random = seededRandom(seed);
  const upTo = (n: number): number => Math.floor(random() * n);
  const readings = new Readings();
  const proposers = Array.from({ length: 1 + upTo(3) }, (_, i) => `p${i}`);
  const operationsOf = (party: string): readonly string[] => [1, 2].map((i) => `${party}-${i}`);
  const parties = new Map<string, SimulatedParty<State, Message>>([
    ['log', logParty(readings)],
    ['forger', forgerParty(forging, readings)],
    ...members.members.map(({ party }) => [party, memberParty(party, readings)] as const),
    ...proposers.map((party) => [party, proposerParty(party, operationsOf(party), readings)] as const),
  ]);
  const victims = [...honest, ...proposers].filter(() => upTo(4) === 0);
  const { states } = simulate(parties, {
    seed,
    weather: {
      dropRate: random() * 0.3,
      duplicateRate: random() * 0.5,
      maxDelayMs: 10,
      partitions: [{ fromMs: 40, toMs: 200, groups: [['m1', 'm2', 'log', 'p0']] }],
      healsAtMs: 400,
    },
    crashes: victims.map((party) => ({ party, atMs: upTo(300), backAtMs: 350 })),
    untilMs: 8_000,
  });
  const claims = proposers.flatMap((party) => states.get(party)?.claims ?? []);
  return { wished: proposers.flatMap(operationsOf), claims, blocks: readings.blocks };
}

describe('the ledger under a network that loses, doubles, delays and parts, with proposers and members that are killed', () => {
  it('holds, has every operation once and nothing else, and what anybody was told of it is so', () => {
    for (let seed = 0; seed < runs; seed++) {
      const { wished, claims, blocks } = play(seed);
      expect(verifyLedger(blocks, { keys: members.keys }).kind, `seed ${seed}`).toBe('valid');
      const operations = blocks.slice(1).map(({ operation }) => operation);
      expect(operations.toSorted(), `seed ${seed}`).toEqual(wished.toSorted());
      expect(blocks.slice(1).map(({ changes }) => changes)).toEqual(
        operations.map((operation) => [operation]),
      );
      expect(claims.map(({ operation }) => operation).toSorted()).toEqual(wished.toSorted());
      expect(claims.filter(({ operation, height }) => blocks[height]?.operation !== operation)).toEqual([]);
    }
  }, 600_000);

  it('orders its blocks as their proposers could see: what was there before another was asked for is below it', () => {
    for (let seed = runs; seed < runs + runs / 2; seed++) {
      const { claims } = play(seed);
      const turned = claims.flatMap((first) =>
        claims.filter((second) => first.knownAtMs < second.askedAtMs && first.height >= second.height),
      );
      expect(turned, `seed ${seed}`).toEqual([]);
    }
  }, 600_000);

  it('has in it what nobody proposed as soon as two thirds lie', () => {
    const forged = Array.from({ length: 10 }, (_, seed) => play(seed, honest).blocks).filter((blocks) =>
      blocks.some(({ operation }) => operation.startsWith('forged-')),
    );
    expect(forged.length).toBeGreaterThan(0);
  });
});
