/**
 * Adapting a variable by its own policy: ask its handler if it has one, decide, let the agents vote if the strategy wants that
 * (hold-vote.ts), commit.
 *
 * Y1 The change and its record are one commit, on the value that was decided on: if anybody has written the variable meanwhile,
 *    nothing is done, and the next window decides anew.
 */
import { hasVoice, publicKeys } from '@mabeam/agents';
import type { MabeamError } from '@mabeam/bus';
import type { VotingParty } from '@mabeam/coordination';
import type { VariableState } from '@mabeam/variables';
import type { AdaptationChange, AdaptationRecord } from './adaptation-record.ts';
import { commitRecord } from './commit-record.ts';
import { othersWrote, putToVote, type ChangeOutcome } from './hold-vote.ts';
import { askSuggestion } from '../handlers/call-handler.ts';
import { activeAgents } from '../instances/desired.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';
import { adaptVariable, type Adaptation, type AdaptationSituation } from '../strategies/adapt-variable.ts';
import type { LocalProposal } from '../strategies/occasion.ts';
import type { Term } from '../term/term.ts';

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
export type PolicyOutcome = ChangeOutcome | { readonly kind: 'failed'; readonly error: MabeamError };

/** Lets one variable adapt, if its policy says so. Throws what the bus throws, and errors of its handler. */
export async function adaptByPolicy(term: Term, variable: VariableState, seen: Seen): Promise<PolicyOutcome> {
  const adaptation = await decideByPolicy(term, variable, seen);
  if (adaptation.kind !== 'change') return adaptation;
  const { change, needsVote, reason } = adaptation;
  const hindrance = hindranceNow(term, variable);
  if (hindrance !== undefined) return { kind: 'steady', reason: hindrance };
  const draft = draftOf(change, { at: new Date(), reason });
  if (!needsVote) {
    const { at, proposal: _made, ...rest } = draft;
    const made = { rule: change.rule, changes: [change], outcome: 'committed', committedAt: at } as const;
    const revision = await commitRecord(term, { ...rest, at, ...made }, 0);
    return revision === undefined ? othersWrote : { kind: 'changed', change, reason };
  }
  const electorate = await electorateOf(term, variable);
  if (electorate.length > 0) return await putToVote(term, variable, { draft, electorate });
  const said = `${reason}; 0 of 0 said yes`;
  const revision = await commitRecord(term, { ...draft, reason: said, outcome: 'failure' }, 0);
  return revision === undefined ? othersWrote : { kind: 'rejected', change, reason: said };
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

/**
 * Who votes: the active ones among the agents it concerns, each once and each alike; who only watches has no vote. Whose key a host
 * vouches for votes with that one only.
 */
async function electorateOf(
  { bus, mirror, signal, space }: Term,
  { definition }: VariableState,
): Promise<readonly VotingParty[]> {
  const { agents, view } = mirror.state;
  const ids = activeAgents([...agents.values()], [...view.variables.values()])
    .filter(({ spec }) => hasVoice(spec))
    .map(({ spec }) => spec.id)
    .filter((id) => definition.agents.length === 0 || definition.agents.includes(id));
  const keys = await publicKeys(bus, space, ids, { vouchedBy: 'host', signal });
  return ids.map((party) => {
    const key = keys.get(party)?.key;
    return { party, weight: 1, ...(key === undefined ? {} : { key }) };
  });
}

/** Y1. */
function hindranceNow({ mirror }: Term, variable: VariableState): string | undefined {
  const now = mirror.state.view.variables.get(variable.id);
  if (mirror.freeze !== undefined) return 'the space was frozen meanwhile';
  const isSame =
    now?.keyRevision === variable.keyRevision && now.definitionRevision === variable.definitionRevision;
  return isSame ? undefined : 'somebody has written it meanwhile';
}

/** The record of a change that is proposed and not made. */
function draftOf(
  change: AdaptationChange,
  { at, reason }: { readonly at: Date; readonly reason: string },
): AdaptationRecord {
  const iso = at.toISOString();
  return {
    v: 1,
    source: policySource,
    id: `${change.variable} ${iso}`,
    trigger: '',
    rule: '',
    changes: [],
    outcome: 'voting',
    proposal: change,
    reason,
    at: iso,
    triggeredAt: iso,
  };
}
