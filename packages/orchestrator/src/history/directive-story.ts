/** The story of a directive: who gave it to whom, for which revision of what, and what became of it. Pure; tell-story.ts does the reading. */
import { z } from 'zod';
import type { Provenance } from './change-story.ts';

/** How one instance answered. */
export interface InstanceAnswer {
  readonly ordinal: number;
  readonly incarnation: string;
  readonly kind: string;
  readonly reason?: string | undefined;
}

/** One time that the directive was given, and what came of it. */
export interface DirectiveTelling {
  /** When the server stored it, ISO. */
  readonly at: string;
  /** `applied`, `noop`, `rejected`, `unanswered` or `overridden`. */
  readonly outcome: string;
  readonly reason?: string | undefined;
  /** The revision of `leader` of who gave it. */
  readonly leaderRevision: number;
  /** The variable that has what both wanted, and in which kind of conflict about what. */
  readonly overriddenBy?: string | undefined;
  readonly conflict?: string | undefined;
  readonly target?: string | undefined;
  readonly answers: readonly InstanceAnswer[];
}

/** The story of a directive. */
export interface DirectiveStory {
  readonly kind: 'directive';
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly variable: string;
  /** Of the variable's value that it stands for; 0: its initial one. */
  readonly revision: number;
  /** Of the graph it goes by; 0: there was none. */
  readonly epoch: number;
  readonly by: string;
  /** Who wrote the revision it stands for, and why, as far as that is recorded. */
  readonly because?: Provenance | undefined;
  /** Oldest first. */
  readonly tellings: readonly DirectiveTelling[];
  /** Of the last telling. */
  readonly outcome: string;
}

/** An event about a directive, as it is kept. */
export interface DirectiveEvent {
  readonly outcome: string;
  readonly at: string;
  readonly body: unknown;
}

const bodySchema = z.object({
  agent: z.string(),
  action: z.string(),
  variable: z.string(),
  revision: z.number(),
  epoch: z.number(),
  by: z.string(),
  leaderRevision: z.number(),
  reason: z.string().optional(),
  overriddenBy: z.string().optional(),
  conflict: z.string().optional(),
  target: z.string().optional(),
  answers: z
    .array(
      z.object({
        ordinal: z.number(),
        incarnation: z.string(),
        kind: z.string(),
        reason: z.string().optional(),
      }),
    )
    .default([]),
});

/** Tells the story of a directive from its events, oldest first; undefined when there are none that can be read. */
export function explainDirective(id: string, events: readonly DirectiveEvent[]): DirectiveStory | undefined {
  const read = events.flatMap(({ at, body, outcome }) => {
    const parsed = bodySchema.safeParse(body).data;
    return parsed === undefined ? [] : [{ at, outcome, ...parsed }];
  });
  const last = read.at(-1);
  if (last === undefined) return undefined;
  const { action, agent, by, epoch, outcome, revision, variable } = last;
  const tellings = read.map((each): DirectiveTelling => {
    const { answers, at, conflict, leaderRevision, overriddenBy, reason, target } = each;
    return {
      at,
      outcome: each.outcome,
      leaderRevision,
      ...(reason === undefined ? {} : { reason }),
      ...(overriddenBy === undefined ? {} : { overriddenBy }),
      ...(conflict === undefined ? {} : { conflict }),
      ...(target === undefined ? {} : { target }),
      answers,
    };
  });
  return { kind: 'directive', id, agent, action, variable, revision, epoch, by, tellings, outcome };
}
