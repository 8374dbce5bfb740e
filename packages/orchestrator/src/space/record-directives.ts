/**
 * What became of directives, for the record: `event.directive.<id>.<outcome>` (docs/protocol.md, "Directives of the leader"). A
 * repetition of a directive has its id; the same outcome again within two minutes is kept once.
 */
import { orchestratorName, type DirectiveAnswer } from '@mabeam/agents';
import { jsonBytes, subjects, type Bus } from '@mabeam/bus';
import type { CoordinationDirective } from '../strategies/coordination.ts';
import type { DirectiveConflict } from './plan-coordination.ts';

/** What may become of a directive; `unanswered`: not confirmed in time. */
export type DirectiveOutcome = 'applied' | 'noop' | 'rejected' | 'unanswered' | 'overridden';

/** A directive with what became of it. */
export interface DirectiveRecord {
  readonly directive: CoordinationDirective;
  readonly outcome: DirectiveOutcome;
  readonly reason?: string | undefined;
  /** Of the instances that answered. */
  readonly answers?: readonly DirectiveAnswer[] | undefined;
  readonly conflict?: Pick<DirectiveConflict, 'kind' | 'kept' | 'target'> | undefined;
}

/** On whose behalf, and as of what. */
export interface DirectiveOrigin {
  /** The revision of the key `leader` of who directs. */
  readonly leaderRevision: number;
  /** The revision of the variable's value that is directed; 0: its initial one. */
  readonly revisionOf: (variable: string) => number;
}

/** Stores what became of directives. Throws what the bus throws. */
export async function recordDirectives(
  bus: Bus,
  space: string,
  records: readonly DirectiveRecord[],
  { leaderRevision, revisionOf }: DirectiveOrigin,
): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const stored = records.map(({ answers = [], conflict, directive, outcome, reason }) => {
    const { action, agent, epoch, id, priority, variable } = directive;
    const body = {
      v: 1,
      agent,
      action,
      variable,
      revision: revisionOf(variable),
      epoch,
      priority,
      by: orchestratorName,
      leaderRevision,
      ...(reason === undefined ? {} : { reason }),
      ...(conflict === undefined
        ? {}
        : { conflict: conflict.kind, target: conflict.target, overriddenBy: conflict.kept.variable }),
      answers: answers.map((answer) => {
        const { incarnation, kind, ordinal, reason: why } = answer;
        return { ordinal, incarnation, kind, ...(why === undefined ? {} : { reason: why }) };
      }),
    };
    const subject = subjects(space).event('directive', id, outcome);
    return bus.store(subject, jsonBytes(body), { headers, messageId: `${id}.${outcome}` });
  });
  await Promise.all(stored);
}
