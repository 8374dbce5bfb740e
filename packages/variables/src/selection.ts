/** The values of an agent-selection: which agents are active, in the order given. Pure. */
import type { Json } from './json.ts';
import { showJson } from './json.ts';
import { listNames, type Problem } from './problem.ts';
import type { Constraints, VariableDefinition } from './variable.ts';

/** The selection as a list without repetitions, or the first thing wrong with it. */
export function judgeSelection(
  definition: VariableDefinition,
  value: Json,
): Problem | { readonly value: readonly string[] } {
  const given: readonly unknown[] | undefined = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? [value]
      : undefined;
  if (given === undefined) {
    return outside('value', `${showJson(value)} is neither an agent id nor a list of them; give a list`);
  }
  const candidates = new Set(definition.agents);
  const selected = new Set<string>();
  for (const [i, agent] of given.entries()) {
    const field = `value[${i}]`;
    if (typeof agent !== 'string' || !candidates.has(agent)) {
      return outside(
        field,
        `${showJson(agent)} is not one of its agents; choose from ${listNames(definition.agents)}`,
      );
    }
    if (selected.has(agent)) return outside(field, `${agent} is selected twice; name each agent once`);
    selected.add(agent);
  }
  const chosen = [...selected];
  return broken(definition.constraints, chosen) ?? { value: chosen };
}

function broken(constraints: Constraints, selected: readonly string[]): Problem | undefined {
  const { minActive = 0, maxConcurrent = Infinity, exclusive = [], requires = {} } = constraints;
  const count = selected.length;
  if (count < minActive)
    return violated('minActive', `${count} selected, at least ${minActive} needed; add agents`);
  if (count > maxConcurrent) {
    return violated('maxConcurrent', `${count} selected, at most ${maxConcurrent} allowed; remove agents`);
  }
  const clash = exclusive.find((pair) => pair.every((agent) => selected.includes(agent)));
  if (clash !== undefined) {
    return violated('exclusive', `${clash.join(' and ')} may not be selected together; remove one of them`);
  }
  for (const agent of selected) {
    const missing =
      (Object.hasOwn(requires, agent) ? requires[agent] : undefined)?.filter(
        (other) => !selected.includes(other),
      ) ?? [];
    if (missing.length > 0) {
      return violated(
        `requires.${agent}`,
        `${agent} needs ${listNames(missing)}; select those too or remove ${agent}`,
      );
    }
  }
  return undefined;
}

function outside(field: string, message: string): Problem {
  return { code: 'out-of-domain', field, message };
}

function violated(constraint: string, message: string): Problem {
  return { code: 'constraint-violation', field: `constraints.${constraint}`, message };
}
