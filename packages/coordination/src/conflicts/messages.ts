/** What passes between whoever settles a conflict and its parties (docs/protocol.md, "Conflicts"). */
import { isJson, type Json } from '@mabeam/variables';
import { z } from 'zod';
import type { ReadAnswer } from '../session/session.ts';
import type { Conflict } from './conflict.ts';
import type { Resolution } from './resolution.ts';

/** The word for these conversations in subjects. */
export const conflictProtocol = 'conflict';

const json = z.custom<Json>((value) => isJson(value));
const about = { round: z.string(), conflict: z.string(), target: z.string() };

const verdict = z.object({
  ...about,
  /** What this party gets: the value, its own share, or its turns in the schedule. */
  outcome: z.enum(['kept', 'overridden']),
  value: json,
  compromise: z.string(),
  method: z.string(),
  wanted: json.optional(),
  reason: z.string().optional(),
  leader: z.string().optional(),
  schedule: z
    .object({
      startMs: z.number(),
      slotMs: z.number(),
      turns: z.array(z.object({ party: z.string(), value: json })),
    })
    .optional(),
});

/** What a party is told when its conflict is settled. */
export type Verdict = Readonly<z.infer<typeof verdict>>;

const candidacy = z.object({ ...about, claims: z.array(z.object({ party: z.string(), value: json })) });

/** Will you lead, and: you lead, what do you decide? */
export type Candidacy = Readonly<z.infer<typeof candidacy>>;

/** The verdict in a body; undefined when it is none. */
export function readVerdict(body: unknown): Verdict | undefined {
  return verdict.safeParse(body).data;
}

/** The question in a body; undefined when it is none. */
export function readCandidacy(body: unknown): Candidacy | undefined {
  return candidacy.safeParse(body).data;
}

const standing = z.object({ kind: z.literal('standing') });
const decision = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('decision'), value: json }),
  z.object({ kind: z.literal('delegate') }),
]);
const abstention = z.object({ kind: z.literal('abstain') });

/** Does a party stand for leader? */
export function readStanding(body: unknown): ReadAnswer<true> {
  if (standing.safeParse(body).success) return { kind: 'value', value: true };
  return withoutWord(body);
}

/** What a leader decided; its claim when it leaves it at that. */
export function readDecision(body: unknown, claim: Json): ReadAnswer<Json> {
  const read = decision.safeParse(body).data;
  if (read === undefined) return withoutWord(body);
  return { kind: 'value', value: read.kind === 'decision' ? read.value : claim };
}

function withoutWord(body: unknown): ReadAnswer<never> {
  return { kind: abstention.safeParse(body).success ? 'abstained' : 'invalid' };
}

/** What a party of a resolution is told. */
export function verdictFor(resolution: Resolution, party: string): Omit<Verdict, 'round'> {
  const { compromise, conflict, leader, method, overridden, schedule, shares, target, value } = resolution;
  const lost = overridden.find((one) => one.party === party);
  return {
    conflict,
    target,
    outcome: lost === undefined ? 'kept' : 'overridden',
    value: shares?.[party] ?? value,
    compromise,
    method,
    ...(lost === undefined ? {} : { wanted: lost.wanted, reason: lost.reason }),
    ...(leader === undefined ? {} : { leader }),
    ...(schedule === undefined ? {} : { schedule: { ...schedule, turns: [...schedule.turns] } }),
  };
}

/** The question to those who may lead. */
export function candidacyFor({ claims, id, target }: Conflict): Omit<Candidacy, 'round'> {
  return { conflict: id, target, claims: claims.map(({ party, value }) => ({ party, value })) };
}
