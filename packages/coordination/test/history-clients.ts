/**
 * Clients whose operations make histories: they note when they call and when they are answered, and leave open what they never
 * learn the end of.
 */
import { openEvents, type Bus } from '@mabeam/bus';
import {
  establishLedger,
  establishPbft,
  openLedger,
  proposeEntry,
  verifyPbftDecision,
  type CommitteeMember,
  type LedgerReader,
} from '@mabeam/coordination';
import { registerModel, type ObservedOperation, type RegisterOperation } from '@mabeam/testing';
import * as z from 'zod';
import { readWish, RegisterCopy, type Wish } from './register-copy.ts';

/** What it came to; undefined when that was never learnt. */
export type Done = RegisterOperation | undefined;

/** A history while it is made. */
export class History {
  readonly operations: ObservedOperation<RegisterOperation>[] = [];

  /** Performs an operation and notes it; true when it was answered. A read without answer, and what was not done, is left out. */
  async note(wish: Wish, perform: (wish: Wish) => Promise<Done | 'not-done'>): Promise<boolean> {
    const calledAt = performance.now();
    const operation = await perform(wish);
    const returnedAt = performance.now();
    if (operation === 'not-done') return false;
    if (operation !== undefined) this.operations.push({ operation, calledAt, returnedAt });
    else if (wish.kind === 'write') this.operations.push({ operation: wish, calledAt });
    else if (wish.kind === 'compare-and-set')
      this.operations.push({ operation: { ...wish, isDone: undefined }, calledAt });
    return operation !== undefined;
  }
}

/** How often an operation of which nobody knows the end is asked for under its id. */
const mostTries = 4;

const commandSchema = z.object({ id: z.string(), wish: z.unknown() });
const skip = 'skip';
const endSchema = z.object({
  outcome: z.object({ kind: z.string(), value: z.unknown().optional(), certificate: z.unknown().optional() }),
});

/**
 * A client of a register that is nothing but rounds of a committee, `<name>-0`, `<name>-1`, …: what the committee decides in each is
 * the next command, or that there is none. It proposes its own command in the next round that nobody has begun, after it has
 * taken in all rounds before.
 */
export class RoundsClient {
  readonly #bus: Bus;
  readonly #space: string;
  readonly #electorate: readonly CommitteeMember[];
  readonly #name: string;
  readonly #keys: Readonly<Record<string, string>>;
  readonly #register = new RegisterCopy();
  #next = 0;
  #commands = 0;

  constructor(bus: Bus, space: string, electorate: readonly CommitteeMember[], name: string) {
    this.#bus = bus;
    this.#space = space;
    this.#electorate = electorate;
    this.#name = name;
    this.#keys = Object.fromEntries(electorate.map(({ party, key }) => [party, key]));
  }

  /** Performs a wish; it takes as many rounds as it takes. */
  async perform(wish: Wish): Promise<RegisterOperation> {
    const id = `${this.#bus.name} ${this.#commands++}`;
    for (;;) {
      const decided = commandSchema.safeParse(
        await this.#decide(`${this.#name}-${this.#next}`, { id, wish }),
      ).data;
      this.#next += 1;
      const next = readWish(decided?.wish);
      if (next === undefined) continue;
      const operation = this.#register.apply(next);
      if (decided?.id === id) return operation;
    }
  }

  /** What the round decided: the client's own command, or whatever another has put to it. Undefined when nothing. */
  async #decide(round: string, command: { readonly id: string; readonly wish: Wish }): Promise<unknown> {
    const options = { round, alternatives: [skip], viewMs: 150, timeoutMs: 4_000 };
    try {
      const outcome = await establishPbft(this.#bus, this.#space, this.#electorate, command, options);
      return outcome.kind === 'agreed' ? outcome.value : undefined;
    } catch (error) {
      if (!isReused(error)) throw error;
      return await this.#learn(round);
    }
  }

