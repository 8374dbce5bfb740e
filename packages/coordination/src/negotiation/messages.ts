/** What passes between who negotiates and a party: questions and answers, as docs/protocol.md, "Rounds", has them. */
import { isJson, type Json } from '@mabeam/variables';
import * as z from 'zod';
import type { ReadAnswer } from '../session/session.ts';
import { stanceProblem, type Stance } from './position.ts';
import type { Answer, Question } from './strategy.ts';
import { isMeasurable } from './value-range.ts';

/** The name of the protocol in subjects and events. */
export const negotiationProtocol = 'negotiation';

const jsonSchema = z.custom<Json>((value) => isJson(value), 'not JSON');
const reasonSchema = z.string().max(1_000).optional();

const rangeSchema = z.object({
  min: z.number().optional(),
  max: z.number().optional(),
  step: z.number().optional(),
  enum: z.array(jsonSchema).optional(),
});

/** The opening question: what do you want, what would you pay? */
const openingSchema = z.object({
  round: z.string(),
  variable: z.string(),
  strategy: z.string(),
  range: rangeSchema,
  withinMs: z.number(),
  /** How an auction is held. */
  auction: z
    .object({ form: z.string(), payment: z.string(), reserve: z.number(), increment: z.number() })
    .optional(),
});

/** The opening question as a party sees it. */
export type OpeningQuestion = z.infer<typeof openingSchema>;

const statedSchema = z.object({ party: z.string(), value: jsonSchema, weight: z.number() });
const objectionSchema = z.object({ party: z.string(), value: jsonSchema.optional(), reason: reasonSchema });

const roundSchema = z.object({ round: z.string(), variable: z.string(), withinMs: z.number() });

/** The questions that may follow. */
const questionSchema = z.discriminatedUnion('phase', [
  z.object({
    phase: z.literal('react'),
    number: z.int(),
    proposal: jsonSchema,
    own: jsonSchema,
    others: z.array(statedSchema),
    options: z.array(jsonSchema).optional(),
  }),
  z.object({
    phase: z.literal('price'),
    number: z.int(),
    price: z.number(),
    direction: z.enum(['rising', 'falling']),
  }),
  z.object({
    phase: z.literal('decide'),
    values: z.array(statedSchema),
    proposal: jsonSchema,
    objections: z.array(objectionSchema).optional(),
  }),
  z.object({ phase: z.literal('object'), value: jsonSchema, decidedBy: z.string() }),
]);

const tableSchema = z.object({
  points: z.array(z.object({ value: jsonSchema, utility: z.number().min(0).max(1) })).max(1_000),
});

/** What a party says for itself, as it travels. */
export const stanceSchema = z.object({
  kind: z.literal('stance'),
  preferred: jsonSchema.optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  stubbornness: z.number().optional(),
  utility: tableSchema.optional(),
  bid: z.number().optional(),
  maxBid: z.number().optional(),
  bundles: z
    .array(z.object({ items: z.array(z.string().max(128)).max(64), amount: z.number() }))
    .max(64)
    .optional(),
  orders: z
    .array(z.object({ side: z.enum(['buy', 'sell']), price: z.number(), quantity: z.number() }))
    .max(256)
    .optional(),
  reason: reasonSchema,
});

const abstentionSchema = z.object({ kind: z.literal('abstain'), reason: reasonSchema });

const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('accept') }),
  z.object({ kind: z.literal('decline') }),
  z.object({ kind: z.literal('counter'), value: jsonSchema }),
  z.object({ kind: z.literal('decision'), value: jsonSchema }),
  z.object({ kind: z.literal('object'), value: jsonSchema.optional(), reason: reasonSchema }),
  z.object({ kind: z.literal('delegate') }),
  abstentionSchema,
]);

/** An answer to a later question; `delegate` leaves it to the rule. */
export type GivenAnswer = Answer | { readonly kind: 'delegate' };

/** Which answers make sense in which phase. */
const sensible: Readonly<Record<Question['phase'], readonly string[]>> = {
  react: ['accept', 'counter', 'delegate'],
  price: ['accept', 'decline', 'delegate'],
  decide: ['decision', 'delegate'],
  object: ['accept', 'object', 'delegate'],
};

/** Reads an opening question at the party's end; undefined when it is none. */
export function readOpening(body: unknown): OpeningQuestion | undefined {
  return openingSchema.safeParse(body).data;
}

/** A later question with the round it belongs to. */
export interface RoundQuestion {
  readonly round: string;
  readonly variable: string;
  readonly question: Question;
}

/** Reads a later question at the party's end; undefined when it is none. */
export function readQuestion(body: unknown): RoundQuestion | undefined {
  const round = roundSchema.safeParse(body).data;
  const question = questionSchema.safeParse(body).data;
  if (round === undefined || question === undefined) return undefined;
  return { round: round.round, variable: round.variable, question };
}

/** Reads the answer to an opening question; what it says must make sense. */
export function readStance(body: unknown, credit: number): ReadAnswer<Stance> {
  if (abstentionSchema.safeParse(body).success) return { kind: 'abstained' };
  const said = stanceSchema.safeParse(body).data;
  if (said === undefined) return { kind: 'invalid' };
  const { kind: _, ...stance } = said;
  return stanceProblem(stance, credit) === undefined ? { kind: 'value', value: stance } : { kind: 'invalid' };
}

/** Reads the answer to a later question. */
export function readGivenAnswer(phase: Question['phase'], body: unknown): ReadAnswer<GivenAnswer> {
  const answer = answerSchema.safeParse(body).data;
  if (answer === undefined) return { kind: 'invalid' };
  if (answer.kind === 'abstain') return { kind: 'abstained' };
  const isSound = !('value' in answer) || answer.value === undefined || isMeasurable(answer.value);
  return isSound && sensible[phase].includes(answer.kind)
    ? { kind: 'value', value: answer }
    : { kind: 'invalid' };
}
