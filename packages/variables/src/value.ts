/**
 * Values: is this value one that the variable may take, and in which form is it kept?
 *
 * V1  What comes out as valid is valid: validating it again gives the same value.
 * V2  Nothing is thrown, whatever comes in, and nothing is changed in what came in.
 * V3  A refusal names the field and ends in the cure.
 */
import { outsideDomain } from './domain.ts';
import { isJson, maxJsonDepth, showJson, type Json } from './json.ts';
import type { Problem } from './problem.ts';
import { judgeSelection } from './selection.ts';
import { judgeTopology } from './topology-value.ts';
import type { VariableDefinition } from './variable.ts';

/** The outcome of validating a value. */
export type ValueVerdict =
  | { readonly kind: 'valid'; readonly value: Json }
  | ({ readonly kind: 'invalid' } & Problem);

/**
 * Judges a value against a definition: its shape for the kind, the domain, the constraints. A single agent id becomes a list of
 * one, a bare topology name becomes `{pattern}`; everything else stays as it is.
 */
export function validateValue(definition: VariableDefinition, value: unknown): ValueVerdict {
  if (!isJson(value)) {
    return refuse({
      code: 'out-of-domain',
      field: 'value',
      message: `${showJson(value)} is not JSON of at most ${maxJsonDepth} levels with finite numbers; give a JSON value`,
    });
  }
  switch (definition.kind) {
    case 'agent-selection':
      return verdictOf(judgeSelection(definition, value));
    case 'performance-threshold':
      return judgeThreshold(definition, value);
    case 'communication-topology':
      return verdictOf(judgeTopology(definition, value));
    case 'custom':
      return verdictOf(outsideDomain(definition.domain, value, 'value') ?? { value });
  }
}

function judgeThreshold(definition: VariableDefinition, value: Json): ValueVerdict {
  if (typeof value !== 'number') {
    const message = `${showJson(value)} is not a number; a performance-threshold is one`;
    return refuse({ code: 'out-of-domain', field: 'value', message });
  }
  return verdictOf(outsideDomain(definition.domain, value, 'value') ?? { value });
}

function verdictOf(judged: Problem | { readonly value: Json }): ValueVerdict {
  return 'value' in judged ? { kind: 'valid', value: judged.value } : refuse(judged);
}

function refuse(problem: Problem): ValueVerdict {
  return { kind: 'invalid', ...problem };
}
