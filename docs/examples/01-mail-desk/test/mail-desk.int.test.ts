/** The mail desk as a whole: real processes, a real nats-server of its own, real mail. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseScore } from '@mabeam/agents';
import {
  connectBus,
  MabeamError,
  openEvents,
  openReplica,
  openTasks,
  parseJson,
  readBacklog,
  spaceNames,
  subjects,
  type Bus,
} from '@mabeam/bus';
import { parseObservedInstance } from '@mabeam/cluster';
import { readRounds } from '@mabeam/coordination';
import {
  openSpaceMirror,
  type AdaptationRecord,
  type SpaceDefinition,
  type SpaceMirror,
} from '@mabeam/orchestrator';
import { readTrace, type OtlpSpan, type Trace, type TraceNode } from '@mabeam/telemetry';
import { isAlive, waitFor } from '@mabeam/testing';
import { startDev, type DevSession } from 'mabeam/dev';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDesk } from '../src/desk.ts';
import { readExamples } from '../src/examples.ts';
import { renderSummary } from '../src/summary.ts';
import { readDefinition, withSaboteur } from '../src/team.ts';
import { Witness } from '../src/witness.ts';

const options = { seed: 3, out: '', json: false };

describe('the mail desk', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mail-desk-test-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it(
    'judges fifty hand-made messages, malformed ones among them, each exactly once',
    { timeout: 180_000 },
    async () => {
      const input = join(folder, 'hand-made.jsonl');
      const lines = Array.from({ length: 50 }, (_, n) => ({
        id: `hand-${n}`,
        raw:
          n % 10 === 9
            ? `no headers at all \u0000 ${n}`
            : `From: a${n}@example.org\nTo: b@example.org\nSubject: note ${n}\n\nHello, see you at ${n}.\n`,
        label: n % 2 === 0 ? 'ham' : 'spam',
      }));
      await writeFile(input, lines.map((line) => JSON.stringify(line)).join('\n'));
      const { summary, mails, control } = await runDesk({ ...options, input });
      expect(mails.map(({ id }) => id).toSorted()).toEqual(lines.map(({ id }) => id).toSorted());
      expect(summary).toMatchObject({ messages: 50, verdicts: 50, failures: 0, adaptations: [] });
      expect(control).toHaveLength(50);
      expect(summary.processes).toBeGreaterThanOrEqual(6);
      expect(mails.find(({ id }) => id === 'hand-9')?.result).toMatchObject({
        kind: 'ruled',
        ruling: { defects: expect.arrayContaining(['no-sender']) },
      });
    },
  );

  it(
    'own mail without labels is judged by the whole bench, which has learned from examples',
    { timeout: 180_000 },
    async () => {
      const input = join(folder, 'unlabelled.mbox');
      const lunch =
        'From: Ann <ann@example.org>\nSubject: lunch\n\nAre you free for lunch tomorrow at noon?\n';
      const win =
        'From: "WIN" <w@promo.biz>\nSubject: FREE CASH!!!\nContent-Type: text/html\n\n<a href="http://1.2.3.4/w">CLICK HERE</a> to claim your FREE money, 100% guaranteed!!!\n';
      await writeFile(
        input,
        [lunch, win].map((mail) => `From x@y Mon Jan  1 00:00:00 2024\n${mail}\n`).join(''),
      );
      const { mails, control, summary } = await runDesk({ ...options, input });
      const rulings = mails.flatMap(({ result }) => (result.kind === 'ruled' ? [result.ruling] : []));
      expect(rulings.map(({ opinions }) => Object.keys(opinions).length)).toEqual([4, 4]);
      const [ham, spam] = rulings.toSorted((a, b) => a.probability - b.probability);
      expect([ham?.id, spam?.label]).toEqual(['unlabelled-00001', 'spam']);
      expect(control).toEqual([]);
      expect(summary.f1).toEqual({ before: null, shifted: null, adapted: null, control: null });
    },
  );

  it(
    'a language model joins as one more specialist, and abstains where it gives no answer',
    { timeout: 180_000 },
    async () => {
      const asked: string[] = [];
      const service = createServer((request, response) => {
        void (async () => {
          const body = await text(request);
          asked.push(body);
          // Desk and control ask about the same mails; the first of them gets no usable answer from either.
          const content =
            body === asked[0] ? 'I would rather not say' : '{"probability": 0.97, "reason": "greedy"}';
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ choices: [{ message: { content } }] }));
        })();
      });
      await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
      const address = service.address();
      const port = typeof address === 'object' ? address?.port : 0;
      try {
        const { mails } = await runDesk({
          ...options,
          limit: 6,
          model: { url: `http://127.0.0.1:${port}/v1`, name: 'small' },
        });
        const opinions = mails.flatMap(({ result }) =>
          result.kind === 'ruled' ? [result.ruling.opinions['model']] : [],
        );
        expect(opinions).toHaveLength(6);
        expect(opinions.filter((opinion) => opinion?.abstains === true)).toHaveLength(1);
        expect(opinions).toContainEqual({ probability: 0.97, reasons: ['greedy'] });
        expect(JSON.parse(asked[0] ?? '')).toMatchObject({
          model: 'small',
          messages: [{ role: 'system' }, { role: 'user' }],
        });
      } finally {
        service.close();
      }
    },
  );

  it(
    "a saboteur is voted out by the others, in one trace without orphans; one mail's journey is another",
    { timeout: 180_000 },
    async () => {
      let adaptation: Trace | undefined;
      const limit = 300;
      const { summary, trace } = await runDesk(
        { ...options, limit, saboteur: true },
        {
          onReady: async (_session, bus) => {
            adaptation = await tracedAdaptation(bus, 'agreed-bench');
          },
        },
      );
      expect(trace?.orphans).toEqual([]);
      expect(trace?.roots).toHaveLength(1);
      expect(trace?.processes.length).toBeGreaterThanOrEqual(5);

      const won = summary.agreements.filter(({ leaving }) => leaving.length > 0);
      expect(won).toMatchObject([{ kind: 'vote', leaving: ['contrary'], ayes: ['links', 'style'] }]);
      expect(won[0]?.revision).toBeGreaterThan(0);
      expect(renderSummary(summary)).toMatch(/^voted out by links and style, 2 of 3: contrary /m);
      // Nobody is stopped twice, however many votes there were.
      const gone = summary.adaptations.filter(({ rule }) => rule === 'agreed-bench');
      expect(gone.map(({ changes }) => changes[0]?.to)).toEqual([['links', 'style']]);
      expectRoundThatLed(adaptation, { protocol: 'consensus', revision: won[0]?.revision });
    },
  );

  it(
    'the scores of the auditor are of the conversations of the mails, whoever was asked on the way',
    { timeout: 180_000 },
    async () => {
      const scored: (string | undefined)[] = [];
      const stop = new AbortController();
      const limit = 60;
      let judged = 0;
      const { mails } = await runDesk(
        { ...options, limit },
        {
          onReady: (_session, bus) => readScores(bus, scored, stop.signal),
          onJudged: () => {
            judged += 1;
            if (judged === 2 * limit) stop.abort();
          },
        },
      );
      expect(scored.length).toBeGreaterThan(0);
      const ids = mails.map(({ id }) => id);
      expect(scored.filter((conversation) => !ids.includes(conversation ?? ''))).toEqual([]);
    },
  );

  it(
    'a bench that has changed agrees on a threshold, which is tried on half of the mail; without scores nothing of it stays, and a mail waits for a judge that is away',
    { timeout: 180_000 },
    async () => {
      await using session = await startDev({
        spaces: [withThreshold(withSaboteur(await readDefinition()), 0.2)],
      });
      await using bus = await connectBus({ url: session.url, name: 'mail desk test' });
      await using mirror = await openSpaceMirror(bus, 'mail-desk');
      await using witness = await Witness.open(bus, 'mail-desk');
      await witness.whenActive(['chair', 'contrary', 'links', 'style'], 60_000);
      await giveAudits(bus, mirror);
      const begun = await waitFor(() => adaptationBy(mirror, 'agreed-threshold'), {
        what: 'the trial',
        timeoutMs: 60_000,
      });
      expect(begun.rollout).toMatchObject({ mode: 'canary', guard: { metric: 'quality', share: 0.5 } });
      const [round] = await readRounds(bus, 'mail-desk', begun.trigger.split('.')[1]);
      expect(round).toMatchObject({ by: 'chair', electorate: ['links', 'style'] });
      const agreed = Number(round?.outcome?.['value']);
      expect(mirror.state.view.variables.get('threshold')).toMatchObject({
        value: 0.2,
        candidate: { value: agreed, share: 0.5 },
      });
      await expectPatience(bus, mirror);
      const ended = await waitFor(
        () => {
          const record = adaptationBy(mirror, 'agreed-threshold');
          return record?.outcome === 'evaluating' ? undefined : record;
        },
        { what: 'the end of the trial', timeoutMs: 90_000 },
      );
      expect(ended.outcome).toBe('failure');
      const threshold = mirror.state.view.variables.get('threshold');
      expect([threshold?.value, threshold?.candidate]).toEqual([0.2, undefined]);
      const trace = await tracedAdaptation(bus, 'agreed-threshold');
      expectRoundThatLed(trace, { protocol: 'negotiation', revision: ended.revision });
    },
  );

  it(
    'ends with every message judged exactly once when a specialist, the node, the orchestrator and the server are killed in the middle',
    { timeout: 240_000 },
    async () => {
      const killed: number[] = [];
      let judged = 0;
      const { summary, mails, control } = await runDesk(
        { ...options, limit: 600 },
        {
          onReady: (session, bus) => killOneAfterTheOther(session, bus, killed, () => judged),
          onJudged: () => {
            judged += 1;
          },
        },
      );
      expect(killed).toHaveLength(4);
      expect(killed.filter(isAlive)).toEqual([]);
      expect(summary).toMatchObject({ messages: 600, verdicts: 600, failures: 0 });
      expect(new Set(mails.map(({ id }) => id)).size).toBe(600);
      expect(new Set(control.map(({ id }) => id)).size).toBe(600);
      // Nobody of them keeps being wrong, so nobody is voted about, whoever was killed.
      expect(summary.agreements.filter(({ kind }) => kind === 'vote')).toEqual([]);
    },
  );
});

/** Notes the conversations of the judge's scores until the signal aborts. */
async function readScores(bus: Bus, scored: (string | undefined)[], signal: AbortSignal): Promise<void> {
  for await (const event of openEvents(bus, 'mail-desk').follow({
    filter: 'event.score.judge.given',
    signal,
  }))
    scored.push(parseScore(event.json())?.conversation);
}

