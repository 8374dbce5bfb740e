/**
 * What a specialist is and what it says. A specialist is a pure value: a state, and functions from state and mail to an opinion. Those who
 * learn also turn a state and a labelled mail into the next state.
 */
import type { Label } from '../mail-entry.ts';
import type { ParsedMail } from '../mail.ts';

/** How likely a mail is spam in the eyes of one specialist. */
export interface Opinion {
  /** 0 is surely ham, 1 surely spam. */
  readonly probability: number;
  /** For people: what spoke for it, the weightiest first. */
  readonly reasons: readonly string[];
  /** Set when the specialist has nothing to say; a verdict then leaves it out. */
  readonly abstains?: true;
}

/** A specialist; `S` is what it has learned, `T` its settings. */
export interface Specialist<S, T> {
  readonly id: string;
  readonly settings: T;
  /** The state of one who has not learned anything. */
  readonly fresh: () => S;
  readonly opinion: (state: S, mail: ParsedMail, settings: T) => Opinion;
}

/** A specialist that learns from feedback. */
export interface Learner<S, T> extends Specialist<S, T> {
  /**
   * Takes over the state that is handed in and returns the next one: go on with the returned state only, the old one is spent (the
   * tables are too large to be copied for every mail). Given the same feedback in the same order, the state is always the same.
   */
  readonly learn: (state: S, mail: ParsedMail, label: Label, settings: T) => S;
}

/** A clue in a mail: its weight in log-odds (above 0 speaks for spam) and its name. */
export interface Clue {
  readonly weight: number;
  readonly name: string;
}

/** How many clues are named as reasons. */
const REASONS = 4;

/** The opinion of a learner without feedback of both kinds. */
export function noFeedbackYet(): Opinion {
  return { probability: 0.5, reasons: ['no feedback yet'], abstains: true };
}

/** Turns log-odds into a probability. */
export function probabilityOf(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}

/** Turns a probability into log-odds, not beyond those of `floor` and `1 − floor`. */
export function logOddsOf(probability: number, floor: number): number {
  const clamped = Math.min(1 - floor, Math.max(floor, probability));
  return Math.log(clamped / (1 - clamped));
}

/** Names the weightiest clues, with their direction. */
export function reasonsOf(clues: readonly Clue[]): string[] {
  return clues
    .filter(({ weight }) => Math.abs(weight) >= 0.05)
    .sort((left, right) => Math.abs(right.weight) - Math.abs(left.weight))
    .slice(0, REASONS)
    .map(({ weight, name }) => `${name} (${weight > 0 ? 'spam' : 'ham'} ${Math.abs(weight).toFixed(1)})`);
}
