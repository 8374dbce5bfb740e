/**
 * What a trigger or an event leads to: the rules that answer it, applied to the values of now. Pure.
 *
 * A1 A rule answers when it names the occasion and its `where` holds. The larger `priority` goes first, then the smaller id. A variable
 *    is changed once; a later rule for it is passed over, and the decision says so.
 * A2 A proposed value is valid in its domain and constraints, else it is not proposed.
 * A3 A rule rests for `cooldownMs` after it has changed something, or that was taken back, and makes at most `atMost.changes` in any
 *    `atMost.perMs`. Resting is an outcome, not an error.
 * A4 A variable does not swing (oscillation.ts), and is left alone while a guard judges its last change.
 * A5 One guarded change a time: two that are judged at once could not be told apart. It is data; who performs it is not seen here.
 */
import { sameJson, validateValue, type VariableDefinition, type VariableState } from '@mabeam/variables';
import type { AdaptationChange, AdaptationRecord } from './adaptation-record.ts';
import type { AdaptationRule, Modification } from './adaptation-rule.ts';
import { failedCondition, fieldAt, type ConditionSubject } from './conditions.ts';
import { compareIds, selectedIn } from '../instances/desired.ts';
import { holdLeft } from './oscillation.ts';
import type { Guard } from '../rollout/guard.ts';

/** A change that is to be judged afterwards, and taken back when it was for the worse. */
export interface GuardedChange {
  /** With the share of conversations that see it meanwhile, when the rule names a canary. */
  readonly guard: Guard;
  readonly change: AdaptationChange;
}

/** What an occasion leads to, and why when it changes nothing. */
export type Decision =
  | {
      readonly kind: 'adapt';
      /** The first that changes something. */
      readonly rule: string;
      /** What is changed at once and for good. */
      readonly changes: readonly AdaptationChange[];
      /** What is handed to a rollout (A5). */
      readonly guarded?: GuardedChange;
      readonly reason?: string;
    }
  | { readonly kind: 'noop'; readonly reason: string }
  | { readonly kind: 'cooldown'; readonly reason: string }
  | { readonly kind: 'no-rule'; readonly reason?: string };

/** What happened: a trigger by its name, or an event by its kind, `<noun>.<id>.<verb>`. */
export type Occasion = { readonly trigger: string } | { readonly event: string };

/** All that the decision looks at. */
export interface RuleSituation extends ConditionSubject {
  readonly rules: readonly AdaptationRule[];
  readonly occasion: Occasion;
  /** Global variables by id, local ones by `<agent>.<name>`. */
  readonly variables: ReadonlyMap<string, VariableState>;
  readonly history: readonly AdaptationRecord[];
  readonly now: number;
}

/** Decides what an occasion leads to (A1–A5). */
export function decideAdaptation(situation: RuleSituation): Decision {
  const named = situation.rules.filter(({ on }) => isOccasion(on, situation.occasion)).toSorted(inOrder);
  const rules: AdaptationRule[] = [];
  const notes: string[] = [];
  for (const rule of named) {
    const failed = failedCondition(rule.where ?? {}, situation);
    if (failed === undefined) rules.push(rule);
    else notes.push(`${rule.id}: ${failed} is not as its \`where\` asks`);
  }
  if (rules.length === 0) return { kind: 'no-rule', ...reasonOf(notes) };
  const made: { readonly change: AdaptationChange; readonly guard: Guard | undefined }[] = [];
  let resting = 0;
  for (const rule of rules) {
    const before = made.map(({ change }) => change);
    const isJudging = made.some(({ guard }) => guard !== undefined);
    const verdict = judgeRule(rule, situation, before);
    if (verdict.kind === 'change' && isJudging && rule.guard !== undefined) {
      notes.push(`${rule.id}: one guarded change a time; another of this occasion goes first`);
    } else if (verdict.kind === 'change') made.push({ change: verdict.change, guard: guardOf(rule) });
    else notes.push(`${rule.id}: ${verdict.reason}`);
    if (verdict.kind === 'resting') resting++;
  }
  const [first] = made;
  if (first === undefined)
    return { kind: resting === rules.length ? 'cooldown' : 'noop', reason: notes.join('; ') };
  const guarded = made.flatMap(({ change, guard }) => (guard === undefined ? [] : { change, guard }))[0];
  const changes = made.filter(({ guard }) => guard === undefined).map(({ change }) => change);
  return {
    kind: 'adapt',
    rule: first.change.rule,
    changes,
    ...(guarded === undefined ? {} : { guarded }),
    ...reasonOf(notes),
  };
}

function reasonOf(notes: readonly string[]): { readonly reason?: string } {
  return notes.length === 0 ? {} : { reason: notes.join('; ') };
}

/** A1: the larger priority, then the smaller id. */
function inOrder(a: AdaptationRule, b: AdaptationRule): number {
  return (b.priority ?? 0) - (a.priority ?? 0) || compareIds(a.id, b.id);
}

/** Is this the occasion that a rule names? A filter of two words leaves the id of an event open; `*` stands for any one word. */
function isOccasion(on: AdaptationRule['on'], occasion: Occasion): boolean {
  if ('trigger' in on) return 'trigger' in occasion && occasion.trigger === on.trigger;
  if (!('event' in occasion)) return false;
  const [first = '', second = '', third] = on.event.split('.');
  const filter = third === undefined ? [first, '*', second] : [first, second, third];
  const words = occasion.event.split('.');
  return words.length === 3 && filter.every((word, index) => word === '*' || word === words[index]);
}

