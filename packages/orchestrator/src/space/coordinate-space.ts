/**
 * Coordinating a space as its leader: what runs and who is wired is brought about by the rounds, which obey the same values; here it is
 * waited for, and the agents are asked to confirm what they work with. Nothing is decided twice.
 *
 * O1 When nothing is to be done nothing is sent.
 * O2 What an agent does not confirm in time is named, with the reason.
 */
import { directAgent, orchestratorName } from '@mabeam/agents';
import { MabeamError } from '@mabeam/bus';
import { splitVariableId } from '@mabeam/variables';
import type { CoordinationDirective } from '../strategies/coordination.ts';
import { awaitApplied } from '../state/await-applied.ts';
import { poolIn } from '../state/reconcile-input.ts';
import { situationOf } from '../state/space-mirror.ts';
import type { Term } from '../term/term.ts';
import { coordinationScene } from './coordination-scene.ts';
import { planCoordination, type CoordinationPlan } from './plan-coordination.ts';
import { spaceStanding } from './standing.ts';

/** A directive as it is told. */
export interface ToldDirective {
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
  readonly conflicts: readonly { readonly kept: ToldDirective; readonly dropped: ToldDirective }[];
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
    conflicts: plan.conflicts.map(({ dropped, kept }) => ({ kept: toldOf(kept), dropped: toldOf(dropped) })),
    failures: plan.failures.map(({ error, variable }) => {
      return { variable, code: error.code, message: error.message };
    }),
  };
  if (plan.directives.length === 0)
    return { kind: plan.failures.length > 0 ? 'partial' : 'noop', ...told, unacknowledged: [] };
  const endsAt = performance.now() + timeoutMs;
  await awaitApplied(mirror, revision, { timeoutMs: timeoutMs / 2, signal: term.signal });
  const leftMs = Math.max(100, endsAt - performance.now());
  const answers = await Promise.all(plan.directives.map((each) => dispatch(term, each, leftMs)));
  const unacknowledged = answers.flat();
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

function toldOf({ action, agent, priority, variable }: CoordinationDirective): ToldDirective {
  return { agent, action, variable, priority };
}

/** Sends a directive to the instances that are up and waits for all of them; what a host does is looked at instead. */
async function dispatch(
  { bus, leadership, mirror, space }: Coordinator,
  directive: CoordinationDirective,
  timeoutMs: number,
): Promise<SpaceCoordinated['unacknowledged']> {
  const { action, agent, id } = directive;
  const late = (reason: string): SpaceCoordinated['unacknowledged'] => [{ ...toldOf(directive), reason }];
  const { laggards, running, waiting } = spaceStanding(mirror, Date.now());
  if (hostActions.has(action)) {
    const reason = waiting.find((each) => each.agent === agent)?.reason;
    const isLate = laggards.some((each) => each.agent === agent && each.reason !== 'behind');
    return isLate ? late(reason ?? 'not yet') : [];
  }
  const expect = running.filter((key) => key.startsWith(`${agent}.`)).length;
  if (expect === 0) return late('it does not run');
  try {
    const answers = await directAgent(bus, space, agent, directive.action, {
      from: orchestratorName,
      id,
      leaderRevision: leadership.revision,
      expect,
      timeoutMs: Math.min(timeoutMs, directive.timeoutMs),
      ...bodyOf(directive, mirror.state.view),
    });
    const refusal = answers.find(({ kind }) => kind === 'rejected');
    if (refusal !== undefined) return late(refusal.reason ?? 'rejected');
    return answers.length < expect ? late(`${answers.length} of ${expect} answered`) : [];
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    return late(error.code);
  }
}

/** Done by hosts, at the leader's order: the rounds see to it. */
const hostActions: ReadonlySet<string> = new Set(['start', 'stop', 'migrate', 'scale-up', 'scale-down']);

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
