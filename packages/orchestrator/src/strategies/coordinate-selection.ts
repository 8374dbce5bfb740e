/**
 * A selection as directives: start who is selected and does not run, stop who runs and is not, leave the others alone. Pure.
 *
 * What becomes of a selected agent that has failed is the variable's answer to failures: `fail-fast` fails, `graceful-degradation`
 * goes on without it while `minActive` holds, `failover` starts the best spare in its place; else, and where there is no spare, it is
 * started again as its restart type allows.
 */
import { validateValue, type Json, type VariableDefinition } from '@mabeam/variables';
import { rankAgents } from './choose.ts';
import {
  isRunning,
  mayStart,
  type AgentStanding,
  type CoordinationContext,
  type Draft,
} from './coordination.ts';
import { orchestratorError } from '../errors.ts';
import { selectedIn } from '../instances/desired.ts';

/** Throws `agent-unavailable`. */
export function selectionDrafts(
  definition: VariableDefinition,
  value: Json,
  context: CoordinationContext,
): readonly Draft[] {
  const wanted = withoutFailed(definition, selectedIn(value), context);
  const starts = wanted.flatMap((agent): Draft[] => {
    const standing = context.agents.get(agent);
    // What a node does not start comes by itself, or does not come.
    if (standing?.spec.run === undefined || isRunning(standing) || !mayStart(standing)) return [];
    return [{ agent, action: 'start', parameters: demandOf(standing) }];
  });
  const stops = definition.agents.flatMap((agent): Draft[] => {
    const standing = context.agents.get(agent);
    if (standing === undefined || wanted.includes(agent) || !isRunning(standing)) return [];
    return [{ agent, action: 'stop', parameters: {}, frees: true }];
  });
  return [...stops, ...starts];
}

/** Whom the selection comes to, as failures leave it. */
function withoutFailed(
  definition: VariableDefinition,
  selected: readonly string[],
  context: CoordinationContext,
): readonly string[] {
  const isDown = (agent: string): boolean => context.agents.get(agent)?.status === 'failed';
  const failed = selected.filter(isDown);
  if (failed.length === 0 || definition.onFailure === undefined || definition.onFailure === 'restart')
    return selected;
  const left = selected.filter((agent) => !isDown(agent));
  if (definition.onFailure === 'fail-fast') throw unavailable(definition, failed, 'its answer is fail-fast');
  if (definition.onFailure === 'failover') return failOver(definition, { left, failed }, context);
  const { minActive = 0 } = definition.constraints;
  if (left.length >= minActive) return left;
  throw unavailable(definition, failed, `${left.length} are left, ${minActive} needed`);
}

/** The best spares in the places of the failed, as far as the constraints allow; who has no spare is started again. */
function failOver(
  definition: VariableDefinition,
  { failed, left }: { readonly left: readonly string[]; readonly failed: readonly string[] },
  { agents, taskRequirements }: CoordinationContext,
): readonly string[] {
  const spares = definition.agents.filter((agent) => {
    const standing = agents.get(agent);
    return standing !== undefined && standing.status !== 'failed' && !left.includes(agent);
  });
  const candidates = spares.map((id) => ({ id, ...agents.get(id) }));
  const ranked = [...rankAgents(candidates, taskRequirements)];
  let team = [...left, ...failed];
  for (const agent of failed) {
    const place = team.indexOf(agent);
    const fits = (spare: string): boolean =>
      validateValue(definition, team.with(place, spare)).kind === 'valid';
    const spare = ranked.find((each) => !team.includes(each) && fits(each));
    if (spare !== undefined) team = team.with(place, spare);
  }
  return team;
}

function demandOf({ spec }: AgentStanding): Readonly<Record<string, Json>> {
  const { cpuWeight, memory, networkPriority } = spec.resources ?? {};
  const all = spec.replicas;
  const resources = {
    ...(memory === undefined ? {} : { memory: memory * all }),
    ...(cpuWeight === undefined ? {} : { cpuWeight: cpuWeight * all }),
    ...(networkPriority === undefined ? {} : { networkPriority }),
  };
  return Object.keys(resources).length === 0 ? {} : { resources };
}

function unavailable(
  { id }: VariableDefinition,
  agents: readonly string[],
  why: string,
): ReturnType<typeof orchestratorError> {
  const message = `${id}: ${agents.join(', ')} failed and ${why}; mend the agent, or select another`;
  return orchestratorError('agent-unavailable', message, { details: { variable: id, agents } });
}