/** Does a rule answer this occasion (A1)? */
export function doesAnswer(rule: AdaptationRule, occasion: Occasion, subject: ConditionSubject): boolean {
  return isOccasion(rule.on, occasion) && failedCondition(rule.where ?? {}, subject) === undefined;
}

function guardOf({ canary, guard }: AdaptationRule): Guard | undefined {
  return guard === undefined ? undefined : { ...guard, ...(canary === undefined ? {} : { share: canary }) };
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
  if (rest !== undefined) return { kind: 'resting', reason: rest };
  const before = earlier.find((change) => change.variable === rule.adapt);
  if (before !== undefined) return { kind: 'unfit', reason: `${before.rule} already changes ${rule.adapt}` };
  const variable = situation.variables.get(rule.adapt);
  if (variable === undefined) return { kind: 'unfit', reason: `there is no variable ${rule.adapt}` };
  const modified = modifyValue(variable.definition, variable.value, rule.by, situation);
  if (modified.kind === 'unfit') return modified;
  const valid = validateValue(variable.definition, modified.value);
  if (valid.kind === 'invalid') return { kind: 'unfit', reason: `${valid.field}: ${valid.message}` };
  if (sameJson(valid.value, variable.value)) return { kind: 'unfit', reason: 'the value is already so' };
  const change = { rule: rule.id, variable: rule.adapt, from: variable.value, to: valid.value };
  const unsteady = unsteadiness(change, situation);
  return unsteady === undefined ? { kind: 'change', change } : { kind: 'unfit', reason: unsteady };
}

/** Why the rule rests; undefined when it does not (A3). */
function restLeft(rule: AdaptationRule, { history, now }: RuleSituation): string | undefined {
  const acted = history
    .filter((record) => record.changes.some((change) => change.rule === rule.id))
    .map(actedAt);
  const cooldown = Math.max(...acted, Number.NEGATIVE_INFINITY) + rule.cooldownMs - now;
  if (cooldown > 0) return `rests for another ${Math.ceil(cooldown)} ms`;
  const { atMost } = rule;
  if (atMost === undefined) return undefined;
  const recent = acted.filter((at) => at > now - atMost.perMs).toSorted((a, b) => a - b);
  const freeAt = (recent.at(-atMost.changes) ?? Number.NEGATIVE_INFINITY) + atMost.perMs;
  if (freeAt <= now) return undefined;
  const limit = `at most ${atMost.changes} in ${atMost.perMs} ms`;
  return `rests for another ${Math.ceil(freeAt - now)} ms: ${limit}`;
}

/** Why the variable may not be changed so now, although the value would be valid; undefined when it may (A4). */
export function unsteadiness(
  { from, to, variable }: Pick<AdaptationChange, 'from' | 'to' | 'variable'>,
  { history, now }: Pick<RuleSituation, 'history' | 'now'>,
): string | undefined {
  const records = history.filter(({ changes }) => changes.some((change) => change.variable === variable));
  if (records.some(({ outcome }) => outcome === 'evaluating'))
    return `in-flight: a guard is judging the last change of ${variable}`;
  const made = records.flatMap((record) =>
    record.changes
      // What a person had changed has no rule, and is not held against the rules (docs/decisions/0017).
      .filter((change) => change.variable === variable && change.rule !== '')
      .map((change) => ({ from: change.from, to: change.to, at: committedAt(record) })),
  );
  const left = holdLeft(made, { from, to, at: now });
  if (left === 0) return undefined;
  return `oscillation: ${variable} would turn round again; it holds for another ${Math.ceil(left)} ms`;
}

/** When a record last did something, in ms since the epoch: what was taken back is not tried again in the cooldown after that. */
function actedAt(record: AdaptationRecord): number {
  const endedAt = record.undoneAt ?? record.rollout?.decision?.evidence.decidedAt;
  return endedAt === undefined ? committedAt(record) : Date.parse(endedAt);
}

/**
 * When an adaptation last did something, in ms since the epoch: it changed its variables, a guard decided about that, or somebody took
 * it back.
 */
export function lastActedAt(record: AdaptationRecord): number {
  return Math.max(committedAt(record), actedAt(record));
}

/** When the changes of a record were made, in ms since the epoch. */
function committedAt(record: AdaptationRecord): number {
  return Date.parse(record.committedAt ?? record.at);
}

type Modified =
  | { readonly kind: 'modified'; readonly value: unknown }
  | { readonly kind: 'unfit'; readonly reason: string };

/**
 * The value a modification makes of a value. `increase` and `decrease` stop at the domain's ends and stay on its steps;
 * `add` keeps the order and appends; `take` takes what the subject brings, as it is. A modification that does not fit the kind of value
 * is `unfit`.
 */
export function modifyValue(
  definition: VariableDefinition,
  value: unknown,
  by: Modification,
  subject: ConditionSubject = { body: undefined },
): Modified {
  if ('set' in by) return { kind: 'modified', value: by.set };
  if ('take' in by) {
    const { to, from } = typeof by.take === 'string' ? { to: by.take } : by.take;
    const field = fieldAt(subject, to);
    if (field === undefined) return { kind: 'unfit', reason: `it brings no ${to}` };
    const isMeant = from === undefined || sameJson(fieldAt(subject, from)?.value, value);
    if (!isMeant) return { kind: 'unfit', reason: `${definition.id} has another value than its ${from}` };
    return { kind: 'modified', value: field.value };
  }
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
