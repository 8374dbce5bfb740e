/**
 * What the key `freeze` means for the orchestrator (rulings R25); what stands in it is @mabeam/variables'.
 *
 * Z1 While the key is there, the leader adapts nothing, starts and stops nothing, writes no graph and repairs no value. It keeps
 *    its lease, goes on recording what had been committed before, and serves what a person sets.
 * Z2 A trigger that was stored, or is answered, while the space is frozen is recorded as `frozen` and never acts: nobody
 *    is surprised after the unfreezing by what was asked for before. When the space was frozen is read from the key's
 *    history, by the server's clock, as are the times of triggers.
 */
import { readKeyHistory, type BucketEntry, type Bus } from '@mabeam/bus';
import { freezeKey, type FreezeState } from '@mabeam/variables';

/** The freeze in a sentence. */
export function describeFreeze({ by, reason }: FreezeState): string {
  return `the space is frozen by ${by}${reason === '' ? '' : ` (${reason})`}`;
}

/** A time in which a space was frozen, in ms since 1970 by the server's clock; without an end it lasts. */
export interface FrozenPeriod {
  readonly from: number;
  readonly until: number;
}

/** When a space was frozen, in the kept revisions of its key, oldest first: whatever stands in the key freezes. Pure. */
export function frozenPeriods(
  history: readonly Pick<BucketEntry, 'operation' | 'at'>[],
): readonly FrozenPeriod[] {
  const periods: FrozenPeriod[] = [];
  let from: number | undefined;
  for (const { operation, at } of history) {
    if (operation === 'put') from ??= at.getTime();
    else if (from !== undefined) {
      periods.push({ from, until: at.getTime() });
      from = undefined;
    }
  }
  return from === undefined ? periods : [...periods, { from, until: Number.POSITIVE_INFINITY }];
}

/** Was the space frozen at a moment, its first and its last millisecond included? Pure. */
export function isFrozenAt(periods: readonly FrozenPeriod[], at: Date): boolean {
  return periods.some(({ from, until }) => from <= at.getTime() && at.getTime() <= until);
}

/** The history of one space's freezes; read again only when the key has a new revision. */
export class FreezeHistory {
  readonly #bus: Bus;
  readonly #bucket: string;
  #revision = 0;
  #periods: readonly FrozenPeriod[] = [];

  constructor(bus: Bus, bucket: string) {
    this.#bus = bus;
    this.#bucket = bucket;
  }

  /** The periods up to a revision of the key; 0: it never was frozen. Throws what the bus throws. */
  async periods(revision: number): Promise<readonly FrozenPeriod[]> {
    if (revision !== this.#revision) {
      this.#periods = frozenPeriods(await readKeyHistory(this.#bus, this.#bucket, freezeKey));
      this.#revision = revision;
    }
    return this.#periods;
  }
}
