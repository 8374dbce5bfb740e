/**
 * What a trigger leads to: the rules that answer it, applied to the values of now. Pure.
 *
 * A1 Rules on one trigger are taken in the order of their ids. A variable is changed once; a later rule for it is passed
 *    over, and the decision says so.
 * A2 A proposed value is valid in its domain and constraints, else it is not proposed.
 * A3 A rule rests for `cooldownMs` after it has changed something. Resting is an outcome, not an error.
 */
import { sameJson, validateValue, type VariableDefinition, type VariableState } from '@mabeam/variables';
import type { AdaptationChange, AdaptationRecord } from './adaptation-record.ts';
import type { AdaptationRule, Modification } from './adaptation-rule.ts';
import { compareIds, selectedIn } from '../instances/desired.ts';

/** What a trigger leads to, and why when it changes nothing. */
export type Decision =
  | {
      readonly kind: 'adapt';
      readonly rule: string;
      readonly changes: readonly AdaptationChange[];
      readonly reason?: string;
    }
  | { readonly kind: 'noop'; readonly reason: string }
  | { readonly kind: 'cooldown'; readonly reason: string }
  | { readonly kind: 'no-rule' };

/** All that the decision on a trigger looks at. */
export interface RuleSituation {
  readonly rules: readonly AdaptationRule[];
  /** The trigger's name. */
  readonly trigger: string;
  /** Global variables by id, local ones by `<agent>.<name>`. */
  readonly variables: ReadonlyMap<string, VariableState>;
  readonly history: readonly AdaptationRecord[];
  readonly now: number;
}

/** Decides what a trigger leads to (A1–A3). */
export function decideAdaptation(situation: RuleSituation): Decision {
  const rules = situation.rules
    .filter(({ on }) => 'trigger' in on && on.trigger === situation.trigger)
    .toSorted((a, b) => compareIds(a.id, b.id));
  if (rules.length === 0) return { kind: 'no-rule' };
  const changes: AdaptationChange[] = [];
  const notes: string[] = [];
  let resting = 0;
  for (const rule of rules) {
    const verdict = judgeRule(rule, situation, changes);
    if (verdict.kind === 'change') changes.push(verdict.change);
    else notes.push(`${rule.id}: ${verdict.reason}`);
    if (verdict.kind === 'resting') resting++;
  }
  const reason = notes.join('; ');
  const [first] = changes;
  if (first !== undefined) {
    return { kind: 'adapt', rule: first.rule, changes, ...(reason === '' ? {} : { reason }) };
  }
  return { kind: resting === rules.length ? 'cooldown' : 'noop', reason };
}

type Verdict =
  | { readonly kind: 'change'; readonly change: AdaptationChange }
  | { readonly kind: 'resting' | 'unfit'; readonly reason: string };

function judgeRule(
  rule: AdaptationRule,
  situation: RuleSituation,
  earlier: readonly AdaptationChange[],
): Verdict {
  const rest = restLeft(rule, situation);
  if (rest > 0) return { kind: 'resting', reason: `rests for another ${Math.ceil(rest)} ms` };
  const before = earlier.find((change) => change.variable === rule.adapt);
  if (before !== undefined) return { kind: 'unfit', reason: `${before.rule} already changes ${rule.adapt}` };
  const variable = situation.variables.get(rule.adapt);
  if (variable === undefined) return { kind: 'unfit', reason: `there is no variable ${rule.adapt}` };
  const modified = modifyValue(variable.definition, variable.value, rule.by);
  if (modified.kind === 'unfit') return modified;
  const valid = validateValue(variable.definition, modified.value);
  if (valid.kind === 'invalid') return { kind: 'unfit', reason: `${valid.field}: ${valid.message}` };
  if (sameJson(valid.value, variable.value)) return { kind: 'unfit', reason: 'the value is already so' };
  const change = { rule: rule.id, variable: rule.adapt, from: variable.value, to: valid.value };
  return { kind: 'change', change };
}

/** How long the rule still rests, in ms (A3). */
function restLeft(rule: AdaptationRule, { history, now }: RuleSituation): number {
  const acted = history
    .filter((record) => record.changes.some((change) => change.rule === rule.id))
    .map((record) => Date.parse(record.committedAt ?? record.at));
  return Math.max(...acted, Number.NEGATIVE_INFINITY) + rule.cooldownMs - now;
}

type Modified =
  | { readonly kind: 'modified'; readonly value: unknown }
  | { readonly kind: 'unfit'; readonly reason: string };

/**
 * The value a modification makes of a value. `increase` and `decrease` stop at the domain's ends and stay on its steps;
 * `add` keeps the order and appends. A modification that does not fit the kind of value is `unfit`.
 */
export function modifyValue(definition: VariableDefinition, value: unknown, by: Modification): Modified {
  if ('set' in by) return { kind: 'modified', value: by.set };
  if ('add' in by || 'remove' in by) {
    if (definition.kind !== 'agent-selection') return unfit(by, 'an agent-selection');
    const selected = selectedIn(value);
    if ('remove' in by)
      return { kind: 'modified', value: selected.filter((agent) => !by.remove.includes(agent)) };
    return { kind: 'modified', value: [...selected, ...by.add.filter((agent) => !selected.includes(agent))] };
  }
  if (typeof value !== 'number') return unfit(by, 'a number');
  const wanted = value + ('increase' in by ? by.increase : -by.decrease);
  return { kind: 'modified', value: intoDomain(definition, wanted) };
}

function unfit(by: Modification, needed: string): Modified {
  return { kind: 'unfit', reason: `"${Object.keys(by).join()}" needs ${needed}` };
}

/** The number nearest to the wanted one that lies on the domain's steps and between its ends. */
function intoDomain({ domain }: VariableDefinition, wanted: number): number {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, step } = domain;
  const inside = Math.min(max, Math.max(min, wanted));
  if (step === undefined) return readable(inside);
  const origin = Number.isFinite(min) ? min : 0;
  // A hair more than the quotient: (0.3 - 0) / 0.1 falls just short of 3.
  const last = Math.floor((max - origin) / step + 1e-9);
  return readable(origin + Math.min(last, Math.round((inside - origin) / step)) * step);
}

/** Twelve digits: 0.1 + 0.2 is 0.3 for people who read the value. */
function readable(value: number): number {
  return Number(value.toPrecision(12));
}
