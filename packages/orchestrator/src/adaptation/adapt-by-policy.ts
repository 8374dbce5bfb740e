/**
 * Adapting a variable by its own policy: ask its handler if it has one, decide, let the agents vote if the strategy wants that, commit.
 *
 * Y1 The change and its record are one commit, on the value that was decided on: if anybody has written the variable meanwhile,
 *    nothing is done, and the next window decides anew.
 * Y2 A proposal that is not ratified leaves the variable as it is. Its record is a `failure` with the proposal, and the variable rests
 *    as after a change.
 */
import type { MabeamError } from '@mabeam/bus';
import { freezeKey, planChanges, triggerCause, type VariableState } from '@mabeam/variables';
import { adaptationKey, type AdaptationChange, type AdaptationRecord } from './adaptation-record.ts';
import { askSuggestion } from '../handlers/call-handler.ts';
import { holdVote, type VoteResult } from '../handlers/votes.ts';
import { activeAgents } from '../instances/desired.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';
import { adaptVariable, type Adaptation, type AdaptationSituation } from '../strategies/adapt-variable.ts';
import { defaultThreshold, type Ballot } from '../strategies/ballot.ts';
import type { LocalProposal } from '../strategies/occasion.ts';
import { orchestratorAuthor } from '../term/repair.ts';
import type { Term } from '../term/term.ts';
import { identityHash } from './trigger.ts';

/** The source of what policies do: they have no trigger. */
const policySource = 'policy';

/** What a window has shown. */
export interface Seen {
  /** Oldest first, this one last. */
  readonly windows: readonly PerformanceMetrics[];
  /** Of this variable. */
  readonly proposals: readonly LocalProposal[];
}

/** What became of one variable in one window. */
export type PolicyOutcome =
  | { readonly kind: 'steady'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: MabeamError }
  | { readonly kind: 'changed' | 'rejected'; readonly change: AdaptationChange; readonly reason: string };

/** Lets one variable adapt, if its policy says so. Throws what the bus throws, and errors of its handler. */
export async function adaptByPolicy(term: Term, variable: VariableState, seen: Seen): Promise<PolicyOutcome> {
  const adaptation = await decideByPolicy(term, variable, seen);
  if (adaptation.kind !== 'change') return adaptation;
  const { change, needsVote, reason } = adaptation;
  if (!needsVote) return commit(term, variable, { change, reason });
  const { signal } = term;
  const vote = await holdVote(term.bus, term.space, ballotOf(term, variable, { change, reason }), { signal });
  const said = `${reason}; ${vote.yes} of ${vote.total} said yes`;
  return commit(term, variable, { change, reason: said, vote });
}

async function decideByPolicy(term: Term, variable: VariableState, seen: Seen): Promise<Adaptation> {
  const { agents, adaptations, view } = term.mirror.state;
  const { signal } = term;
  const situation: AdaptationSituation = {
    variables: view.variables,
    history: [...adaptations.values()].map(({ record }) => record),
    now: Date.now(),
    agents: new Map([...agents.values()].map(({ spec }) => [spec.id, spec])),
    proposals: seen.proposals,
    random: Math.random,
  };
  const handler = variable.definition.adaptation?.handler;
  if (handler === undefined) return adaptVariable(variable, seen.windows, situation);
  const asked = { variable, handler, windows: seen.windows };
  const suggestion = await askSuggestion(term.bus, term.space, asked, { signal });
  return adaptVariable(variable, seen.windows, { ...situation, suggestion });
}

interface Wished {
  readonly change: AdaptationChange;
  readonly reason: string;
}

/** Who votes: the active ones among the agents it concerns, each once; who only watches has no vote. */
function ballotOf(term: Term, { definition }: VariableState, { change, reason }: Wished): Ballot {
  const { agents, view } = term.mirror.state;
  const active = activeAgents([...agents.values()], [...view.variables.values()]);
  const electorate = active
    .filter(({ spec }) => spec.role !== 'monitor')
    .filter(({ spec }) => definition.agents.length === 0 || definition.agents.includes(spec.id))
    .map(({ spec }) => ({ agent: spec.id, weight: 1 }));
  const { from, to, variable } = change;
  return { variable, from, to, reason, electorate, threshold: defaultThreshold };
}

/** Y1, Y2. */
async function commit(
  term: Term,
  variable: VariableState,
  { change, reason, vote }: Wished & { readonly vote?: VoteResult },
): Promise<PolicyOutcome> {
  const { leadership, mirror } = term;
  const { view } = mirror.state;
  const now = view.variables.get(variable.id);
  if (mirror.freeze !== undefined) return { kind: 'steady', reason: 'the space was frozen meanwhile' };
  if (now?.keyRevision !== variable.keyRevision || now.definitionRevision !== variable.definitionRevision)
    return { kind: 'steady', reason: 'somebody has written it meanwhile' };
  const at = new Date();
  const isRejected = vote !== undefined && vote.kind !== 'ratified';
  const record = recordOf(change, { at, reason, isRejected });
  const cause = triggerCause(record.source, record.id);
  const writes = isRejected
    ? []
    : planChanges(view, [{ id: variable.id, value: change.to }], { by: orchestratorAuthor, cause, at })
        .writes;
  const written = { key: adaptationKey(identityHash(record)), body: record, expect: 0 };
  const freezeRevision = mirror.revisionOf(freezeKey);
  const outcome = await leadership.commit([...writes, written], { freezeRevision });
  if (outcome.kind !== 'committed') return { kind: 'steady', reason: 'others wrote first' };
  await mirror.reach(outcome.revision);
  return { kind: isRejected ? 'rejected' : 'changed', change, reason };
}

function recordOf(
  change: AdaptationChange,
  { at, isRejected, reason }: { readonly at: Date; readonly isRejected: boolean; readonly reason: string },
): AdaptationRecord {
  const iso = at.toISOString();
  const common = {
    v: 1,
    source: policySource,
    id: `${change.variable} ${iso}`,
    trigger: '',
    reason,
    at: iso,
    triggeredAt: iso,
  } as const;
  if (isRejected) return { ...common, rule: '', changes: [], outcome: 'failure', proposal: change };
  return { ...common, rule: change.rule, changes: [change], outcome: 'committed', committedAt: iso };
}
