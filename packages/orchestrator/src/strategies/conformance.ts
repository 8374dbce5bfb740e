/**
 * What every way of adapting a variable has to keep, as cases to run: our strategies and anybody's handler alike. No test framework is
 * needed; a case throws when it does not hold.
 *
 *   for (const { check, name } of adaptationCases()) test(name, () => check(handlerSubject(myHandler)));
 */
import assert from 'node:assert/strict';
import { customVariable, validateValue, type AdaptationPolicy, type VariableState } from '@mabeam/variables';
import { adaptVariable, type Adaptation, type AdaptationSituation } from './adapt-variable.ts';
import type { AdaptationRecord } from '../adaptation/adaptation-record.ts';
import type { NamedHandler } from '../handlers/serve-handler.ts';
import { readAdaptationAnswer } from '../handlers/handler-form.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';

/** A way of adapting, as the cases call it. `adaptVariable` is one. */
export type AdaptationSubject = (
  variable: VariableState,
  windows: readonly PerformanceMetrics[],
  situation: AdaptationSituation,
) => Adaptation | Promise<Adaptation>;

/** A case: it holds, or it throws. */
export interface AdaptationCase {
  readonly name: string;
  readonly check: (subject: AdaptationSubject) => Promise<void>;
}

/** What the cases give: a number from 0 to 10 in steps of 1, now 5, judged by `performance`, bad below 0.7. */
export interface CaseOptions {
  readonly strategy?: AdaptationPolicy['strategy'];
  /** A definition to use in its place; its policy must look at `performance`, bad below 0.7. */
  readonly variable?: VariableState;
}

const now = 1_000_000;
const windowMs = 1_000;

/** A subject out of a handler: it is asked, and what it says is judged as it is in a running space. */
export function handlerSubject(handler: NamedHandler): AdaptationSubject {
  return async (variable, windows, situation) => {
    const definition = variable.definition;
    const policy = definition.adaptation;
    if (policy === undefined) return adaptVariable(variable, windows, situation);
    const question = {
      v: 1,
      kind: 'adaptation',
      variable: variable.id,
      value: variable.value,
      metrics: windows,
    } as const;
    const read = readAdaptationAnswer(await handler.run(question, { signal: new AbortController().signal }));
    assert.ok(
      'answer' in read,
      `the handler ${handler.name} answered what is ${'why' in read ? read.why : ''}`,
    );
    const { reason, value } = read.answer;
    const suggestion =
      value === undefined ? { kind: 'steady' as const } : { kind: 'change' as const, value, reason };
    const named = { ...definition, adaptation: { ...policy, handler: handler.name } };
    return adaptVariable({ ...variable, definition: named }, windows, { ...situation, suggestion });
  };
}

