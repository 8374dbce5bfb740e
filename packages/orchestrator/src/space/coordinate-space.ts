/**
 * Coordinating a space as its leader: what runs and who is wired is brought about by the rounds, which obey the same values; here it is
 * waited for, and the agents are asked to confirm what they work with. Nothing is decided twice.
 *
 * O1 When nothing is to be done nothing is sent.
 * O2 What an agent does not confirm in time is named, with the reason.
 * O3 What became of each directive, of those that were overridden too, is kept as an event.
 */
import { directAgent, orchestratorName, type DirectiveAnswer } from '@mabeam/agents';
import { MabeamError } from '@mabeam/bus';
import { splitVariableId } from '@mabeam/variables';
import type { CoordinationDirective } from '../strategies/coordination.ts';
import { awaitApplied } from '../state/await-applied.ts';
import { poolIn } from '../state/reconcile-input.ts';
import { situationOf } from '../state/space-mirror.ts';
import type { Term } from '../term/term.ts';
import { coordinationScene } from './coordination-scene.ts';
import { planCoordination, type CoordinationPlan, type DirectiveConflict } from './plan-coordination.ts';
import { recordDirectives, type DirectiveRecord } from './record-directives.ts';
import { isOfLife } from './settle-claims.ts';
import { spaceStanding } from './standing.ts';

/** A directive as it is told; `mabeam explain <id>` tells what became of it. */
export interface ToldDirective {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly variable: string;
  readonly priority: number;
}

/** What a coordination came to. */
export interface SpaceCoordinated {
  /** `noop`: all was so already. */
  readonly kind: 'coordinated' | 'noop' | 'partial';
  readonly revision: number;
  readonly directives: readonly ToldDirective[];
  /** Who did not confirm, or is not as he ought to be, and why (O2). */
  readonly unacknowledged: readonly (ToldDirective & { readonly reason: string })[];
  /** What was left out, because a more important variable has what both wanted. */
  readonly conflicts: readonly (Pick<DirectiveConflict, 'kept' | 'kind' | 'reason' | 'target'> & {
    readonly dropped: ToldDirective;
  })[];
  /** Variables that could not be coordinated: the error's code and message. */
  readonly failures: readonly {
    readonly variable: string;
    readonly code: string;
    readonly message: string;
  }[];
}

/** What of a term it takes to coordinate. */
export interface Coordinator extends Pick<Term, 'bus' | 'metrics' | 'mirror' | 'signal' | 'space'> {
  readonly leadership: Pick<Term['leadership'], 'revision'>;
}

/** Coordinates all variables of the space, within this time. */
export async function coordinateSpace(term: Coordinator, timeoutMs: number): Promise<SpaceCoordinated> {
  const { mirror } = term;
  const { revision } = mirror.state.view;
  const plan = planNow(term);
  const told = {
    revision,
    directives: plan.directives.map(toldOf),
    conflicts: plan.conflicts.map(({ dropped, ...conflict }) => ({ ...conflict, dropped: toldOf(dropped) })),
    failures: plan.failures.map(({ error, variable }) => {
      return { variable, code: error.code, message: error.message };
    }),
  };
  await record(term, plan.conflicts.map(overriddenIn));
  if (plan.directives.length === 0)
    return { kind: plan.failures.length > 0 ? 'partial' : 'noop', ...told, unacknowledged: [] };
  const endsAt = performance.now() + timeoutMs;
  await awaitApplied(mirror, revision, { timeoutMs: timeoutMs / 2, signal: term.signal });
  const leftMs = Math.max(100, endsAt - performance.now());
  const records = await Promise.all(plan.directives.map((each) => dispatch(term, each, leftMs)));
  await record(term, records);
  const unacknowledged = records.flatMap(({ directive, outcome, reason = outcome }) =>
    outcome === 'applied' || outcome === 'noop' ? [] : [{ ...toldOf(directive), reason }],
  );
  const isWhole = unacknowledged.length === 0 && plan.failures.length === 0;
  return { kind: isWhole ? 'coordinated' : 'partial', ...told, unacknowledged };
}

function planNow({ metrics, mirror }: Coordinator): CoordinationPlan {
  const now = Date.now();
  const context = coordinationScene({
    state: mirror.state,
    situation: situationOf(mirror),
    pool: poolIn(mirror, now),
    metrics: metrics.metrics(mirror, now),
    now,
  });
  return planCoordination([...mirror.state.view.variables.values()], context);
}

function toldOf({ action, agent, id, priority, variable }: CoordinationDirective): ToldDirective {
  return { id, agent, action, variable, priority };
}

function overriddenIn({ dropped, reason, ...conflict }: DirectiveConflict): DirectiveRecord {
  return { directive: dropped, outcome: 'overridden', reason, conflict };
}

/** O3. */
function record(
  { bus, leadership, mirror, space }: Coordinator,
  records: readonly DirectiveRecord[],
): Promise<void> {
  const { variables } = mirror.state.view;
  return recordDirectives(bus, space, records, {
    leaderRevision: leadership.revision,
    revisionOf: (variable) => variables.get(variable)?.revision ?? 0,
  });
}

/** Sends a directive to the instances that are up and waits for all of them; what a host does is looked at instead. */
async function dispatch(
  { bus, leadership, mirror, space }: Coordinator,
  directive: CoordinationDirective,
  timeoutMs: number,
): Promise<DirectiveRecord> {
  const { action, agent, id } = directive;
  const late = (reason: string): DirectiveRecord => ({ directive, outcome: 'unanswered', reason });
  const { laggards, running, waiting } = spaceStanding(mirror, Date.now());
  if (isOfLife(directive)) {
    const reason = waiting.find((each) => each.agent === agent)?.reason;
    const isLate = laggards.some((each) => each.agent === agent && each.reason !== 'behind');
    return isLate ? late(reason ?? 'not yet') : { directive, outcome: 'applied' };
  }
  const expect = running.filter((key) => key.startsWith(`${agent}.`)).length;
  if (expect === 0) return late('it does not run');
  try {
    const answers = await directAgent(bus, space, agent, action, {
      from: orchestratorName,
      id,
      leaderRevision: leadership.revision,
      expect,
      timeoutMs: Math.min(timeoutMs, directive.timeoutMs),
      ...bodyOf(directive, mirror.state.view),
    });
    return { directive, answers, ...outcomeOf(answers, expect) };
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    return late(error.code);
  }
}

/** What the answers of so many instances come to. */
function outcomeOf(
  answers: readonly DirectiveAnswer[],
  expected: number,
): Pick<DirectiveRecord, 'outcome' | 'reason'> {
  const refusal = answers.find(({ kind }) => kind === 'rejected');
  if (refusal !== undefined) return { outcome: 'rejected', reason: refusal.reason ?? 'rejected' };
  if (answers.length < expected)
    return { outcome: 'unanswered', reason: `${answers.length} of ${expected} answered` };
  return { outcome: answers.every(({ kind }) => kind === 'noop') ? 'noop' : 'applied' };
}

/** Configuration is in the bucket; a directive names the revision it stands for, and of local variables which are meant. */
function bodyOf(
  { action, agent, variable }: CoordinationDirective,
  { graph, variables }: Term['mirror']['state']['view'],
): { readonly revision?: number; readonly parameters?: Readonly<Record<string, unknown>> } {
  if (action === 'update-communication') return graph === undefined ? {} : { revision: graph.revision };
  const { revision = 0, value } = variables.get(variable) ?? {};
  const { agent: owner, name } = splitVariableId(variable);
  return owner === agent ? { revision, parameters: { [name]: value } } : { revision };
}
