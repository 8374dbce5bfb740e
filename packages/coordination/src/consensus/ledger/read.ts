/**
 * Reading a ledger from the log of its space, verifying every block on the way.
 *
 * Promise: a reading is linearizable – it contains every block whose append was acknowledged before it began – because it first asks the
 * leader of the stream for the last entry, and then reads up to that. (A leader that was deposed and does not know it yet could answer
 * late by the time of an election; who must exclude that as well appends a block without changes and reads from its height.)
 */
import { MabeamError, parseId, type Bus } from '@mabeam/bus';
import { coordinationError } from '../../errors.ts';
import { followLog, lastLogSequence, readLog } from '../log/read.ts';
import { ledgerLog, type PlacedBlock } from './certificate.ts';
import { treeHead, type LedgerTrust, type Tip } from './chain.ts';
import type { Block } from './block.ts';
import { LedgerCopy, type IgnoredEntry } from './copy.ts';
import type { TreeHead } from './merkle-tree.ts';

/** A ledger as it was when the reading began, or later. */
export interface LedgerReading {
  /** From height 0 on; empty when nobody has established it. */
  readonly blocks: readonly Block[];
  readonly tip: Tip | undefined;
  /** What stands in its log and is no block of it. */
  readonly ignored: readonly IgnoredEntry[];
}

/** What a reader knows beforehand. */
export interface ReadLedgerOptions extends LedgerTrust {
  /** The head of the ledger at an earlier time (`treeHead`): it must still begin so. */
  readonly head?: TreeHead | undefined;
}

/** How often a gap in the log is read over before it is believed. */
const maxTries = 3;

/** A ledger that is read again and again, each entry of its log once. It holds nothing open. */
export class LedgerReader {
  /** What was read so far. */
  readonly copy: LedgerCopy;
  readonly #bus: Bus;
  #reading: Promise<void> = Promise.resolve();

  /** Use `openLedger`. */
  constructor(bus: Bus, copy: LedgerCopy) {
    this.#bus = bus;
    this.copy = copy;
  }

  /**
   * Reads on to the end of the log as it is now or later. Throws `invalid-ledger` when the log is shorter than what was read of it
   * before, `log-broken`, `stream-missing`, `disconnected` and `deadline-exceeded`.
   */
  async read(): Promise<LedgerReading> {
    const { blocks, tip, ignored } = await this.catchUp();
    return { blocks, tip, ignored };
  }

  /** The same, for who wants to know less of it. */
  async catchUp(): Promise<LedgerCopy> {
    // One after another: who comes later must not be content with an end that was asked for before.
    const reading = this.#reading.then(() => this.#read());
    this.#reading = reading.catch(() => undefined);
    await reading;
    return this.copy;
  }

  async #read(): Promise<void> {
    const { space, ledger, logTip } = this.copy;
    const log = ledgerLog(ledger);
    const last = await lastLogSequence(this.#bus, space, log);
    if (last < logTip.sequence) throw cutOff(this.copy, last);
    let tries = 0;
    while (this.copy.logTip.sequence < last) {
      try {
        for await (const entry of readLog(this.#bus, space, log, { after: this.copy.logTip }))
          this.copy.take(entry);
      } catch (error) {
        // An answer that was lost on its way looks like an entry that is missing: reading on from before it tells.
        const isGap = error instanceof MabeamError && error.code === 'log-broken';
        if (!isGap || (tries += 1) >= maxTries) throw error;
      }
    }
  }
}

/** Opens a ledger for reading. Nothing is read yet. Throws `invalid-id`. */
export function openLedger(bus: Bus, space: string, ledger: string, trust: LedgerTrust = {}): LedgerReader {
  return new LedgerReader(bus, new LedgerCopy(space, parseId('ledger', ledger), trust));
}

/** Reads a ledger once. Throws `invalid-ledger` when it does not begin as its `head` says, and as {@link LedgerReader.read}. */
export async function readLedger(
  bus: Bus,
  space: string,
  ledger: string,
  { head, ...trust }: ReadLedgerOptions = {},
): Promise<LedgerReading> {
  const reading = await openLedger(bus, space, ledger, trust).read();
  if (head !== undefined && treeHead(reading.blocks.slice(0, head.size)).root !== head.root) {
    const message = `the ledger ${ledger} does not begin with the ${head.size} blocks that are known of it`;
    throw coordinationError('invalid-ledger', message, { details: { space, ledger, head } });
  }
  return reading;
}

/** Yields the blocks of a ledger from the first one on and then as they come, until the signal aborts. Throws as `followLog`. */
export async function* followLedger(
  bus: Bus,
  space: string,
  ledger: string,
  { signal, ...trust }: LedgerTrust & { readonly signal: AbortSignal },
): AsyncGenerator<PlacedBlock, void> {
  const copy = new LedgerCopy(space, ledger, trust);
  for await (const entry of followLog(bus, space, ledgerLog(ledger), { signal })) {
    const placed = copy.take(entry);
    if (placed !== undefined) yield placed;
  }
}

function cutOff({ space, ledger, logTip }: LedgerCopy, last: number): Error {
  const message = `the log of the ledger ${ledger} ends at ${last}, and was read up to ${logTip.sequence} before: it is another one`;
  return coordinationError('invalid-ledger', message, { details: { space, ledger, last } });
}
