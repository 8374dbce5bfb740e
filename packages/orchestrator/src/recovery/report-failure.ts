/**
 * `command.space.<space>.fail`: somebody – a person, a program, a supervisor – says that an instance has failed, though its host sees it up.
 * The leader takes it for a failure like any other: it decides, writes it down, and the life ends. Both ends are here.
 */
import { agentErrors } from '@mabeam/agents';
import { errorsOf, subjects, type Bus, type ServedRequest, type Service } from '@mabeam/bus';
import { observedKey } from '@mabeam/cluster';
import { z } from 'zod';
import { issueText } from '../definition/issues.ts';
import { orchestratorError } from '../errors.ts';
import type { Term } from '../term/term.ts';
import { Recovery } from './perform-recovery.ts';
import type { AgentFailure } from './recovery-record.ts';

const agentError = errorsOf(agentErrors);
const maxAttempts = 3;

const reportSchema = z.strictObject({
  agent: z.string(),
  ordinal: z.int().min(0).default(0),
  incarnation: z.string().optional(),
  reason: z.string().min(1).max(1_024),
});

/** Which instance has failed, and why; without an incarnation the life that it has now. */
export type FailureReport = Readonly<z.input<typeof reportSchema>>;

/** `recorded`: it counts as a failure now, and what was decided; `noop`: it did already, or there is no such life. */
export interface FailureReported {
  readonly kind: 'recorded' | 'noop';
  readonly incarnation?: string;
  readonly outcome?: AgentFailure['outcome'];
}

/** Says that an instance has failed. Throws `unknown-agent`, `invalid-report`, the retryable `leader-deposed`, and what a request throws. */
export async function reportFailure(
  bus: Bus,
  space: string,
  report: FailureReport,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<FailureReported> {
  // The leader's answer is this by construction.
  return (await bus.request(
    subjects(space).command('space', space, 'fail'),
    report,
    options,
  )) as FailureReported;
}

/** Serves the command until the service is closed. */
export function serveFailureReports(term: Term): Service {
  const recovery = new Recovery(term);
  const subject = term.subjects.command('space', term.space, 'fail');
  return term.bus.serve(subject, (request) => take(term, recovery, request));
}

async function take(term: Term, recovery: Recovery, request: ServedRequest): Promise<FailureReported> {
  const parsed = reportSchema.safeParse(request.body);
  if (!parsed.success) {
    const message = `command.space.<space>.fail takes {agent, ordinal?, incarnation?, reason}: ${issueText(parsed.error)}`;
    throw orchestratorError('invalid-report', message);
  }
  const { mirror } = term;
  const { agent, ordinal, reason } = parsed.data;
  if (![...mirror.state.agents.values()].some(({ spec }) => spec.id === agent)) {
    throw agentError('unknown-agent', `${agent} is not defined in the space ${term.space}`, {
      details: { agent },
    });
  }
  const key = observedKey({ agent, ordinal });
  const present = mirror.observed.find((instance) => observedKey(instance) === key)?.incarnation;
  const { incarnation = present } = parsed.data;
  if (incarnation === undefined || mirror.recovery.isRecorded(agent, incarnation)) return noop(incarnation);
  if (incarnation !== present) return noop(incarnation);
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    if (await recovery.report(agent, incarnation, reason)) {
      const { failures = [] } = mirror.state.recoveries.get(agent)?.record ?? {};
      const outcome = failures.find((failure) => failure.incarnation === incarnation)?.outcome;
      return { kind: 'recorded', incarnation, ...(outcome === undefined ? {} : { outcome }) };
    }
    await mirror.refresh();
  }
  throw orchestratorError('leader-deposed', `${agent}: its failure could not be written down; ask again`);
}

function noop(incarnation: string | undefined): FailureReported {
  return { kind: 'noop', ...(incarnation === undefined ? {} : { incarnation }) };
}