/** The cases. */
export function adaptationCases(options: CaseOptions = {}): readonly AdaptationCase[] {
  const variable = options.variable ?? exampleVariable(options.strategy ?? 'reactive');
  const bad = windowsOf([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]);
  const good = windowsOf([0.8, 0.82, 0.84, 0.86, 0.88, 0.9, 0.92]);
  const calm = situationOf(variable);
  const movesNothing = async (
    subject: AdaptationSubject,
    windows: typeof bad,
    given = calm,
  ): Promise<void> => {
    const adaptation = await subject(variable, windows, given);
    assert.equal(adaptation.kind, 'steady', `it moves: ${JSON.stringify(adaptation)}`);
  };
  return [
    {
      name: 'figures that are good and get better move nothing',
      check: (subject) => movesNothing(subject, good),
    },
    {
      name: 'figures that are not known move nothing',
      check: (subject) => movesNothing(subject, windowsOf(Array.from({ length: 7 }, () => undefined))),
    },
    {
      name: 'an adaptation-rate of 0 moves nothing, however bad the figures are',
      check: (subject) => movesNothing(subject, bad, withRate(calm, 0)),
    },
    {
      name: 'while its last change is under way nothing moves',
      check: (subject) =>
        movesNothing(subject, bad, { ...calm, history: [recordOf(variable, 'committed', now - 500_000)] }),
    },
    {
      name: 'within the cooldown nothing moves',
      check: (subject) =>
        movesNothing(subject, bad, { ...calm, history: [recordOf(variable, 'applied', now - 1)] }),
    },
    {
      name: 'what is proposed is another value, and one the variable may have',
      check: async (subject) => {
        const adaptation = await subject(variable, bad, calm);
        if (adaptation.kind !== 'change') return;
        assert.equal(validateValue(variable.definition, adaptation.change.to).kind, 'valid');
        assert.notDeepEqual(adaptation.change.to, variable.value);
        assert.deepEqual(adaptation.change.from, variable.value);
      },
    },
    {
      name: 'a small adaptation-rate makes small steps',
      check: async (subject) => {
        const adaptation = await subject(variable, bad, withRate(calm, 0.1));
        const { max = Infinity, min = -Infinity } = variable.definition.domain;
        if (adaptation.kind !== 'change' || typeof variable.value !== 'number') return;
        assert.ok(Math.abs(Number(adaptation.change.to) - variable.value) <= 0.1 * (max - min) + 1e-9);
      },
    },
    {
      name: 'a figure that is no number is invalid-metrics, and nothing else',
      check: async (subject) => {
        const broken = bad.with(3, { ...(bad[3] ?? pictureOf(0, 1)), aggregatePerformance: Number.NaN });
        const adaptation = await subject(variable, broken, calm);
        assert.equal(
          adaptation.kind === 'failed' ? adaptation.error.code : adaptation.kind,
          'invalid-metrics',
        );
      },
    },
    {
      name: 'the same input gives the same answer, and is left as it was',
      check: async (subject) => {
        const before = JSON.stringify([variable, bad]);
        const first = await subject(variable, bad, calm);
        assert.deepEqual(await subject(variable, bad, calm), first);
        assert.equal(JSON.stringify([variable, bad]), before);
      },
    },
  ];
}

function exampleVariable(strategy: AdaptationPolicy['strategy']): VariableState {
  const definition = customVariable('dial', {
    initial: 5,
    min: 0,
    max: 10,
    step: 1,
    adaptation: { strategy, metric: 'performance', direction: 'below', target: 0.7 },
  });
  return { id: 'dial', definition, definitionRevision: 1, value: 5, revision: 0, keyRevision: 0 };
}

function situationOf(variable: VariableState): AdaptationSituation {
  return { variables: new Map([[variable.id, variable]]), history: [], now };
}

function withRate(situation: AdaptationSituation, rate: number): AdaptationSituation {
  const definition = {
    ...customVariable('rate', { initial: rate }),
    kind: 'adaptation-rate' as const,
  };
  const state = { id: 'rate', definition, definitionRevision: 1, value: rate, revision: 0, keyRevision: 0 };
  return { ...situation, variables: new Map([...situation.variables, ['rate', state]]) };
}

function recordOf(
  { id, value }: VariableState,
  outcome: AdaptationRecord['outcome'],
  at: number,
): AdaptationRecord {
  const iso = new Date(at).toISOString();
  const changes = [{ rule: 'earlier', variable: id, from: value, to: value }];
  const about = { v: 1, source: '', id: iso, trigger: '', rule: 'earlier', changes, outcome } as const;
  return { ...about, at: iso, triggeredAt: iso, committedAt: iso };
}

/** Pictures of windows, the last of them now, in which the whole performed so. */
export function windowsOf(figures: readonly (number | undefined)[]): readonly PerformanceMetrics[] {
  return figures.map((figure, index) => pictureOf(figure, figures.length - index));
}

function pictureOf(figure: number | undefined, windowsAgo: number): PerformanceMetrics {
  return {
    at: now - (windowsAgo - 1) * windowMs,
    windowMs,
    samples: { calls: figure === undefined ? 0 : 10, scores: 0 },
    aggregatePerformance: figure,
    agents: {},
    resourceUtilization: { memory: undefined, cpu: undefined, network: undefined, storage: undefined },
    communicationEfficiency: 1,
    adaptationSuccessRate: undefined,
    faultRecoveryTimeMs: undefined,
  };
}
