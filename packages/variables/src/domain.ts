/**
 * Domains: which values a variable may take, beside the constraints of its kind.
 *
 * min, max and step ask for a number, pattern for a string; enum lists the values themselves; patterns narrows the
 * topologies of a communication-topology. Pure; the same for space-wide and for local variables.
 */
import type { Problem } from './problem.ts';
import { sameJson, showJson, type Json } from './json.ts';
import type { TopologyPattern } from './topology.ts';

/** The limits of a variable's values; an empty domain is "any JSON". */
export interface Domain {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Values are `min` (or 0) plus a whole number of steps. */
  readonly step?: number | undefined;
  readonly enum?: readonly Json[] | undefined;
  /** A regular expression (flag `u`) that the whole string must match. */
  readonly pattern?: string | undefined;
  /** The topologies to choose from; all of them when absent. */
  readonly patterns?: readonly TopologyPattern[] | undefined;
}

/** What is wrong with a domain as declared, first problem only; undefined when it is sound. */
export function domainProblem(domain: Domain): Problem | undefined {
  const { min, max, step, enum: values, pattern, patterns } = domain;
  if (min !== undefined && max !== undefined && min > max) {
    return wrong('domain.min', `min ${min} is above max ${max}; swap them`);
  }
  if (step !== undefined && step <= 0) {
    return wrong('domain.step', `step must be above 0, got ${step}; leave it out for a continuous range`);
  }
  if (pattern !== undefined && isNumeric(domain)) {
    return wrong(
      'domain.pattern',
      'pattern asks for a string, min, max and step for a number; keep one of the two',
    );
  }
  if (pattern !== undefined && compilePattern(pattern) === undefined) {
    return wrong('domain.pattern', `"${pattern}" is not a regular expression; mend it or leave it out`);
  }
  return listProblem('domain.enum', values) ?? listProblem('domain.patterns', patterns);
}

function listProblem(field: string, values: readonly Json[] | undefined): Problem | undefined {
  if (values === undefined) return undefined;
  if (values.length === 0)
    return wrong(field, 'the list is empty, so no value is allowed; list some or leave it out');
  const twice = values.find((value, i) => values.slice(0, i).some((earlier) => sameJson(earlier, value)));
  return twice === undefined
    ? undefined
    : wrong(field, `${showJson(twice)} is listed twice; list each value once`);
}

/** Why a value is outside a domain; undefined when it is inside. `field` names the value in the message. */
export function outsideDomain(domain: Domain, value: Json, field: string): Problem | undefined {
  if (isNumeric(domain)) {
    const problem = outsideRange(domain, value, field);
    if (problem !== undefined) return problem;
  }
  if (domain.pattern !== undefined) {
    if (typeof value !== 'string' || compilePattern(domain.pattern)?.test(value) !== true) {
      return outside(field, `${showJson(value)} is not a string matching ${domain.pattern}`);
    }
  }
  if (domain.enum !== undefined && !domain.enum.some((allowed) => sameJson(allowed, value))) {
    return outside(field, `${showJson(value)} is not one of ${showJson(domain.enum)}; choose one of those`);
  }
  return undefined;
}

/** Does the domain ask for a number? */
export function isNumeric(domain: Domain): boolean {
  return domain.min !== undefined || domain.max !== undefined || domain.step !== undefined;
}

function outsideRange(domain: Domain, value: Json, field: string): Problem | undefined {
  const { min, max, step } = domain;
  if (typeof value !== 'number')
    return outside(field, `${showJson(value)} is not a number; give one ${rangeText(domain)}`);
  if ((min !== undefined && value < min) || (max !== undefined && value > max)) {
    return outside(field, `${value} is not ${rangeText(domain)}; choose a number in that range`);
  }
  if (step !== undefined && !isOnStep(value, min ?? 0, step)) {
    return outside(field, `${value} is not ${min ?? 0} plus a whole number of steps of ${step}; round it`);
  }
  return undefined;
}

function isOnStep(value: number, base: number, step: number): boolean {
  const steps = (value - base) / step;
  return Math.abs(steps - Math.round(steps)) <= 1e-9 * Math.max(1, Math.abs(steps));
}

function rangeText({ min, max }: Domain): string {
  if (min !== undefined && max !== undefined) return `between ${min} and ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max === undefined ? 'on the step' : `at most ${max}`;
}

function compilePattern(pattern: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch {
    return undefined;
  }
}

function wrong(field: string, message: string): Problem {
  return { code: 'invalid-domain', field, message };
}

function outside(field: string, message: string): Problem {
  return { code: 'out-of-domain', field, message };
}
