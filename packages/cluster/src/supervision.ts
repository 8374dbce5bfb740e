/**
 * Supervision: may a process that ended be started again, and when. Pure: the caller performs the decision.
 *
 * S1  In any window of `windowMs` there are at most `maxFailures` restarts; one more is an escalation.
 * S2  A process that was asked to end is never started again.
 * S3  permanent: started again after any ending; transient: after an abnormal one; temporary: never.
 * S4  The n-th restart in a window waits between half of and all of `backoffMs` · 2ⁿ⁻¹, never more than `backoffMaxMs`.
 */

/** After which endings a process is started again. */
export type RestartType = 'permanent' | 'transient' | 'temporary';

/** How a process ended; `asked` when we told it to, `failure` when it could not even be started. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly asked: boolean;
  readonly failure?: string;
}

/** How often and how fast a process may be started again. */
export interface RestartPolicy {
  readonly maxFailures: number;
  readonly windowMs: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

/** Three restarts a minute, after 100, 200 and 400 ms at most. */
export const defaultRestartPolicy: RestartPolicy = {
  maxFailures: 3,
  windowMs: 60_000,
  backoffMs: 100,
  backoffMaxMs: 30_000,
};

/** What to do after an ending: start again after a delay, rest (ended well or not), or give up. */
export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'done'; readonly outcome: 'stopped' | 'failed' }
  | { readonly kind: 'escalate'; readonly restarts: number };

/** What a decision is made from. */
export interface Ending {
  readonly type: RestartType;
  readonly exit: Exit;
  /** When earlier restarts took place (clock of `nowMs`), in any order. */
  readonly restartsAtMs: readonly number[];
  readonly nowMs: number;
  readonly policy?: RestartPolicy;
  /** A number in [0, 1): spreads the restarts of processes that died together. */
  readonly random: number;
}

/** Decides what follows an ending (S1–S4). */
export function decideRestart(ending: Ending): RestartDecision {
  const { type, exit, nowMs, random, policy = defaultRestartPolicy } = ending;
  const normal = exit.asked || isNormal(exit);
  const again = !exit.asked && (type === 'permanent' || (type === 'transient' && !normal));
  if (!again) return { kind: 'done', outcome: normal ? 'stopped' : 'failed' };
  const recent = ending.restartsAtMs.filter((atMs) => atMs > nowMs - policy.windowMs).length;
  if (recent >= policy.maxFailures) return { kind: 'escalate', restarts: recent };
  const limitMs = Math.min(policy.backoffMaxMs, policy.backoffMs * 2 ** recent);
  return { kind: 'restart', delayMs: Math.round(limitMs * (0.5 + random / 2)) };
}

/** The ending in words, for a reason a person reads: `exit code 1`, `signal SIGSEGV`. */
export function describeExit(exit: Exit): string {
  if (exit.failure !== undefined) return exit.failure;
  return exit.signal === null ? `exit code ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`;
}

function isNormal(exit: Exit): boolean {
  return exit.code === 0 && exit.signal === null && exit.failure === undefined;
}
