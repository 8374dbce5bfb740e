/**
 * What a strategy is: a pure proceeding. It yields questions to parties, gets their answers, and returns a settlement; who asks,
 * and how, is none of its affairs. So the same strategy settles positions that are all known, a simulated run, and a
 * conversation between processes.
 *
 * Rules for a strategy, which the conformance suite holds it to
 *  T1  The order of the positions changes nothing.
 *  T2  What it agrees on lies in the range, or it says `no-feasible-value`.
 *  T3  The same positions, answers and seed give the same settlement.
 *  T4  A party without an answer – late, silent, gone – never stops it.
 */
import type { Json } from '@mabeam/variables';
import type { Position, Stance } from './position.ts';
import type { Terms } from './terms.ts';

/** A value of a party, as others are told of it. */
export interface StatedValue {
  readonly party: string;
  readonly value: Json;
  readonly weight: number;
}

/** An objection to a decision. */
export interface Objection {
  readonly party: string;
  readonly value?: Json | undefined;
  readonly reason?: string | undefined;
}

/** What a party is asked in the course of a negotiation. */
export type Question =
  | {
      readonly phase: 'react';
      readonly number: number;
      /** What the others would meet at. */
      readonly proposal: Json;
      readonly own: Json;
      readonly others: readonly StatedValue[];
      /** The values still in the running, where values are chosen and not averaged. */
      readonly options?: readonly Json[] | undefined;
    }
  | {
      readonly phase: 'price';
      readonly number: number;
      readonly price: number;
      readonly direction: 'rising' | 'falling';
    }
  | {
      readonly phase: 'decide';
      readonly values: readonly StatedValue[];
      /** What the usual rule comes to. */
      readonly proposal: Json;
      readonly objections?: readonly Objection[] | undefined;
    }
  | { readonly phase: 'object'; readonly value: Json; readonly decidedBy: string };

/** What a party answers. */
export type Answer =
  | { readonly kind: 'accept' }
  | { readonly kind: 'decline' }
  | { readonly kind: 'counter'; readonly value: Json }
  | { readonly kind: 'decision'; readonly value: Json }
  | {
      readonly kind: 'object';
      readonly value?: Json | undefined;
      readonly reason?: string | undefined;
    };

/** A question to one party. */
export interface Asked {
  readonly to: string;
  readonly question: Question;
  /** What is answered for a party that leaves it to the rule, or whose position is given; without one, every party is asked. */
  readonly usual?: Answer | undefined;
}

/** The answers by party; who gave none is missing. */
export type Answers = ReadonlyMap<string, Answer>;

/** Something was agreed on. */
export interface Agreed {
  readonly kind: 'agreed';
  readonly value: Json;
  /** Rounds of questions it took, beside the opening one. */
  readonly rounds: number;
  readonly winner?: string | undefined;
  /** What each pays; what it receives is negative. */
  readonly payments?: Readonly<Record<string, number>> | undefined;
  /** What is left of the budgets that were named. */
  readonly budgets?: Readonly<Record<string, number>> | undefined;
  /** Who gets what: items, or quantities (sold ones negative). */
  readonly allocation?: Readonly<Record<string, Json>> | undefined;
  /** How content each is, from 0 to 1, where the value alone does not tell. */
  readonly satisfaction?: Readonly<Record<string, number>> | undefined;
  readonly details?: Readonly<Record<string, Json>> | undefined;
}

/** How a proceeding rightly ends. */
export type Settlement =
  | Agreed
  | { readonly kind: 'deadlocked'; readonly rounds: number; readonly values: Readonly<Record<string, Json>> }
  | { readonly kind: 'no-quorum'; readonly present: number; readonly needed: number }
  | { readonly kind: 'no-feasible-value' }
  | { readonly kind: 'no-winner'; readonly reserve: number }
  | { readonly kind: 'no-trade' }
  | { readonly kind: 'coordinator-unavailable'; readonly asked: readonly string[] };

/** The course of one negotiation. */
export type Proceeding = Generator<readonly Asked[], Settlement, Answers>;

/** A way of coming to one value. */
export interface Strategy {
  readonly name: string;
  /** How a party is asked that has not said enough. */
  readonly opening: 'prefer' | 'bid' | 'orders';
  /** Is what a party has said enough to begin with? */
  readonly isReady: (stance: Stance, terms: Terms) => boolean;
  readonly settle: (positions: readonly Position[], terms: Terms) => Proceeding;
}

/** A proceeding that asks nothing and ends so. */
export function* endWith(settlement: Settlement): Proceeding {
  yield* [];
  return settlement;
}

/** Settles positions that are all known: every question is answered as usual. */
export function settleGiven(strategy: Strategy, positions: readonly Position[], terms: Terms): Settlement {
  const proceeding = strategy.settle(positions, terms);
  let step = proceeding.next();
  while (step.done !== true) step = proceeding.next(usualAnswers(step.value));
  return step.value;
}

/** The usual answers to these questions. */
export function usualAnswers(asked: readonly Asked[]): Answers {
  return new Map(asked.flatMap(({ to, usual }) => (usual === undefined ? [] : [[to, usual] as const])));
}

/** Does a position name a value? */
export function hasPreference<T extends Stance>(stance: T): stance is T & { readonly preferred: Json } {
  return stance.preferred !== undefined;
}
