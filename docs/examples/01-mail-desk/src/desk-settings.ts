/**
 * The settings with which the mail desk runs unless told otherwise. They were chosen by replaying runs offline
 * (experiments/adaptation-gain.ts shows the figures): the smallest number of mails at which the alarm rang in the second phase, not
 * before, in every one of the twenty runs with seeds 1 to 20. Who begins, who joins and the threshold stand in space.yaml (`benchOf`).
 */
import type { SpaceDefinition } from '@mabeam/orchestrator';
import { z } from 'zod';
import { defaultQualitySettings, type QualitySettings } from './quality.ts';

export interface DeskSettings {
  /** How many mails a run takes from the built-in corpus. */
  readonly limit: number;
  /** Share of the mails whose labels the auditor knows. */
  readonly feedbackShare: number;
  readonly quality: QualitySettings;
}

/** What of a desk's definition decides about verdicts. */
export interface Bench {
  /** The specialists at the beginning. */
  readonly team: readonly string[];
  /** Those that join when quality is low. */
  readonly joining: readonly string[];
  /** A mail is called spam at or above this probability. */
  readonly threshold: number;
}

/** The default settings. */
export function defaultDeskSettings(): DeskSettings {
  return { limit: 2_500, feedbackShare: 0.3, quality: defaultQualitySettings() };
}

const bench: z.ZodType<Bench> = z.object({
  team: z.array(z.string()),
  joining: z.array(z.string()),
  threshold: z.number(),
});

/** The bench of a desk as its definition says. Throws when that has no such variables, or no rule that calls somebody in. */
export function benchOf({ rules, variables }: Pick<SpaceDefinition, 'rules' | 'variables'>): Bench {
  const initial = new Map(variables.map((variable) => [variable.id, variable.initial]));
  return bench.parse({
    team: initial.get('specialists'),
    joining: rules.flatMap(({ adapt, by }) => (adapt === 'specialists' && 'add' in by ? [by.add] : []))[0],
    threshold: initial.get('threshold'),
  });
}