/** The team with another threshold to begin with. */
function withThreshold(definition: SpaceDefinition, initial: number): SpaceDefinition {
  const variables = definition.variables.map((variable) =>
    variable.id === 'threshold' ? { ...variable, initial } : variable,
  );
  return { ...definition, variables };
}

/** The first change that a rule has made. */
function adaptationBy({ state }: SpaceMirror, rule: string): AdaptationRecord | undefined {
  return [...state.adaptations.values()].find(({ record }) => record.rule === rule)?.record;
}

/**
 * Publishes audits, ten at a time, in which `contrary` is always wrong and the others are always right, until it has been voted out and
 * those who stay have met over the threshold.
 */
async function giveAudits(bus: Bus, mirror: SpaceMirror): Promise<void> {
  const events = openEvents(bus, 'mail-desk');
  const examples = await readExamples({ ...options, prime: 400 });
  const isDone = (): boolean => adaptationBy(mirror, 'agreed-threshold') !== undefined;
  for (let at = 0; at < examples.length && !isDone(); at += 10) {
    for (const example of examples.slice(at, at + 10)) {
      const truly = example.label === 'spam' ? 0.9 : 0.1;
      const opinions = { links: truly, style: truly, contrary: 1 - truly };
      await events.publish('verdict', example.mail.id, 'scored', { ...example, opinions });
    }
    await mirror.nextChange(300, new AbortController().signal);
  }
}

