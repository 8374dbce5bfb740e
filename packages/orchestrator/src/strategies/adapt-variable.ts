/**
 * Adapting a variable by its own policy: whether it moves now, and whereto. Pure; committing, and asking for votes, is done elsewhere.
 *
 * P1 What comes out is a value the variable may have, another than it has, within the bounds: one adaptation in flight, a rest of
 *    `cooldownMs`, a step no longer than the space's adaptation-rate allows, no swinging to and fro.
 * P2 With an adaptation-rate of 0 nothing moves. Figures that are good, and stay so, move nothing but an emergent variable.
 * P3 Nothing to do is an outcome with a reason, not an error. Errors: `invalid-metrics`, `constraint-violation` (it ought to move
 *    and there is nowhere to go), `adaptation-failed` (the handler it names has said nothing).
 */
import type { AgentSpec } from '@mabeam/agents';
import { errorsOf, MabeamError } from '@mabeam/bus';
import {
  sameJson,
  validateValue,
  variableErrors,
  type AdaptationPolicy,
  type AdaptationStrategy,
  type VariableState,
} from '@mabeam/variables';
import type { AdaptationChange, AdaptationRecord } from '../adaptation/adaptation-record.ts';
import { unsteadiness } from '../adaptation/rules.ts';
import { orchestratorError } from '../errors.ts';
import { boundAdaptation, type BoundedProposal } from '../rollout/bounds.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';
import { changesOf, earlierChange, isBetterSince, paceOf } from './past.ts';
import { assertMetrics, measureOf, targetOf } from './measure.ts';
import { neighboursOf, steer } from './neighbours.ts';
import {
  aggregate,
  predictiveOccasion,
  reactiveOccasion,
  type LocalProposal,
  type Occurrence,
} from './occasion.ts';

const variableError = errorsOf(variableErrors);

/** What a named handler has said: a value to move to, or that nothing is to be done. */
export type Suggestion =
  | { readonly kind: 'change'; readonly value: unknown; readonly reason?: string | undefined }
  | { readonly kind: 'steady'; readonly reason?: string | undefined };

/** All that the decision looks at, beside the variable and its metrics. */
export interface AdaptationSituation {
  readonly variables: ReadonlyMap<string, VariableState>;
  readonly history: readonly AdaptationRecord[];
  /** ms since the epoch. */
  readonly now: number;
  readonly agents?: ReadonlyMap<string, AgentSpec> | undefined;
  /** What agents have proposed in the window; for `emergent`. */
  readonly proposals?: readonly LocalProposal[] | undefined;
  /** From 0 to below 1; for `emergent`, which explores when it is below `explore`. It does not when absent. */
  readonly random?: (() => number) | undefined;
  /** What the policy's `handler` has said. */
  readonly suggestion?: Suggestion | undefined;
}

/** What the decision is. `needsVote`: the agents concerned must ratify it before it is committed. */
export type Adaptation =
  | {
      readonly kind: 'change';
      readonly change: AdaptationChange;
      readonly strategy: AdaptationStrategy;
      readonly reason: string;
      readonly needsVote: boolean;
    }
  | { readonly kind: 'steady'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: MabeamError };

/** The name that stands for a variable's own policy where the name of a rule would stand. */
function policyRule(variable: string): string {
  return `policy.${variable}`;
}

/** Whether a variable moves now, by the metrics of the windows up to now, oldest first (P1–P3). */
export function adaptVariable(
  variable: VariableState,
  windows: readonly PerformanceMetrics[],
  situation: AdaptationSituation,
): Adaptation {
  const policy = variable.definition.adaptation;
  if (policy === undefined) return steady('it has no policy');
  try {
    for (const metrics of windows) assertMetrics(metrics);
    const kept = keptStill(variable, policy, situation);
    if (kept !== undefined) return steady(kept);
    const wish = wishOf(variable, policy, windows, situation);
    if (!wish.isGiven) return steady(wish.reason);
    return settleWish(variable, { policy, ...wish }, situation);
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    return { kind: 'failed', error };
  }
}

/** Where it would go, in the order of its wishes, and why; not given: it stays. */
type Wish = Occurrence & { readonly values: readonly unknown[] };

function wishOf(
  variable: VariableState,
  policy: AdaptationPolicy,
  windows: readonly PerformanceMetrics[],
  situation: AdaptationSituation,
): Wish {
  const { suggestion } = situation;
  if (policy.handler !== undefined) {
    if (suggestion === undefined) throw handlerMissing(variable.id, policy.handler);
    const reason = suggestion.reason ?? `the handler ${policy.handler} says so`;
    if (suggestion.kind === 'steady') return { isGiven: false, reason, values: [] };
    return { isGiven: true, reason, values: [suggestion.value] };
  }
  if (policy.strategy === 'emergent') return emergentWish(variable, policy, situation);
  const target = targetOf(policy.target, situation.variables);
  if (target === undefined)
    return { isGiven: false, reason: 'there is no target to compare with', values: [] };
  const series = windows.map((metrics) => measureOf(metrics, policy.metric, watched(variable)));
  const occasion = policy.strategy === 'reactive' ? reactiveOccasion : predictiveOccasion;
  const occurrence = occasion(policy, series, target);
  const [metrics] = windows.slice(-1);
  if (!occurrence.isGiven || metrics === undefined) return { ...occurrence, isGiven: false, values: [] };
  const past = changesOf(variable.id, situation.history);
  const last = past.at(-1);
  const values = neighboursOf(variable, {
    metrics,
    heading: steer(
      variable,
      last && { ...last, isBetter: isBetterSince(last.at, policy, { series, windows }) },
    ),
    step: policy.step,
    reach: paceOf(variable, situation.variables)?.step ?? 1,
    candidates: candidatesOf(variable, metrics, situation),
    tried: past.map(({ from }) => from),
  });
  return { ...occurrence, values };
}

