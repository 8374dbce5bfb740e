/**
 * The values that decisions measure by: a performance-threshold and an adaptation-rate. Both are a number or an object; which of
 * the two, the initial value settles for good, so that a reader of numbers never gets an object. Pure.
 *
 *   threshold  0.7   or  {"metric": "error-rate", "warning": 0.05, "critical": 0.1, "direction": "above"}
 *   rate       0.5   or  {"step": 0.1, "minIntervalMs": 30000}      0: frozen, 1: unhindered
 */
import { outsideDomain } from './domain.ts';
import { isPlainObject, showJson, type Json } from './json.ts';
import type { Problem } from './problem.ts';
import type { VariableDefinition } from './variable.ts';

/** Two limits of one metric. `above`: the metric is bad when it is above them; `below`: when it is below. */
export interface ThresholdBand {
  readonly metric: string;
  readonly warning: number;
  readonly critical: number;
  readonly direction: 'above' | 'below';
}

/** How far one adaptation may move, as a part of the whole range, and how long to wait before the next. */
export interface AdaptationPace {
  /** From 0 to 1. */
  readonly step: number;
  readonly minIntervalMs: number;
}

type Judged = Problem | { readonly value: Json };

const longestMetric = 128;

/** The threshold, or the first thing wrong with it. */
export function judgeThreshold(definition: VariableDefinition, value: Json): Judged {
  const misfit = otherForm(definition, value);
  if (misfit !== undefined) return misfit;
  if (typeof value === 'number') return outsideDomain(definition.domain, value, 'value') ?? { value };
  if (!isPlainObject(value))
    return outside(
      'value',
      `${showJson(value)} is neither a number nor {metric, warning, critical, direction}`,
    );
  return judgeBand(definition, value);
}

/** The rate, or the first thing wrong with it. */
export function judgeRate(definition: VariableDefinition, value: Json): Judged {
  const misfit = otherForm(definition, value);
  if (misfit !== undefined) return misfit;
  if (typeof value === 'number') return rateProblem(definition, value, 'value') ?? inList(definition, value);
  if (!isPlainObject(value))
    return outside('value', `${showJson(value)} is neither a number nor {step, minIntervalMs}`);
  const { min_interval_ms: alias, minIntervalMs = alias, step, ...rest } = value;
  const stranger = strangerIn(rest);
  if (stranger !== undefined) return stranger;
  if (typeof step !== 'number') return outside('value.step', `${showJson(step)} is not a number from 0 to 1`);
  if (typeof minIntervalMs !== 'number' || !Number.isSafeInteger(minIntervalMs) || minIntervalMs < 0)
    return outside('value.minIntervalMs', `${showJson(minIntervalMs)} is not a whole number of milliseconds`);
  return rateProblem(definition, step, 'value.step') ?? inList(definition, { step, minIntervalMs });
}

function judgeBand(definition: VariableDefinition, given: Readonly<Record<string, unknown>>): Judged {
  const { metric, warning, critical, direction, ...rest } = given;
  const stranger = strangerIn(rest);
  if (stranger !== undefined) return stranger;
  if (typeof metric !== 'string' || metric.trim() === '' || metric.length > longestMetric)
    return outside(
      'value.metric',
      `${showJson(metric)} is not the name of a metric, 1 to ${longestMetric} characters`,
    );
  if (direction !== 'above' && direction !== 'below')
    return outside(
      'value.direction',
      `${showJson(direction)} is neither above nor below; say on which side it is bad`,
    );
  if (typeof warning !== 'number') return outside('value.warning', `${showJson(warning)} is not a number`);
  if (typeof critical !== 'number') return outside('value.critical', `${showJson(critical)} is not a number`);
  if (direction === 'above' ? warning > critical : warning < critical)
    return outside('value.critical', `critical ${critical} comes before warning ${warning}; swap them`);
  const { enum: _listed, ...range } = definition.domain;
  return (
    outsideDomain(range, warning, 'value.warning') ??
    outsideDomain(range, critical, 'value.critical') ??
    inList(definition, { metric, warning, critical, direction })
  );
}

function rateProblem({ domain }: VariableDefinition, rate: number, field: string): Problem | undefined {
  if (rate < 0 || rate > 1)
    return outside(field, `${rate} is not a rate; give a number from 0 (frozen) to 1`);
  const { enum: _listed, ...range } = domain;
  return outsideDomain(range, rate, field);
}

function inList({ domain }: VariableDefinition, value: Json): Judged {
  return outsideDomain({ enum: domain.enum }, value, 'value') ?? { value };
}

/** The form of the initial value is the variable's form; while that itself is judged (null), either is good. */
function otherForm({ initial, kind }: VariableDefinition, value: Json): Problem | undefined {
  if (initial === null || (typeof initial === 'number') === (typeof value === 'number')) return undefined;
  const form = typeof initial === 'number' ? 'a number' : 'an object';
  return outside(
    'value',
    `${showJson(value)} is not ${form}, as the initial value of this ${kind}; give ${form}`,
  );
}

function strangerIn(rest: Readonly<Record<string, unknown>>): Problem | undefined {
  const [stranger] = Object.keys(rest);
  return stranger === undefined ? undefined : outside(`value.${stranger}`, 'is not a field of it; remove it');
}

function outside(field: string, message: string): Problem {
  return { code: 'out-of-domain', field, message };
}