/** A mail that comes while nobody may send to the judge is judged when that has passed. */
async function expectPatience(bus: Bus, { store }: SpaceMirror): Promise<void> {
  const tasks = openTasks(bus, 'mail-desk');
  const usual = store.get('wiring').value;
  await store.update('wiring', { pattern: 'star', hub: 'auditor' }, { by: 'test' });
  const isRefused = async (): Promise<boolean> => {
    const asked = bus.request(
      subjects('mail-desk').askAgent('judge'),
      {},
      { from: 'reader', timeoutMs: 1_000 },
    );
    return asked.then(
      () => false,
      (error: unknown) => error instanceof MabeamError && error.code === 'edge-not-permitted',
    );
  };
  await waitFor(isRefused, { what: 'the judge is away', timeoutMs: 60_000 });
  await tasks.submit('desk', 'patient', { raw: 'From: a@example.org\n\nhello' });
  const tasksOf = { stream: spaceNames('mail-desk').tasks, durable: 'desk', filter: '' };
  const isTaken = async (): Promise<boolean> => (await readBacklog(bus, tasksOf)).unacknowledged > 0;
  await waitFor(isTaken, { what: 'the reader has the mail', timeoutMs: 60_000 });
  await store.update('wiring', usual, { by: 'test' });
  const outcome = await waitFor(() => tasks.outcomeOf('patient'), { what: 'the ruling', timeoutMs: 60_000 });
  expect(outcome).toMatchObject({ kind: 'completed', output: { id: 'patient' } });
}

