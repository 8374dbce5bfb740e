/** What a definition's rules and scaling policies say of its agents and variables. Pure. */
import type { AgentSpec } from '@mabeam/agents';
import { isToken } from '@mabeam/bus';
import { validateValue, type VariableDefinition } from '@mabeam/variables';
import type { AdaptationRule } from '../adaptation/adaptation-rule.ts';
import { modifyValue } from '../adaptation/rules.ts';
import { cureFor, unknownName, type CheckProblem } from './check-problem.ts';
import type { FieldPath } from './definition-document.ts';
import type { ScalingPolicy } from './scaling-policy.ts';

/** Kinds whose value is one for the whole team, so that no part of its conversations can have another. */
const indivisible = [
  'agent-selection',
  'communication-topology',
  'coordination-pattern',
  'resource-allocation',
];

/** Does the rule name what there is, and does what it does fit that? */
export function checkRule(
  rule: AdaptationRule,
  variables: ReadonlyMap<string, VariableDefinition>,
): readonly CheckProblem[] {
  const at = (...path: FieldPath): FieldPath => ['rules', rule.id, ...path];
  const problems: CheckProblem[] = [];
  if ('trigger' in rule.on && !isToken(rule.on.trigger)) {
    const message = `"${rule.on.trigger}" is not a trigger's name (a-z, 0-9, "_", "-")`;
    problems.push({ path: at('on', 'trigger'), message });
  }
  if (rule.canary !== undefined && rule.guard === undefined) {
    const message = 'a canary that no guard judges would stay one for ever; add a guard';
    problems.push({ path: at('canary'), message });
  }
  const variable = variables.get(rule.adapt);
  if (variable === undefined)
    return [...problems, ...unknownName(at('adapt'), 'variable', rule.adapt, [...variables.keys()])];
  if (rule.canary !== undefined && indivisible.includes(variable.kind)) {
    const message = `the kind ${variable.kind} has one value for all (canary-unsupported); leave canary out: the guard then compares before and after`;
    problems.push({ path: at('canary'), message });
  }
  return [...problems, ...checkModification(rule, variable, at)];
}

/** Does the modification fit the kind of variable, and can what it names ever be part of a value? */
function checkModification(
  { by }: AdaptationRule,
  variable: VariableDefinition,
  at: (...path: FieldPath) => FieldPath,
): readonly CheckProblem[] {
  // What will come is not known yet; it is judged like any value when it does.
  if ('take' in by) return [];
  const word = Object.keys(by).join();
  const modified = modifyValue(variable, variable.initial, by);
  if (modified.kind === 'unfit') {
    const message = `${modified.reason}; ${variable.id} is of kind ${variable.kind}`;
    return [{ path: at('by', word), message }];
  }
  if ('set' in by) {
    const verdict = validateValue(variable, by.set);
    if (verdict.kind === 'valid') return [];
    return [{ path: at('by', word), message: `${variable.id}: ${verdict.field}: ${verdict.message}` }];
  }
  const members = 'add' in by ? by.add : 'remove' in by ? by.remove : [];
  return members.flatMap((member, index) => {
    if (variable.agents.includes(member)) return [];
    const message = `"${member}" is not among the agents of ${variable.id}${cureFor(member, variable.agents)}`;
    return [{ path: at('by', word, index), message }];
  });
}

/** Do the policies name what there is, do their limits make sense, and does nobody have two? */
export function checkScaling(
  policies: readonly ScalingPolicy[],
  agents: readonly AgentSpec[],
  names: readonly string[],
): readonly CheckProblem[] {
  return policies.flatMap((policy, index) => [
    ...checkTarget(policy, agents, names),
    ...checkLimits(policy),
    ...checkRivals(policy, policies.slice(0, index), agents),
  ]);
}

function checkTarget(
  { id, target }: ScalingPolicy,
  agents: readonly AgentSpec[],
  names: readonly string[],
): readonly CheckProblem[] {
  if ('role' in target) {
    if (agents.some(({ role, bounds }) => role === target.role && bounds !== undefined)) return [];
    const message = `no agent of the role ${target.role} has replicas {min, max} to be scaled between`;
    return [{ path: ['scaling', id, 'target', 'role'], message }];
  }
  const path = ['scaling', id, 'target', 'agent'];
  const agent = agents.find((spec) => spec.id === target.agent);
  if (agent === undefined) return unknownName(path, 'agent', target.agent, names);
  if (agent.bounds !== undefined) return [];
  const message = `${agent.id} may not be scaled; write replicas: {min, max} in its definition`;
  return [{ path, message }];
}

function checkLimits(policy: ScalingPolicy): readonly CheckProblem[] {
  const { id, metric, min, max, upAbove, downBelow } = policy;
  const at = (field: string, message: string): CheckProblem => ({ path: ['scaling', id, field], message });
  const isLimited = upAbove !== undefined || downBelow !== undefined;
  return [
    ...(min !== undefined && max !== undefined && min > max
      ? [at('min', `min ${min} is above max ${max}; swap them`)]
      : []),
    ...(upAbove !== undefined && downBelow !== undefined && downBelow >= upAbove
      ? [at('downBelow', `must be below upAbove ${upAbove}, or it would scale up and down for ever`)]
      : []),
    ...(metric === undefined && isLimited
      ? [at(upAbove === undefined ? 'downBelow' : 'upAbove', 'is a limit of which metric? name it')]
      : []),
    ...(metric !== undefined && metric !== 'queue' && !isLimited
      ? [at('metric', 'has no limit; give upAbove, downBelow or both')]
      : []),
  ];
}

function checkRivals(
  policy: ScalingPolicy,
  earlier: readonly ScalingPolicy[],
  agents: readonly AgentSpec[],
): readonly CheckProblem[] {
  const scaled = scaledBy(policy, agents);
  for (const rival of earlier) {
    const common = scaledBy(rival, agents).find((agent) => scaled.includes(agent));
    if (common === undefined) continue;
    const message = `${common} is scaled by ${rival.id} already; keep one policy for it`;
    return [{ path: ['scaling', policy.id, 'target'], message }];
  }
  return [];
}

function scaledBy({ target }: ScalingPolicy, agents: readonly AgentSpec[]): readonly string[] {
  if ('agent' in target) return [target.agent];
  return agents
    .filter(({ role, bounds }) => role === target.role && bounds !== undefined)
    .map(({ id }) => id);
}
