/**
 * Watching the metrics of a space, window by window: variables move by their own policies, and what is found in the figures becomes a
 * trigger for the rules that name it. What it remembers – the windows, the usual level – ends with the term: a new leader waits until
 * it has seen enough itself.
 *
 * W1 Nothing is done while the space is frozen, nor on windows from before.
 * W2 A trigger is stored only when a rule names it. Its identity is what is found, about whom, and the window's minute, so that two
 *    leaders who find the same say it once.
 */
import { readProposal } from '@mabeam/agents';
import { jsonBytes, MabeamError, pause, readBacklog, type BusMessage } from '@mabeam/bus';
import { adaptByPolicy, type PolicyOutcome } from './adapt-by-policy.ts';
import { openVotes, takeUpVote } from './hold-vote.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';
import {
  detectedTriggers,
  detectTriggers,
  firstBaseline,
  type DetectionBaseline,
  type DetectionEvidence,
  type Finding,
} from '../strategies/detect-triggers.ts';
import type { LocalProposal } from '../strategies/occasion.ts';
import type { Term } from '../term/term.ts';

/** How long a window is. */
export interface WatchOptions {
  /** Default 10 000. */
  readonly windowMs?: number;
}

const defaultWindowMs = 10_000;
/** So many windows are kept; a forecast needs five. */
const mostWindows = 60;

/** Watches until the term is over. */
export async function watchMetrics(
  term: Term,
  { windowMs = defaultWindowMs }: WatchOptions = {},
): Promise<void> {
  const { log, metrics, mirror, signal } = term;
  const proposals = new Map<string, LocalProposal[]>();
  await using _proposals = term.bus.subscribe(term.subjects.at('event.proposal.*.made'), (message) =>
    hearProposal(proposals, message),
  );
  const told = new Map<string, string>();
  let windows: readonly PerformanceMetrics[] = [];
  let baseline = firstBaseline;
  while (!signal.aborted) {
    await pause(windowMs, signal);
    if (signal.aborted) return;
    const heard = new Map(proposals);
    proposals.clear();
    if (mirror.freeze !== undefined) windows = [];
    if (mirror.freeze !== undefined || !isWatched(term)) continue;
    try {
      const now = metrics.metrics(mirror, Date.now(), { queues: await readQueues(term), windowMs });
      windows = [...windows, now].slice(-mostWindows);
      baseline = await raiseTriggers(term, now, baseline);
      await adaptVariables(term, { windows, heard, told });
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'the metrics of a window could not be looked at; the next one is');
    }
  }
}

/** Does anything depend on the metrics at all? */
function isWatched({ mirror }: Term): boolean {
  const { rules, view } = mirror.state;
  const hasPolicy = [...view.variables.values()].some(
    ({ definition }) => definition.adaptation !== undefined,
  );
  const isFound = (trigger: string): boolean => detectedTriggers.some((name) => name === trigger);
  if (openVotes(mirror.state).length > 0) return true;
  return hasPolicy || [...rules.values()].some(({ on }) => 'trigger' in on && isFound(on.trigger));
}

function hearProposal(proposals: Map<string, LocalProposal[]>, message: BusMessage): void {
  const read = readProposal(message);
  if (read === undefined) return;
  // One agent, one word: the newest counts.
  const others = (proposals.get(read.variable) ?? []).filter(({ agent }) => agent !== read.proposal.agent);
  proposals.set(read.variable, [...others, read.proposal]);
}

/** Tasks waiting for the agents that have a group, by agent. */
async function readQueues({ bus, mirror, names, subjects }: Term): Promise<ReadonlyMap<string, number>> {
  const queues = new Map<string, number>();
  const waiting = new Map<string, number>();
  for (const { spec } of mirror.state.agents.values()) {
    const { group, id } = spec;
    if (group === undefined) continue;
    const about = { stream: names.tasks, durable: group, filter: subjects.task(group) };
    const pending = waiting.get(group) ?? (await readBacklog(bus, about)).pending;
    waiting.set(group, pending);
    queues.set(id, pending);
  }
  return queues;
}