/** The trace of the first change that a rule makes, once it is whole. */
async function tracedAdaptation(bus: Bus, rule: string): Promise<Trace | undefined> {
  await using mirror = await openSpaceMirror(bus, 'mail-desk');
  const made = await waitFor(() => adaptationBy(mirror, rule), { what: rule, timeoutMs: 90_000 });
  const traceId = made.traceparent?.split('-')[1] ?? '';
  return waitFor(
    async () => {
      const trace = await readTrace(bus, traceId);
      const isWhole = trace?.orphans.length === 0 && appliedIn(trace) !== undefined;
      return isWhole ? trace : undefined;
    },
    { what: `the trace of ${rule}`, timeoutMs: 30_000 },
  );
}

function spansOf({ roots }: Trace): OtlpSpan[] {
  const below = ({ span, children }: TraceNode): OtlpSpan[] => [span, ...children.flatMap(below)];
  return roots.flatMap(below);
}

function appliedIn(trace: Trace): OtlpSpan | undefined {
  return spansOf(trace).find(({ name }) => name === 'adaptation applied');
}

/** In one trace: the round, that it was agreed in, the questions to the parties, and the revision that it led to. */
function expectRoundThatLed(
  trace: Trace | undefined,
  { protocol, revision }: { readonly protocol: string; readonly revision: number | null | undefined },
): void {
  const spans = trace === undefined ? [] : spansOf(trace);
  // It begins with the mail whose audit it was, where that is recorded, else here.
  expect(trace?.roots).toHaveLength(1);
  expect(spans.map(({ name }) => name)).toContain('round called');
  const round = spans.find(({ name }) => name === `round ${protocol}`);
  expect(round?.attributes).toMatchObject({ 'mabeam.round.outcome': 'agreed' });
  expect(spans.map(({ name }) => name)).toContain('adapt on an event');
  const applied = trace === undefined ? undefined : appliedIn(trace);
  expect(applied?.attributes['mabeam.variable.revision']).toBe(revision);
  expect(trace?.processes.length).toBeGreaterThanOrEqual(4);
}

/** Kills with -9, each once the desk has judged on after the last one; nobody dies before mail is under way. */
async function killOneAfterTheOther(
  session: DevSession,
  bus: Bus,
  killed: number[],
  judged: () => number,
): Promise<void> {
  const partOf = (name: string): number | undefined =>
    session.processes().find((part) => part.name === name)?.pid;
  const victims = [
    () => specialistPid(bus),
    () => partOf('node'),
    () => partOf('orchestrator'),
    () => partOf('nats-server'),
  ];
  for (const victim of victims) {
    const before = judged();
    await waitFor(() => judged() >= before + 60, { what: 'the desk goes on judging', timeoutMs: 60_000 });
    const pid = await waitFor(victim, { what: 'the next victim runs', timeoutMs: 60_000 });
    process.kill(pid, 'SIGKILL');
    killed.push(pid);
  }
}

async function specialistPid(bus: Bus): Promise<number | undefined> {
  await using observed = await openReplica(bus, {
    bucket: spaceNames('mail-desk').observed,
    prefix: subjects('mail-desk').at('observed'),
  });
  const specialists = observed.entries().map(({ data }) => parseObservedInstance(parseJson(data)));
  return specialists.find((instance) => instance?.agent === 'style' || instance?.agent === 'headers')?.pid;
}
