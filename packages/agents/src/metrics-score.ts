/** Scores: how good a piece of work was, as a kept event, `event.score.<agent>.given` (docs/protocol.md, "Scores"). Both ends are here. */
import { isConversation, type Events } from '@mabeam/bus';
import { z } from 'zod';
import { agentError } from './errors.ts';
import { isPermitted, type RoleSpec } from './rights.ts';
import type { ScoreOptions } from './ways.ts';

/** The metric of a score that names none. */
export const qualityMetric = 'quality';

/** The body of the event; whose score it is stands in its subject. */
export interface ScoreBody {
  readonly metric: string;
  readonly value: number;
  readonly conversation?: string | undefined;
}

const scoreSchema: z.ZodType<ScoreBody> = z.object({
  metric: z.string().min(1).max(128).default(qualityMetric),
  value: z.number(),
  conversation: z.string().refine(isConversation).optional(),
});

/** Reads the body of a score; undefined when it is none: anybody may publish an event. */
export function parseScore(body: unknown): ScoreBody | undefined {
  return scoreSchema.safeParse(body).data;
}

/**
 * Publishes a score; resolves with its sequence once it is kept. `giver` says whose it is, and of which conversation, unless the
 * options do. Throws `not-permitted` when its role does not score, `invalid-score`, `invalid-id`, and what a store throws.
 */
export async function giveScore(
  events: Events,
  value: number,
  giver: {
    readonly agent: string;
    readonly conversation: string;
    /** Its definition, which says what its role may do. */
    readonly spec?: RoleSpec | undefined;
  },
  options: ScoreOptions = {},
): Promise<number> {
  const { agent = giver.agent, conversation = giver.conversation, metric = qualityMetric } = options;
  const body = { metric, value, conversation };
  if (giver.spec !== undefined && !isPermitted(giver.spec, 'score')) {
    const message = `${giver.agent} is of the role ${giver.spec.role}, which gives no scores`;
    throw agentError('not-permitted', message, { details: { agent: giver.agent, role: giver.spec.role } });
  }
  if (parseScore(body) === undefined) {
    const message = `a score is a finite number, of a metric named by 1 to 128 characters; not ${value} of "${metric}"`;
    throw agentError('invalid-score', message, { details: { agent, metric, value: String(value) } });
  }
  return events.publish('score', agent, 'given', body, { conversation });
}
