/** What passes between a plan's conductor, its coordinator and its parties (docs/protocol.md, "Hierarchies"). */
import { z } from 'zod';

/** The word for these conversations in subjects. */
export const hierarchyProtocol = 'hierarchy';

const assignment = z.object({ task: z.string(), party: z.string() });
const task = z.object({
  id: z.string(),
  requires: z.array(z.string()).optional(),
  dependsOn: z.array(z.string()).optional(),
});
const subordinate = z.object({ party: z.string(), capabilities: z.array(z.string()).optional() });

/** What a party says of its part when it has begun. */
export const reportSchema = z.object({
  party: z.string(),
  tasks: z.array(z.string()),
  note: z.string().optional(),
});

/** To the coordinator: who is to have these tasks? */
export const divideSchema = z.object({
  round: z.string(),
  goal: z.string(),
  tasks: z.array(task),
  subordinates: z.array(subordinate),
  /** What has been accepted already. */
  given: z.array(assignment),
  /** What has been refused, or not answered. */
  refused: z.array(assignment),
});

/** To a subordinate: do you take this task? */
export const offerSchema = z.object({ round: z.string(), goal: z.string(), task, superior: z.string() });

/** To a subordinate: these are your tasks, begin. */
export const beginSchema = z.object({
  round: z.string(),
  goal: z.string(),
  tasks: z.array(task),
  superior: z.string(),
});

/** To a superior: what those below it report. */
export const feedbackSchema = z.object({
  round: z.string(),
  goal: z.string(),
  reports: z.array(reportSchema),
});

/** The coordinator's answer. */
export const divisionSchema = z.object({ kind: z.literal('division'), assignments: z.array(assignment) });

/** A subordinate's answer to an offer. */
export const offerAnswerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('accepted') }),
  z.object({ kind: z.literal('rejected'), reason: z.string().optional() }),
]);

/** A subordinate's answer when it begins. */
export const beginAnswerSchema = z.object({ kind: z.literal('begun'), note: z.string().optional() });

/** How far a plan has come: all that another conductor needs to go on. */
export const recordSchema = z.object({
  v: z.literal(1),
  round: z.string(),
  goal: z.string(),
  phase: z.enum(['dividing', 'begun']),
  /** Which coordinator acts: 0, or the deputy that took over. */
  acting: z.number().int().min(0),
  /** What the coordinator has said and nobody has answered yet. */
  offered: z.array(assignment),
  given: z.array(assignment),
  refused: z.array(assignment),
});

/** A question to the coordinator. */
export type DivideQuestion = Readonly<z.infer<typeof divideSchema>>;
/** An offer to a subordinate. */
export type Offer = Readonly<z.infer<typeof offerSchema>>;
/** The word to begin. */
export type Beginning = Readonly<z.infer<typeof beginSchema>>;
/** What comes up from below. */
export type Feedback = Readonly<z.infer<typeof feedbackSchema>>;
/** One party's report. */
export type Report = Readonly<z.infer<typeof reportSchema>>;
/** How far a plan has come. */
export type PlanRecord = Readonly<z.infer<typeof recordSchema>>;
