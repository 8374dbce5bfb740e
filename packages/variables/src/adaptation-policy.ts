/**
 * Adaptation policies: how a variable moves by itself, as its definition says. Plain data; the orchestrator decides by it.
 *
 *   reactive         when the metric has been bad for `sustain` windows in a row
 *   predictive       when a forecast `horizon` windows ahead is bad with `confidence`
 *   emergent         towards the reward-weighted mean of what the agents propose, `explore` of the time elsewhere
 *   consensus-based  as reactive or predictive, once the agents concerned have ratified it
 */
import * as z from 'zod';
import { idText, variableIdText } from './id-text.ts';

/** The strategies. */
export const adaptationStrategies = ['reactive', 'predictive', 'emergent', 'consensus-based'] as const;

/** How a variable decides to move. */
export type AdaptationStrategy = (typeof adaptationStrategies)[number];

/** When, by what measure and how far a variable moves by itself. */
export interface AdaptationPolicy {
  readonly strategy: AdaptationStrategy;
  /** The name of a handler that decides in its stead. */
  readonly handler?: string | undefined;
  /** The measure it looks at. */
  readonly metric: string;
  /** What the measure is compared with: a number, or the id of a variable that holds one. */
  readonly target?: string | number | undefined;
  /** On which side of the target the measure is bad. */
  readonly direction: 'above' | 'below';
  /** Windows in a row that must be bad. */
  readonly sustain: number;
  /** Windows that a forecast looks ahead. */
  readonly horizon: number;
  /** From 0 to 1: how sure a forecast must be. */
  readonly confidence: number;
  /** How far it moves at once, above 0; the domain's step when absent. */
  readonly step?: number | undefined;
  readonly cooldownMs: number;
  /** From 0 to 1: how often a proposal goes elsewhere than is best so far. */
  readonly explore: number;
}

const share = z.number().min(0).max(1);

/** The schema of {@link AdaptationPolicy}; parsing fills the defaults. */
export const adaptationPolicySchema = z.strictObject({
  strategy: z.enum(adaptationStrategies),
  handler: idText("a handler's name").optional(),
  metric: z.string().min(1),
  target: z.union([z.number(), variableIdText()]).optional(),
  direction: z.enum(['above', 'below']).describe('On which side of the target the metric is bad'),
  sustain: z.int().min(1).default(2),
  horizon: z.int().min(1).default(3),
  confidence: share.default(0.7),
  step: z.number().positive().optional(),
  cooldownMs: z.int().min(0).default(30_000),
  explore: share.default(0.1),
});