interface Watched {
  readonly windows: readonly PerformanceMetrics[];
  readonly heard: ReadonlyMap<string, readonly LocalProposal[]>;
  /** The last thing said of a variable, so that it is said once. */
  readonly told: Map<string, string>;
}

/** All variables with a policy, beside each other: one that waits for its voters does not hold up the others. */
async function adaptVariables(term: Term, { heard, told, windows }: Watched): Promise<void> {
  const { state } = term.mirror;
  const open = openVotes(state);
  const voted = new Set(open.map(({ record }) => record.proposal?.variable));
  const variables = [...state.view.variables.values()].filter(
    ({ definition, id }) => definition.adaptation !== undefined && !voted.has(id),
  );
  const perform = async (variable: string, work: Promise<PolicyOutcome>): Promise<void> => {
    const outcome = await work.catch(failureOf);
    if (!term.signal.aborted) tell(term, variable, outcome, told);
  };
  await Promise.all([
    ...open.map((vote) => perform(vote.record.proposal?.variable ?? vote.hash, takeUpVote(term, vote))),
    ...variables.map((variable) => {
      const proposals = heard.get(variable.id) ?? [];
      return perform(variable.id, adaptByPolicy(term, variable, { windows, proposals }));
    }),
  ]);
}

/** An error of ours is an outcome of that one variable; another ends the window. */
function failureOf(error: unknown): PolicyOutcome {
  if (!(error instanceof MabeamError)) throw error;
  return { kind: 'failed', error };
}

function tell({ log }: Term, variable: string, outcome: PolicyOutcome, told: Map<string, string>): void {
  if (outcome.kind === 'steady') {
    log.debug({ variable, reason: outcome.reason }, `${variable} stays as it is`);
    return;
  }
  if (outcome.kind !== 'failed') {
    told.delete(variable);
    const { change, kind, reason } = outcome;
    log.info({ variable, from: change.from, to: change.to, reason }, `${variable}: ${kind} by its policy`);
    return;
  }
  const { code, message } = outcome.error;
  if (told.get(variable) === code) return;
  told.set(variable, code);
  log.warn({ variable, code }, `${variable} cannot adapt: ${message}`);
}

/** W2. */
async function raiseTriggers(
  term: Term,
  metrics: PerformanceMetrics,
  baseline: DetectionBaseline,
): Promise<DetectionBaseline> {
  const seen = detectTriggers(metrics, baseline, evidenceOf(term));
  const named = new Set(
    [...term.mirror.state.rules.values()].flatMap(({ on }) => ('trigger' in on ? on.trigger : [])),
  );
  for (const finding of seen.findings) if (named.has(finding.trigger)) await raise(term, finding, metrics.at);
  return seen.baseline;
}

async function raise({ bus, log, subjects }: Term, finding: Finding, at: number): Promise<void> {
  const { reason, subject, trigger } = finding;
  const id = [trigger, ...(subject === undefined ? [] : [subject]), Math.floor(at / 60_000)].join('.');
  const body = { source: 'metrics', id, subject, reason };
  const headers = { 'Content-Type': 'application/json' };
  await bus.store(subjects.trigger(trigger), jsonBytes(body), { headers, messageId: id });
  log.info({ trigger, subject, reason }, `found in the metrics: ${trigger}`);
}

/** What is known beside the figures: who has failed, and below which level the whole is too bad. */
function evidenceOf({ mirror }: Term): DetectionEvidence {
  const held = new Set(mirror.leases.map(({ incarnation }) => incarnation));
  const failures = mirror.observed
    .filter(({ incarnation, status }) => status === 'failed' && !held.has(incarnation))
    .map(({ agent }) => agent);
  const bands = [...mirror.state.view.variables.values()].flatMap(({ definition, value }) => {
    if (definition.kind !== 'performance-threshold' || typeof value !== 'object' || value === null) return [];
    const isMeant = 'metric' in value && value.metric === 'performance' && value.direction === 'below';
    return isMeant && typeof value.warning === 'number' ? [value.warning] : [];
  });
  return {
    failures: [...new Set(failures)],
    ...(bands.length === 0 ? {} : { threshold: Math.max(...bands) }),
  };
}