function emergentWish(
  variable: VariableState,
  { explore }: AdaptationPolicy,
  { proposals = [], random = () => 1 }: AdaptationSituation,
): Wish {
  const { agents } = variable.definition;
  const meant = proposals
    .filter(({ agent }) => agents.length === 0 || agents.includes(agent))
    .toSorted((a, b) => (a.agent < b.agent ? -1 : 1));
  const value = aggregate(meant);
  if (value === undefined) return { isGiven: false, reason: 'nobody has proposed anything', values: [] };
  const explored = random() < explore ? meant[Math.floor(random() * meant.length)] : undefined;
  const wanted = explored?.value ?? value;
  const onGrid = typeof wanted === 'number' ? snap(variable, wanted) : wanted;
  if (sameJson(onGrid, variable.value))
    return { isGiven: false, reason: 'the proposals come to the value it has', values: [] };
  const how =
    explored === undefined
      ? `what ${meant.length} proposals come to`
      : `explores what ${explored.agent} proposed`;
  return { isGiven: true, reason: how, values: [onGrid] };
}

/** Why it may not move at all now (P1, P2); undefined when it may. */
function keptStill(
  variable: VariableState,
  policy: AdaptationPolicy,
  situation: AdaptationSituation,
): string | undefined {
  const verdict = boundAdaptation(boundedBy(variable, policy, situation, variable.value));
  if (verdict.kind === 'free') return undefined;
  if (verdict.kind === 'frozen') return 'the adaptation-rate is 0';
  if (verdict.kind !== 'resting') return 'in-flight: its last change has not arrived, or is being judged';
  return `rests for another ${Math.ceil(verdict.until - situation.now)} ms`;
}

/** The first wish that is allowed, within the bounds (P1). */
function settleWish(
  variable: VariableState,
  wish: Wish & { readonly policy: AdaptationPolicy },
  situation: AdaptationSituation,
): Adaptation {
  const { policy, reason, values } = wish;
  let hindrance: string | undefined;
  let problem = 'no other value is near';
  for (const value of values) {
    const bounded = boundAdaptation(boundedBy(variable, policy, situation, value));
    if (bounded.kind !== 'free') continue;
    const verdict = validateValue(variable.definition, bounded.to);
    if (verdict.kind === 'invalid') problem = `${verdict.field}: ${verdict.message}`;
    if (verdict.kind === 'invalid') continue;
    if (sameJson(verdict.value, variable.value)) {
      hindrance ??= 'the step is too small to move it';
      continue;
    }
    const change = {
      rule: policyRule(variable.id),
      variable: variable.id,
      from: variable.value,
      to: verdict.value,
    };
    const unsteady = unsteadiness(change, situation);
    if (unsteady === undefined)
      return {
        kind: 'change',
        change,
        strategy: policy.strategy,
        reason,
        needsVote: policy.strategy === 'consensus-based',
      };
    hindrance ??= unsteady;
  }
  if (hindrance !== undefined) return steady(hindrance);
  const message = `${variable.id}: ${reason}, but it has nowhere to go (${problem}); widen its domain or its constraints`;
  throw variableError('constraint-violation', message, { details: { variable: variable.id } });
}

function boundedBy(
  variable: VariableState,
  policy: AdaptationPolicy,
  situation: AdaptationSituation,
  to: unknown,
): BoundedProposal {
  return {
    definition: variable.definition,
    from: variable.value,
    to,
    rate: paceOf(variable, situation.variables),
    cooldownMs: policy.cooldownMs,
    history: situation.history.map(earlierChange),
    now: situation.now,
  };
}

/** Whose figures count: of a selection those at work, else the agents it lists; all when it lists none. */
function watched({ definition, value }: VariableState): readonly string[] {
  if (definition.kind === 'agent-selection' && Array.isArray(value)) return value.map(String);
  return definition.agents;
}

function candidatesOf(
  { definition }: VariableState,
  metrics: PerformanceMetrics,
  { agents }: AdaptationSituation,
): readonly {
  readonly id: string;
  readonly performance?: number | undefined;
  readonly spec?: AgentSpec | undefined;
}[] {
  const ids = definition.agents.length > 0 ? definition.agents : Object.keys(metrics.agents);
  return ids.map((id) => ({ id, performance: metrics.agents[id]?.performance, spec: agents?.get(id) }));
}

/** The number on the domain's steps and within its ends that is nearest. */
function snap({ definition: { domain } }: VariableState, wanted: number): number {
  const { max = Number.POSITIVE_INFINITY, min = Number.NEGATIVE_INFINITY, step } = domain;
  const inside = Math.min(max, Math.max(min, wanted));
  if (step === undefined) return Number(inside.toPrecision(12));
  const origin = Number.isFinite(min) ? min : 0;
  const last = Math.floor((max - origin) / step + 1e-9);
  return Number((origin + Math.min(last, Math.round((inside - origin) / step)) * step).toPrecision(12));
}

function steady(reason: string): Adaptation {
  return { kind: 'steady', reason };
}

function handlerMissing(variable: string, handler: string): MabeamError {
  const message = `${variable}: its handler ${handler} has not been asked, or has not answered`;
  return orchestratorError('adaptation-failed', message, { details: { variable, handler } });
}
