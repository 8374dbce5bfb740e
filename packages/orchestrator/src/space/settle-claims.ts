/**
 * Claims: what variables want of agents and of the pool that cannot all be, settled before anything is directed. Pure.
 *
 *   value-incompatible     two allocations give one agent different limits
 *   resource-competition   all allocations together give away more than the space has
 *   temporal-constraint    two variables want one agent's life for themselves at the same time: to start it, and to move it
 *
 * L1 The more important variable – the larger priority, then the smaller id – has it; of those that compete for a resource the least
 *    important gives way, until the others fit. A value that lies between would be nobody's, and would be directed for ever.
 * L2 A claim is what a variable wants, whether it is so already or not: so what was overridden stays so when the winner has arrived.
 */
import {
  detectConflicts,
  resolveConflicts,
  type Conflict,
  type ConflictKind,
  type Wish,
} from '@mabeam/coordination';
import type { AgentAction } from '@mabeam/agents';
import type { Json, VariableState } from '@mabeam/variables';
import { compareIds } from '../instances/desired.ts';
import { amountsOf } from '../strategies/coordinate-allocation.ts';
import {
  isRunning,
  type CoordinationContext,
  type CoordinationDirective,
} from '../strategies/coordination.ts';

/** A variable that does not get what it wants. */
export interface Overridden {
  readonly kind: ConflictKind;
  /** What they quarrel about: `<agent>.resources`, a resource, or an agent. */
  readonly target: string;
  readonly variable: string;
  /** The agent it does not get it for; absent: any. */
  readonly agent?: string | undefined;
  /** The variable that has it. */
  readonly by: string;
  /** For people. */
  readonly reason: string;
}

/** What of allocations does not hold, because another variable wants otherwise, or there is not enough for all (L1, L2). */
export function settleAllocations(
  variables: readonly VariableState[],
  context: CoordinationContext,
): readonly Overridden[] {
  const claims = variables.flatMap((variable) => claimsOf(variable, context));
  const settings = claims.map(({ agent, amounts, party, priority }): Wish => {
    return { kind: 'set', target: `${agent}.resources`, value: amounts, party, priority };
  });
  const outvoted = detectConflicts(settings).flatMap((conflict) => {
    const [agent] = conflict.target.split('.');
    return losersOf(conflict).map((loser): Overridden => ({ ...loser, agent }));
  });
  const isOut = ({ agent, party }: AllocationClaim): boolean =>
    outvoted.some((each) => each.variable === party && each.agent === agent);
  return [
    ...outvoted,
    ...outcompeted(
      claims.filter((claim) => !isOut(claim)),
      context,
    ),
  ];
}

interface AllocationClaim {
  readonly party: string;
  readonly priority: number;
  readonly agent: string;
  readonly amounts: Readonly<Record<string, Json>>;
  readonly memory: number;
  readonly cpuWeight: number;
}

function claimsOf(
  { definition, id, value }: VariableState,
  context: CoordinationContext,
): readonly AllocationClaim[] {
  if (definition.kind !== 'resource-allocation') return [];
  return Object.entries(Object(value)).flatMap(([agent, part]): readonly AllocationClaim[] => {
    const standing = context.agents.get(agent);
    if (standing === undefined || !isRunning(standing)) return [];
    // A validated allocation has nothing but parts.
    const wanted = amountsOf(definition, part as Json, context);
    const amounts = Object.fromEntries(
      Object.entries(wanted).flatMap(([name, amount]) => (amount === undefined ? [] : [[name, amount]])),
    );
    const { cpuWeight = 0, memory = 0 } = wanted;
    return [{ party: id, priority: definition.priority ?? 0, agent, amounts, memory, cpuWeight }];
  });
}

/** The least important give way, until the others fit (L1). */
function outcompeted(
  claims: readonly AllocationClaim[],
  { totalResources = {} }: CoordinationContext,
): readonly Overridden[] {
  // Amounts are whole where they are divided: bytes, and thousandths of a core.
  const counted = { memory: 1, cpuWeight: 1_000 } as const;
  const out: Overridden[] = [];
  for (const resource of ['memory', 'cpuWeight'] as const) {
    const total = totalResources[resource];
    if (total === undefined) continue;
    const pools = { [resource]: Math.floor(total * counted[resource]) };
    let wishes = claims
      .filter(({ party }) => !out.some(({ variable }) => variable === party))
      .map((claim): Wish => {
        const amount = Math.round(claim[resource] * counted[resource]);
        return { kind: 'use', resource, amount, party: claim.party, priority: claim.priority };
      });
    for (;;) {
      const [conflict] = detectConflicts(wishes, pools);
      const ranked = conflict === undefined ? [] : rank(conflict.claims);
      const [first, last] = [ranked[0], ranked.at(-1)];
      if (first === undefined || last === undefined || first === last) break;
      const reason = `there is not enough ${resource} for all, and ${first.party} comes first`;
      out.push({
        kind: 'resource-competition',
        target: resource,
        variable: last.party,
        by: first.party,
        reason,
      });
      wishes = wishes.filter(({ party }) => party !== last.party);
    }
  }
  return out;
}

/** Actions that need an agent's life for themselves while they last. */
const lives: ReadonlySet<AgentAction> = new Set(['start', 'stop', 'migrate', 'scale-up', 'scale-down']);

/** Does it need an agent's life for itself while it lasts? */
export function isOfLife({ action }: Pick<CoordinationDirective, 'action'>): boolean {
  return lives.has(action);
}

/** Of the directives that would have one agent started, moved and ended at the same time, those that do not hold (L1). */
export function settleLives(
  directives: readonly CoordinationDirective[],
  priorityOf: (variable: string) => number,
  now: number,
): readonly Overridden[] {
  const wishes = directives.filter(isOfLife).map(({ agent, timeoutMs, variable }): Wish => {
    const window = { fromMs: now, toMs: now + timeoutMs };
    return { kind: 'reserve', target: agent, ...window, party: variable, priority: priorityOf(variable) };
  });
  return detectConflicts(wishes).flatMap((conflict) =>
    losersOf(conflict).map((loser): Overridden => ({ ...loser, agent: conflict.target })),
  );
}

/** Everybody but the most important claimant, and who wants the same as he. */
function losersOf(conflict: Conflict): readonly Overridden[] {
  const { claims, kind, target } = conflict;
  const [winner] = rank(claims);
  const { resolutions } = resolveConflicts([conflict], 'priority-override');
  const told = resolutions[0]?.overridden ?? [];
  if (winner === undefined) return [];
  const reason = told[0]?.reason ?? `${winner.party} has it: it comes first`;
  // Two windows may be the same, and one agent's life is not shared for that.
  const losers =
    kind === 'temporal-constraint'
      ? claims.filter(({ party }) => party !== winner.party)
      : claims.filter(({ party }) => told.some((each) => each.party === party));
  return losers.map(({ party }) => ({ kind, target, variable: party, by: winner.party, reason }));
}

/** The most important first (L1). */
function rank<T extends { readonly party: string; readonly priority?: number }>(claims: readonly T[]): T[] {
  return claims.toSorted((a, b) => (b.priority ?? 0) - (a.priority ?? 0) || compareIds(a.party, b.party));
}
