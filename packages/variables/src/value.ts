/**
 * Values: is this value one that the variable may take, and in which form is it kept?
 *
 * V1  What comes out as valid is valid: validating it again gives the same value.
 * V2  Nothing is thrown, whatever comes in, and nothing is changed in what came in.
 * V3  A refusal names the field and ends in the cure.
 */
import { judgeAllocation } from './allocation.ts';
import { outsideDomain } from './domain.ts';
import { isJson, maxJsonDepth, showJson, type Json } from './json.ts';
import { judgeRate, judgeThreshold } from './measure.ts';
import { brokenPredicate, noPredicates, type Predicates } from './predicate.ts';
import type { Problem } from './problem.ts';
import { malformedReference } from './secret.ts';
import { judgeSelection } from './selection.ts';
import { judgePattern, judgeTopology } from './topology-value.ts';
import type { VariableDefinition } from './variable.ts';

/** The outcome of validating a value. */
export type ValueVerdict =
  | { readonly kind: 'valid'; readonly value: Json }
  | ({ readonly kind: 'invalid' } & Problem);

/**
 * Judges a value against a definition: its shape for the kind, the domain, the constraints, and those of its predicates that are
 * handed in. A single agent id becomes a list of one, a bare topology name `{pattern}`, a missing network priority `normal`;
 * everything else stays as it is. What depends on other variables or on agents (`compatible`, `roleCoverage`) is judged
 * when a change set is planned.
 */
export function validateValue(
  definition: VariableDefinition,
  value: unknown,
  predicates: Predicates = noPredicates,
): ValueVerdict {
  if (!isJson(value)) {
    return refuse({
      code: 'out-of-domain',
      field: 'value',
      message: `${showJson(value)} is not JSON of at most ${maxJsonDepth} levels with finite numbers; give a JSON value`,
    });
  }
  const judged = judgeKind(definition, value);
  if ('code' in judged) return refuse(judged);
  const broken = brokenPredicate(definition, judged.value, predicates);
  return broken === undefined ? { kind: 'valid', value: judged.value } : refuse(broken);
}

function judgeKind(definition: VariableDefinition, value: Json): Problem | { readonly value: Json } {
  switch (definition.kind) {
    case 'agent-selection':
      return judgeSelection(definition, value);
    case 'resource-allocation':
      return judgeAllocation(definition, value);
    case 'communication-topology':
      return judgeTopology(definition, value);
    case 'adaptation-rate':
      return judgeRate(definition, value);
    case 'performance-threshold':
      return judgeThreshold(definition, value);
    case 'coordination-pattern':
      return judgePattern(definition, value);
    case 'custom':
      return malformedReference(value) ?? outsideDomain(definition.domain, value, 'value') ?? { value };
  }
}

function refuse(problem: Problem): ValueVerdict {
  return { kind: 'invalid', ...problem };
}
