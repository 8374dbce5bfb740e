/**
 * `settleConflicts`: the asker's end. Resolves conflicts, has the living elect a leader where that is the strategy, and tells
 * every party what it gets and why.
 *
 * A leader's decision is kept under a time to live: while it lasts it binds, whoever settles the conflict again.
 */
import { MabeamError, putKey, readKey, parseJson, parseToken, spaceNames, type Bus } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { z } from 'zod';
import { holdRound } from '../session/hold-round.ts';
import { newRoundId } from '../session/round.ts';
import { Session, type Participant } from '../session/session.ts';
import type { Conflict } from './conflict.ts';
import { candidacyFor, conflictProtocol, readDecision, readStanding, verdictFor } from './messages.ts';
import type { Resolution } from './resolution.ts';
import {
  electLeader,
  resolveConflicts,
  strategyOf,
  type ConflictStrategy,
  type ResolveOptions,
  type Resolved,
} from './resolve.ts';

/** How to settle. */
export interface SettleOptions extends ResolveOptions {
  readonly round?: string;
  /** How long candidates have to say that they are there. Default 5 000. */
  readonly electionTimeoutMs?: number;
  /** How long a leader's decision binds; whole seconds. Default 5 000. */
  readonly leaseMs?: number;
  /** The whole conversation. Default 30 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The asking agent, when an agent asks. */
  readonly from?: string;
}

/** What became of the conflicts, and who was told. */
export interface Settled {
  readonly round: string;
  readonly resolved: Resolved;
  /** Each party, once; `replied` has noted what it gets. */
  readonly told: readonly Participant[];
}

type Decisions = NonNullable<ResolveOptions['decisions']>;

const stored = z.object({ leader: z.string(), value: z.json() });

/** Settles conflicts and tells their parties. Throws as `resolveConflicts`, and `cancelled`. */
export async function settleConflicts(
  bus: Bus,
  space: string,
  conflicts: readonly Conflict[],
  strategy: string | ConflictStrategy = 'compromise',
  options: SettleOptions = {},
): Promise<Settled> {
  const round = options.round ?? newRoundId();
  const electorate = [...new Set(conflicts.flatMap(({ claims }) => claims.map(({ party }) => party)))];
  const { electionTimeoutMs, from, signal, timeoutMs } = options;
  using session = new Session(bus, space, {
    round,
    protocol: conflictProtocol,
    electorate,
    timeoutMs,
    requestTimeoutMs: electionTimeoutMs,
    signal,
    from,
  });
  const strategyName = typeof strategy === 'string' ? strategy : 'own';
  const subject = conflicts.map(({ target }) => target).join(' ');
  const head = { round, protocol: conflictProtocol, subject, strategy: strategyName, electorate, from };
  const resolved = await holdRound(bus, space, head, async () => {
    const isLed = typeof strategy === 'string' && strategyOf(strategy) === 'leader-election';
    const decisions = isLed ? await lead(bus, space, session, conflicts, options) : {};
    const found = resolveConflicts(conflicts, strategy, {
      ...options,
      decisions: { ...decisions, ...options.decisions },
    });
    for (const resolution of found.resolutions) await tell(session, resolution);
    return found;
  });
  return { round, resolved, told: session.participants };
}

async function tell(session: Session, resolution: Resolution): Promise<void> {
  const questions = resolution.affected.map((party) => ({ party, body: verdictFor(resolution, party) }));
  await session.ask('resolved', questions, () => ({ kind: 'value', value: true }));
}

/** Who decides each conflict, and what: the decision that still binds, or that of a leader elected now. */
async function lead(
  bus: Bus,
  space: string,
  session: Session,
  conflicts: readonly Conflict[],
  { leaseMs = 5_000 }: SettleOptions,
): Promise<Decisions> {
  const decisions: Record<string, { leader: string; value: Json }> = {};
  for (const conflict of conflicts) {
    const found = (await bindingDecision(bus, space, conflict.id)) ?? (await elect(session, conflict));
    if (found === undefined) continue;
    decisions[conflict.id] = await bind(bus, space, conflict.id, found, leaseMs);
  }
  return decisions;
}

interface Decision {
  readonly leader: string;
  readonly value: Json;
  /** Revision under which it binds; none yet. */
  readonly revision?: number;
}

/** Asks who is there, and the best of them what it decides; who does not answer, or not to the point, loses its place. */
async function elect(session: Session, conflict: Conflict): Promise<Decision | undefined> {
  const body = candidacyFor(conflict);
  const everybody = conflict.claims.map(({ party }) => ({ party, body }));
  const alive = new Set((await session.ask('stand', everybody, readStanding)).keys());
  for (;;) {
    const leader = electLeader(conflict, alive);
    if (leader === undefined) return undefined;
    const { party } = leader;
    const answers = await session.ask('decide', [{ party, body }], (answer) =>
      readDecision(answer, leader.value),
    );
    const value = answers.get(party);
    if (value !== undefined) return { leader: party, value };
    alive.delete(party);
  }
}

function decisionKey(conflict: string): string {
  return `decision.${parseToken('conflict', conflict)}`;
}

async function bindingDecision(bus: Bus, space: string, conflict: string): Promise<Decision | undefined> {
  const entry = await readKey(bus, spaceNames(space).leases, decisionKey(conflict));
  if (entry?.operation !== 'put') return undefined;
  const read = stored.safeParse(parseJson(entry.data));
  return read.success ? { ...read.data, revision: entry.revision } : undefined;
}

/** Makes a decision bind; when another has come to bind meanwhile, that one counts. */
async function bind(
  bus: Bus,
  space: string,
  conflict: string,
  { leader, revision, value }: Decision,
  leaseMs: number,
): Promise<{ leader: string; value: Json }> {
  if (revision !== undefined) return { leader, value };
  const bucket = spaceNames(space).leases;
  const key = decisionKey(conflict);
  const last = await readKey(bus, bucket, key);
  const won = last?.operation === 'put' ? await bindingDecision(bus, space, conflict) : undefined;
  if (won !== undefined) return { leader: won.leader, value: won.value };
  try {
    await putKey(
      bus,
      bucket,
      key,
      { leader, value },
      { expectLastSequence: last?.revision ?? 0, ttlMs: leaseMs },
    );
    return { leader, value };
  } catch (error) {
    if (!(error instanceof MabeamError) || error.code !== 'conflict') throw error;
    return (await bindingDecision(bus, space, conflict)) ?? { leader, value };
  }
}
