/**
 * A run of the mail desk: the platform, two teams on the same mail, and the summary. The desk adapts by its rule; the
 * control is the same team in a space of its own from which only the revisions of its rules are withheld.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus, type Bus } from '@mabeam/bus';
import type { SpaceDefinition } from '@mabeam/orchestrator';
import { flushTelemetry, readTrace, startTelemetry, type Trace } from '@mabeam/telemetry';
import { startDev, type DevSession } from 'mabeam/dev';
import { whatBecame } from './became.ts';
import { openCorpus, type Corpus } from './corpus.ts';
import { defaultDeskSettings } from './desk-settings.ts';
import { feedDesk, type JudgedMail, type QueuedMail } from './feed.ts';
import type { Label } from './mail-entry.ts';
import type { DeskOptions } from './options.ts';
import { seededRandom } from './seeded.ts';
import { summaryOf, type Summary } from './summary.ts';
import { giveExamples, readExamples } from './examples.ts';
import type { ScoredVerdict } from './messages.ts';
import { readTeams } from './team.ts';
import { endOf, shareOf, type Trial } from './trials.ts';
import { Witness } from './witness.ts';

/** What a run tells while it goes on. */
export interface DeskHooks {
  /** Before the first mail. What it promises is waited for before the platform stops. */
  readonly onReady?: (session: DevSession, bus: Bus) => Promise<void> | void;
  readonly onTotal?: (total: number) => void;
  readonly onJudged?: (mail: JudgedMail) => void;
  readonly onNote?: (line: string) => void;
}

export interface DeskResult {
  readonly summary: Summary;
  readonly mails: readonly JudgedMail[];
  readonly control: readonly JudgedMail[];
  /** The journey of one mail, when one was sampled. */
  readonly trace: Trace | undefined;
}

const inFlight = 8;
const stallMs = 60_000;
const readyMs = 30_000;
const traceWaitMs = 10_000;

