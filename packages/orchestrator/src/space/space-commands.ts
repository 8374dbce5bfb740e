/**
 * What a program asks the leader of a space to do at once, and the leader's answers. The leader decides by what its loop decides by.
 *
 *   command.space.<space>.coordinate     {timeoutMs?}    every value comes to hold, and the agents confirm it
 *   command.space.<space>.auto-scale     {}              a look at all scaling policies, now
 *   command.space.<space>.adapt-system   {metrics}       each variable with a policy adapts, if these figures call for it
 */
import type { Service } from '@mabeam/bus';
import { z } from 'zod';
import { adaptByPolicy } from '../adaptation/adapt-by-policy.ts';
import type { AdaptationChange } from '../adaptation/adaptation-record.ts';
import { issueText } from '../definition/issues.ts';
import { orchestratorError } from '../errors.ts';
import type { Autoscaler } from '../scaling/autoscale.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';
import { assertMetrics } from '../strategies/measure.ts';
import type { Term } from '../term/term.ts';
import { coordinateSpace } from './coordinate-space.ts';

/** What became of one variable when the space was to adapt. */
export type VariableAdapted =
  | { readonly kind: 'steady'; readonly variable: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly variable: string; readonly code: string; readonly reason: string }
  | {
      readonly kind: 'changed' | 'rejected';
      readonly variable: string;
      readonly change: AdaptationChange;
      readonly reason: string;
    };

const usualTimeoutMs = 10_000;
const marginMs = 200;

const coordinateBody = z.strictObject({ timeoutMs: z.int().min(1).optional() });
const adaptBody = z.strictObject({ metrics: z.unknown() });

/** Serves the commands until the services are closed. */
export function serveSpaceCommands(term: Term, autoscaler: Autoscaler): readonly Service[] {
  const at = (verb: string): string => term.subjects.at(`command.space.${term.space}.${verb}`);
  return [
    term.bus.serve(at('coordinate'), ({ body, remainingMs = usualTimeoutMs }) => {
      const { timeoutMs = usualTimeoutMs } = read(coordinateBody, body, 'coordinate');
      return coordinateSpace(term, Math.max(marginMs, Math.min(timeoutMs, remainingMs - marginMs)));
    }),
    term.bus.serve(at('auto-scale'), () => autoscaler.look()),
    term.bus.serve(at('adapt-system'), ({ body }) => {
      const { metrics } = read(adaptBody, body, 'adapt-system');
      assertMetrics(metrics);
      return adaptVariables(term, metrics);
    }),
  ];
}

/** One variable after the other: each sees what the one before has changed. */
async function adaptVariables(term: Term, metrics: PerformanceMetrics): Promise<readonly VariableAdapted[]> {
  const { mirror } = term;
  const adapted: VariableAdapted[] = [];
  const policies = [...mirror.state.view.variables.values()].filter(
    ({ definition }) => definition.adaptation !== undefined,
  );
  for (const { id } of policies) {
    const variable = mirror.state.view.variables.get(id);
    if (variable === undefined) continue;
    if (mirror.freeze !== undefined) {
      adapted.push({ kind: 'steady', variable: id, reason: 'the space is frozen' });
      continue;
    }
    const outcome = await adaptByPolicy(term, variable, { windows: [metrics], proposals: [] });
    adapted.push(
      outcome.kind === 'failed'
        ? { kind: 'failed', variable: id, code: outcome.error.code, reason: outcome.error.message }
        : { ...outcome, variable: id },
    );
  }
  return adapted;
}

function read<T>(schema: z.ZodType<T>, body: unknown, verb: string): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const message = `command.space.<space>.${verb}: ${issueText(parsed.error)}`;
  throw orchestratorError('invalid-space-command', message, { details: { verb } });
}