  /** The end of a round that another has begun. */
  async #learn(round: string): Promise<unknown> {
    const signal = AbortSignal.timeout(60_000);
    const events = openEvents(this.#bus, this.#space);
    for await (const event of events.follow({ filter: `event.round.${round}.ended`, signal })) {
      const { outcome } = endSchema.parse(event.json());
      if (outcome.kind !== 'agreed') return undefined;
      const verified = verifyPbftDecision(outcome.certificate, { keys: this.#keys });
      if (verified.kind === 'invalid') throw new Error(`${round}: ${verified.problem}`);
      return verified.value;
    }
    throw new Error(`nobody has ended ${round}`);
  }
}

/** A client of a register that a group keeps (raft): the members apply what is committed, and answer with what it came to. */
export class GroupClient {
  readonly #bus: Bus;
  readonly #space: string;
  readonly #members: readonly string[];
  #commands = 0;

  constructor(bus: Bus, space: string, members: readonly string[]) {
    this.#bus = bus;
    this.#space = space;
    this.#members = members;
  }

  /** Performs a wish. Undefined when nobody knows; what had no quorum was not done, and is as if it had never been wished. */
  async perform(wish: Wish): Promise<Done | 'not-done'> {
    const id = `${this.#bus.name}-${this.#commands++}`;
    const options = { id, timeoutMs: 6_000, requestTimeoutMs: 1_000 };
    for (let tries = 0; tries < mostTries; tries++) {
      const proposed = await proposeEntry(this.#bus, this.#space, 'history', this.#members, wish, options);
      if (proposed.kind === 'committed') return readDone(proposed.result);
      // Once nobody knows, no later refusal tells that it was not done.
      if (proposed.kind === 'no-quorum' && tries === 0) return 'not-done';
    }
    return undefined;
  }
}

/** A client of a register that is what the blocks of a ledger make it; a read reads the ledger, and adds no block to it. */
export class LedgerClient {
  readonly #bus: Bus;
  readonly #space: string;
  readonly #electorate: readonly CommitteeMember[];
  readonly #reader: LedgerReader;
  #commands = 0;

  constructor(bus: Bus, space: string, electorate: readonly CommitteeMember[]) {
    this.#bus = bus;
    this.#space = space;
    this.#electorate = electorate;
    this.#reader = openLedger(bus, space, 'history');
  }

  /** Performs a wish. Undefined when it has no block, however often it is asked for: one may still be on its way. */
  async perform(wish: Wish): Promise<Done> {
    if (wish.kind === 'read') return { kind: 'read', value: (await this.#replay()).register.value };
    const round = `l-${this.#bus.name}-${this.#commands++}`;
    const options = { ledger: 'history', round, timeoutMs: 6_000, requestTimeoutMs: 1_000 };
    for (let tries = 0; tries < mostTries; tries++) {
      const outcome = await establishLedger(this.#bus, this.#space, this.#electorate, [wish], options);
      if (outcome.kind === 'agreed') return (await this.#replay(outcome.height)).last;
    }
    return undefined;
  }

  /** The register after all blocks, or up to a height, and what the last change came to. */
  async #replay(height = Infinity): Promise<{ readonly register: RegisterCopy; readonly last: Done }> {
    const { blocks } = await this.#reader.read();
    const register = new RegisterCopy();
    const wishes = blocks
      .slice(0, height + 1)
      .flatMap(({ changes }) => changes.map((change) => readWish(change)));
    let last: Done;
    for (const wish of wishes) if (wish !== undefined) last = register.apply(wish);
    return { register, last };
  }
}

const doneSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['read', 'write']), value: z.number().nullable() }),
  z.object({
    kind: z.literal('compare-and-set'),
    expected: z.number().nullable(),
    value: z.number(),
    isDone: z.boolean(),
  }),
]);

/** What a member says that a wish came to. Throws when it is nothing of the kind. */
function readDone(result: unknown): RegisterOperation {
  return doneSchema.parse(result);
}

function isReused(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'round-reused';
}

/** The n-th wish of a client, from the fourth on by chance. Each value is written once, so that a read tells which write it saw. */
export function wishOf(
  n: number,
  random: () => number,
  { value, last }: { readonly value: number; readonly last: number | null },
): Wish {
  const chance = n < 3 ? n / 3 : random();
  if (chance < 0.3) return { kind: 'write', value };
  return chance < 0.6 ? { kind: 'read' } : { kind: 'compare-and-set', expected: last, value };
}

/** The model by which histories are judged. */
export const model: ReturnType<typeof registerModel> = registerModel(null);
