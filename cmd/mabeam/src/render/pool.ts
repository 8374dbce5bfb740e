/** The pool of a space as text. Pure. */
import type { Reservation } from '@mabeam/orchestrator';
import type { ResourceAmounts } from '@mabeam/cluster';
import { renderFields, renderTable, type Paint } from './table.ts';

/** A pool, who has what of it, and which instances wait for more. */
export interface ShownPool {
  readonly space: string;
  readonly total: ResourceAmounts;
  readonly reserved: ResourceAmounts;
  readonly available: ResourceAmounts;
  readonly agents: readonly Reservation[];
  readonly waiting: readonly string[];
}

/** The pool as a table: a line for each agent that has reserved something, then what is reserved, left and there in all. */
export function renderPool(
  { agents, available, reserved, space, total, waiting }: ShownPool,
  paint: Paint,
): string {
  const line = (name: string, instances: string, { cpu, memory }: ResourceAmounts): readonly string[] => [
    name,
    instances,
    shownCores(cpu),
    shownBytes(memory),
  ];
  const rows = [
    ...agents.map((each) => line(each.agent, String(each.instances), each.reserved)),
    line(paint(['bold'], 'reserved'), '', reserved),
    line(paint(['bold'], 'available'), '', available),
    line(paint(['bold'], 'total'), '', total),
  ];
  const fields: (readonly [string, string])[] = [
    ['space', paint(['bold'], space)],
    ...(waiting.length === 0 ? [] : [['waiting', paint(['yellow'], waiting.join(', '))] as const]),
  ];
  return `${renderFields(fields, paint)}\n\n${renderTable(['agent', 'instances', 'cores', 'memory'], rows, paint)}`;
}

/** Cores to the hundredth. */
function shownCores(cpu: number): string {
  return String(Math.round(cpu * 100) / 100);
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes in the largest unit of which there is one, to a tenth. */
export function shownBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Math.round((bytes / 2 ** (10 * step)) * 10) / 10} ${units[step]}`;
}
