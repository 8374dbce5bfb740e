/**
 * Handlers on the wire: `command.handler.<name>.run`, a request that any process may serve (docs/protocol.md, "Handlers"). Both ends
 * read and write the forms here; what comes back is judged like any other wish and cannot break a constraint.
 */
import { agentActions, type AgentAction } from '@mabeam/agents';
import { z } from 'zod';
import type { CoordinationContext } from '../strategies/coordination.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';

/** The context of a coordination as it travels: the agents' standings by their ids. */
export interface TravellingContext extends Omit<CoordinationContext, 'agents'> {
  readonly agents: Readonly<
    Record<
      string,
      { readonly role: string; readonly status: string; readonly performance?: number | undefined }
    >
  >;
}

/** What a handler is asked. */
export type HandlerQuestion =
  | {
      readonly v: 1;
      readonly kind: 'coordination';
      readonly variable: string;
      readonly value: unknown;
      readonly context: TravellingContext;
    }
  | {
      readonly v: 1;
      readonly kind: 'adaptation';
      readonly variable: string;
      readonly value: unknown;
      /** The last windows, ten at most, oldest first; of the agents that the variable lists, if it lists any. */
      readonly metrics: readonly PerformanceMetrics[];
    };

const questionSchema = z.looseObject({
  v: z.literal(1),
  kind: z.enum(['coordination', 'adaptation']),
  variable: z.string().min(1),
});

const actions = Object.keys(agentActions);

const draftSchema = z.strictObject({
  agent: z.string().min(1),
  // Checked to be one of the nine just now.
  action: z.custom<AgentAction>((action) => actions.includes(String(action)), 'is none of the nine actions'),
  parameters: z.record(z.string(), z.json()).default({}),
});

/**
 * What a coordination handler answers: `{value}`, which is then coordinated as its kind does, or the `{directives}` themselves. An
 * adaptation handler: `{value, reason?}`, or `{reason?}` when nothing is to be changed.
 */
const coordinationSchema = z.union([
  z.strictObject({ value: z.json() }),
  z.strictObject({ directives: z.array(draftSchema) }),
]);
const adaptationSchema = z.strictObject({ value: z.json().optional(), reason: z.string().optional() });

/** What a coordination handler answers. */
export type CoordinationAnswer = Readonly<z.infer<typeof coordinationSchema>>;

/** What an adaptation handler answers. */
export type AdaptationAnswer = Readonly<z.infer<typeof adaptationSchema>>;

/** Is this a question that a handler can read? */
export function isQuestion(body: unknown): boolean {
  return questionSchema.safeParse(body).success;
}

/** Reads an answer; undefined, or the text of what is wrong. */
export function readCoordinationAnswer(
  body: unknown,
): { readonly answer: CoordinationAnswer } | { readonly why: string } {
  const parsed = coordinationSchema.safeParse(body);
  return parsed.success
    ? { answer: parsed.data }
    : { why: 'neither {value} nor {directives: [{agent, action, parameters?}]}' };
}

/** Reads an answer; nothing at all is "nothing to change". */
export function readAdaptationAnswer(
  body: unknown,
): { readonly answer: AdaptationAnswer } | { readonly why: string } {
  const parsed = adaptationSchema.safeParse(body ?? {});
  return parsed.success ? { answer: parsed.data } : { why: 'not {value?, reason?}' };
}