/** Runs the desk to its end. Whatever happens, everything it started is stopped before it returns or throws. */
export async function runDesk(options: DeskOptions, hooks: DeskHooks = {}): Promise<DeskResult> {
  const corpus = await openCorpus(corpusOptions(options));
  const queue = corpus.phases.flatMap(({ entries }, phase) => entries.map((entry) => ({ entry, phase })));
  const folder = await mkdtemp(join(tmpdir(), 'mail-desk-'));
  try {
    const labels = join(folder, 'labels.json');
    await writeFile(labels, JSON.stringify(knownLabels(queue, options.seed)));
    const hasLabels = queue.some(({ entry }) => entry.label !== undefined);
    const { model, saboteur = false } = options;
    const more = { saboteur, isWholeBench: !hasLabels, ...(model === undefined ? {} : { model }) };
    const teams = await readTeams({ labels, ...more });
    const spaces = hasLabels ? [teams.desk, teams.control] : [teams.desk];
    return await runTeams({ corpus, queue, spaces, examples: await readExamples(options) }, hooks);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function corpusOptions({ seed, limit, input }: DeskOptions): Parameters<typeof openCorpus>[0] {
  if (input !== undefined) return { seed, input, ...(limit === undefined ? {} : { limit }) };
  return { seed, limit: limit ?? defaultDeskSettings().limit };
}

/** The labels the auditor is given: a share of the labelled mails, drawn by the seed. */
function knownLabels(queue: readonly QueuedMail[], seed: number): Record<string, Label> {
  const random = seededRandom(seed + 7_919);
  const drawn = queue.filter(() => random() < defaultDeskSettings().feedbackShare);
  return Object.fromEntries(
    drawn.flatMap(({ entry: { id, label } }) => (label === undefined ? [] : [[id, label]])),
  );
}

interface Run {
  readonly corpus: Corpus;
  readonly queue: readonly QueuedMail[];
  readonly spaces: readonly SpaceDefinition[];
  readonly examples: readonly ScoredVerdict[];
}

async function runTeams({ corpus, queue, spaces, examples }: Run, hooks: DeskHooks): Promise<DeskResult> {
  const { onNote } = hooks;
  await using session = await startDev({ spaces, ...(onNote === undefined ? {} : { onProgress: onNote }) });
  await using bus = await connectBus({ url: session.url, name: 'mail desk' });
  await using _telemetry = startTelemetry({ service: 'mail-desk', process: 'mail-desk', bus });
  await Promise.all(spaces.map(({ space }) => giveExamples(bus, space, examples)));
  await using desk = await Witness.open(bus, 'mail-desk', {
    onAdapted: ({ rule, triggerToAppliedMs }) =>
      onNote?.(`adapted: ${rule}, applied ${triggerToAppliedMs} ms after its trigger`),
    onTrial: (trial) => onNote?.(trialNote(trial)),
  });
  await using control = spaces.length > 1 ? await Witness.open(bus, 'mail-desk-control') : undefined;
  const witnesses = control === undefined ? [desk] : [desk, control];
  await Promise.all(witnesses.map((witness, at) => witness.whenActive(initialTeam(spaces[at]), readyMs)));
  const watching = Promise.resolve(hooks.onReady?.(session, bus));
  // It is waited for at the end; this only keeps a failure from being reported before.
  watching.catch(() => undefined);
  hooks.onTotal?.(queue.length * spaces.length);
  onNote?.(
    `judging ${queue.length} mails (${corpus.phases.map(({ name, entries }) => `${entries.length} ${name}`).join(', ')})`,
  );
  const startedAt = performance.now();
  const feed = { inFlight, stallMs, ...(hooks.onJudged === undefined ? {} : { onJudged: hooks.onJudged }) };
  const [mails = [], controlled = []] = await Promise.all(
    spaces.map(({ space }) => feedDesk(bus, space, queue, feed)),
  );
  const elapsedMs = performance.now() - startedAt;
  const trace = await sampledTrace(bus, mails);
  const pids = witnesses.flatMap(({ pids: seen }) => seen);
  const facts = {
    mails,
    control: controlled,
    adaptations: desk.adaptations,
    ...(await whatBecame(bus, spaces[0], desk)),
    pids,
    elapsedMs,
    traceId: trace?.traceId ?? null,
  };
  await watching;
  return { summary: summaryOf(facts), mails, control: controlled, trace };
}

function trialNote(trial: Trial): string {
  if (trial.outcome === null) return `on trial: ${trial.by}, ${shareOf(trial)}`;
  return `judged: ${trial.by}, ${trial.outcome}, ${endOf(trial)}`;
}

/** The agents that run before anything has adapted. */
function initialTeam(definition: SpaceDefinition | undefined): string[] {
  const selections = definition?.variables.filter(({ kind }) => kind === 'agent-selection') ?? [];
  const chosen = new Set(
    selections.flatMap(({ initial }) => (Array.isArray(initial) ? initial.map(String) : [])),
  );
  const governed = new Set(selections.flatMap(({ agents }) => agents));
  return (definition?.agents ?? []).map(({ id }) => id).filter((id) => chosen.has(id) || !governed.has(id));
}

/** The whole journey of the last sampled mail; its spans are on their way when the last verdict is in. */
async function sampledTrace(bus: Bus, mails: readonly JudgedMail[]): Promise<Trace | undefined> {
  const traceId = mails.findLast((mail) => mail.traceId !== undefined)?.traceId;
  if (traceId === undefined) return undefined;
  await flushTelemetry(traceWaitMs);
  const giveUpAt = performance.now() + traceWaitMs;
  let trace = await readTrace(bus, traceId);
  while (performance.now() < giveUpAt && !isWhole(trace)) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    trace = await readTrace(bus, traceId);
  }
  return trace;
}

/** A journey has at least arrival, task, judge and two specialists, and no span without its parent. */
function isWhole(trace: Trace | undefined): boolean {
  return trace !== undefined && trace.orphans.length === 0 && trace.processes.length >= 5;
}
