/** The doors of an agent: its ways in. */
import type { Served } from '@mabeam/bus';

/** Something an agent takes things through; closing takes nothing new and finishes what is in hand within a grace. */
export interface Door {
  /** What comes through it, with its figures; for one that is no service of the bus itself. */
  readonly served?: Served;
  close(graceMs: number): Promise<void>;
}
