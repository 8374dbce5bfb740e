/**
 * Time sharing: who holds a thing at which instant. A schedule is data, and the holder a function of it and the time, so
 * everybody comes to the same answer and a restart forgets nothing.
 *
 * Invariants
 *  T1  At each instant from the start on there is exactly one holder.
 *  T2  A slot holds its first instant and not its last: the holder changes at `startMs + k · slotMs`.
 */
import type { Json } from '@mabeam/variables';

/** Length of a slot unless stated: ten minutes. */
export const defaultSlotMs = 600_000;

/** Who takes turns, and with what. */
export interface Schedule {
  /** When the first slot begins, in ms since 1970. */
  readonly startMs: number;
  /** Length of a slot; to be kept, at least 1. */
  readonly slotMs: number;
  /** The parties in the order of their turns, each once, with the value that is active in its slots. */
  readonly turns: readonly Turn[];
}

/** One party's turn. */
export interface Turn {
  readonly party: string;
  readonly value: Json;
}

/** A slot: from its beginning up to, and not with, its end. */
export interface Slot extends Turn {
  /** Counted from 0. */
  readonly index: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** How long it takes until everybody has had a turn. */
export function rotationMs(schedule: Schedule): number {
  return schedule.turns.length * schedule.slotMs;
}

/** The slot at an instant; undefined before the schedule begins. */
export function slotAt(schedule: Schedule, nowMs: number): Slot | undefined {
  const { slotMs, startMs, turns } = schedule;
  const index = Math.floor((nowMs - startMs) / slotMs);
  const turn = index < 0 ? undefined : turns[index % turns.length];
  if (turn === undefined) return undefined;
  const fromMs = startMs + index * slotMs;
  return { ...turn, index, fromMs, toMs: fromMs + slotMs };
}

/** Who holds it at an instant; undefined before the schedule begins. */
export function holderAt(schedule: Schedule, nowMs: number): string | undefined {
  return slotAt(schedule, nowMs)?.party;
}
