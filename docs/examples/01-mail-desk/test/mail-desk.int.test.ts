/** The mail desk as a whole: real processes, a real nats-server of its own, real mail. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseScore } from '@mabeam/agents';
import { connectBus, openEvents, openReplica, parseJson, spaceNames, subjects, type Bus } from '@mabeam/bus';
import { parseObservedInstance } from '@mabeam/cluster';
import { openSpaceMirror, type AdaptationRecord, type SpaceMirror } from '@mabeam/orchestrator';
import { isAlive, waitFor } from '@mabeam/testing';
import { startDev, type DevSession } from 'mabeam/dev';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDesk } from '../src/desk.ts';
import { readDefinition } from '../src/team.ts';

const options = { seed: 3, out: '', json: false };

describe('the mail desk', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mail-desk-test-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it(
    'judges fifty hand-made messages, malformed ones among them, each exactly once',
    { timeout: 60_000 },
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
    { timeout: 60_000 },
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
    { timeout: 60_000 },
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
    "one mail's journey is one trace without orphans across the desk's processes",
    { timeout: 60_000 },
    async () => {
      const { trace } = await runDesk({ ...options, limit: 60 });
      expect(trace?.orphans).toEqual([]);
      expect(trace?.roots).toHaveLength(1);
      expect(trace?.processes.length).toBeGreaterThanOrEqual(5);
    },
  );

  it(
    'the scores of the auditor are of the conversations of the mails, whoever was asked on the way',
    { timeout: 60_000 },
    async () => {
      const scored: (string | undefined)[] = [];
      const stop = new AbortController();
      let reading: Promise<void> = Promise.resolve();
      const limit = 60;
      let judged = 0;
      const { mails } = await runDesk(
        { ...options, limit },
        {
          onReady: (_session, bus) => {
            reading = readScores(bus, scored, stop.signal);
          },
          onJudged: () => {
            judged += 1;
            if (judged === 2 * limit) stop.abort();
          },
        },
      );
      await reading;
      expect(scored.length).toBeGreaterThan(0);
      const ids = mails.map(({ id }) => id);
      expect(scored.filter((conversation) => !ids.includes(conversation ?? ''))).toEqual([]);
    },
  );

  it(
    'once the bench is wider a higher threshold is tried on half of the mail, and without scores nothing of it stays',
    { timeout: 60_000 },
    async () => {
      await using session = await startDev({ spaces: [await readDefinition()] });
      await using bus = await connectBus({ url: session.url, name: 'mail desk test' });
      await using mirror = await openSpaceMirror(bus, 'mail-desk');
      await openEvents(bus, 'mail-desk').trigger('quality-low', { id: 'by-hand' });
      const begun = await waitFor(() => trialIn(mirror), { what: 'the trial', timeoutMs: 30_000 });
      expect(begun.rollout).toMatchObject({ mode: 'canary', guard: { metric: 'quality', share: 0.5 } });
      expect(mirror.state.view.variables.get('threshold')).toMatchObject({
        value: 0.5,
        candidate: { value: 0.6, share: 0.5 },
      });
      const ended = await waitFor(
        () => (trialIn(mirror)?.outcome === 'evaluating' ? undefined : trialIn(mirror)),
        { what: 'the end of the trial', timeoutMs: 45_000 },
      );
      expect(ended.outcome).toBe('failure');
      const threshold = mirror.state.view.variables.get('threshold');
      expect([threshold?.value, threshold?.candidate]).toEqual([0.5, undefined]);
    },
  );

  it(
    'ends with every message judged exactly once when a specialist, the node, the orchestrator and the server are killed in the middle',
    { timeout: 120_000 },
    async () => {
      const killed: number[] = [];
      let killing: Promise<void> = Promise.resolve();
      let judged = 0;
      const { summary, mails, control } = await runDesk(
        { ...options, limit: 600 },
        {
          onReady: (session, bus) => {
            killing = killOneAfterTheOther(session, bus, killed, () => judged);
          },
          onJudged: () => {
            judged += 1;
          },
        },
      );
      await killing;
      expect(killed).toHaveLength(4);
      expect(killed.filter(isAlive)).toEqual([]);
      expect(summary).toMatchObject({ messages: 600, verdicts: 600, failures: 0 });
      expect(new Set(mails.map(({ id }) => id)).size).toBe(600);
      expect(new Set(control.map(({ id }) => id)).size).toBe(600);
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

function trialIn({ state }: SpaceMirror): AdaptationRecord | undefined {
  return [...state.adaptations.values()].find(({ record }) => record.rule === 'spare-good-mail')?.record;
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
    await waitFor(() => judged() >= before + 60, { what: 'the desk goes on judging', timeoutMs: 30_000 });
    const pid = await waitFor(victim, { what: 'the next victim runs', timeoutMs: 10_000 });
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
