/** Specialists without our library at the mail desk: they are asked, refuse, drain, die and come back like any other. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MabeamError, parseJson, readKey, spaceNames, subjects, type BusMessage } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertLanguages, openDesk, type Desk, type Ruling, type SentMail } from './desk.ts';

const foreign = ['subject', 'marks'] as const;
let desk: Desk;

beforeAll(async () => {
  await assertLanguages();
  desk = await openDesk();
  // A command counts as active before its subscription is there.
  for (const agent of foreign) await answers(agent);
}, 60_000);

afterAll(async () => {
  await desk[Symbol.asyncDispose]();
}, 60_000);

/** So many mails, every second one loud. */
function mails(count: number, prefix: string): SentMail[] {
  return Array.from({ length: count }, (_, n) => {
    const id = `${prefix}-${n}`;
    const head = `From: a${n}@example.org\nTo: b@example.org\n`;
    const loud = `Subject: WIN FREE CASH NOW!!!\n\nGuaranteed! $$$ Act now!!!! You win $1,000,000!!!!\n`;
    const quiet = `Subject: Re: minutes of meeting ${n}\n\nAnna wrote:\n> shall we meet?\nYes, at ${n}.\n`;
    return { id, raw: head + (n % 2 === 0 ? loud : quiet) };
  });
}

function opinionOf(
  ruling: Ruling,
  agent: string,
): { readonly probability: number; readonly reasons: readonly string[] } {
  return ruling.opinions[agent] ?? { probability: Number.NaN, reasons: ['was not asked'] };
}

/** The rulings for which the judge had to do without an agent. */
function without(rulings: readonly Ruling[], agent: string): readonly Ruling[] {
  return rulings.filter((ruling) =>
    opinionOf(ruling, agent).reasons.some((reason) => /was not asked|did not answer/.test(reason)),
  );
}

function ask(agent: string, question: unknown): Promise<unknown> {
  return desk.bus.request(subjects(desk.space).askAgent(agent), question, { form: 'plain' });
}

const mail = { subject: 'Re: minutes', text: 'see you at ten' };

describe('a specialist in Python and one in bash', () => {
  test('are asked by the judge in plain JSON, and their opinions are in the ruling on every mail', async () => {
    const heard: BusMessage[] = [];
    const ears = foreign.map((agent) =>
      desk.bus.subscribe(subjects(desk.space).askAgent(agent), (message) => heard.push(message)),
    );
    await desk.bus.flush();
    const sent = mails(40, 'plain');
    const rulings = await desk.rule(sent);
    await Promise.all(ears.map((ear) => ear[Symbol.asyncDispose]()));
    expect(rulings.map(({ id }) => id).toSorted()).toEqual(sent.map(({ id }) => id).toSorted());
    for (const agent of foreign) {
      expect(without(rulings, agent)).toEqual([]);
      const probabilities = new Map(
        rulings.map((ruling) => [ruling.id, opinionOf(ruling, agent).probability]),
      );
      expect(probabilities.get('plain-0')).toBeGreaterThan(0.9);
      expect(probabilities.get('plain-1')).toBeLessThan(0.1);
      const asked = heard.filter(({ subject }) => subject.endsWith(`.${agent}`));
      expect(asked).toHaveLength(40);
      for (const question of asked) {
        expect(question.headers.get('content-type')).toBe('application/json');
        expect(question.headers.get('mabeam-from')).toBe('judge');
        expect(question.json()).toMatchObject({ subject: expect.any(String), text: expect.any(String) });
      }
    }
    expect(rulings.find(({ id }) => id === 'plain-0')?.label).toBe('spam');
    expect(rulings.find(({ id }) => id === 'plain-1')?.label).toBe('ham');
  }, 60_000);

  test('stand in `mabeam ps` as active, with the revision that their host speaks of for them', async () => {
    const { exit, stdout } = await desk.mabeam('ps', '-o', 'json');
    expect(exit).toBe(0);
    const { agents, revision } = JSON.parse(stdout);
    for (const agent of foreign) {
      expect(agents).toContainEqual(
        expect.objectContaining({
          instance: `${agent}.0`,
          status: 'active',
          pid: expect.any(Number),
          applied: revision,
        }),
      );
    }
  }, 60_000);

  test.each(foreign)(
    '%s refuses what is no JSON, and what is no mail, by typed errors',
    { timeout: 40_000 },
    async (agent) => {
      const subject = subjects(desk.space).askAgent(agent);
      await expect(ask(agent, { from: 'nobody' })).rejects.toMatchObject({ code: 'invalid-input' });
      await expect(ask(agent, mail)).resolves.toMatchObject({ reasons: [expect.any(String)] });
      // An envelope has NUL bytes, on which bash may lose its connection: what is asked at most once is asked again.
      const refusal = await waitFor(
        async () => {
          const options = { form: 'envelope', timeoutMs: 2_000 } as const;
          const failure: unknown = await desk.bus
            .request(subject, mail, options)
            .catch((error: unknown) => error);
          return failure instanceof MabeamError && !failure.retryable ? failure : undefined;
        },
        { what: `${agent} refuses an envelope`, timeoutMs: 20_000 },
      );
      expect(refusal).toMatchObject({ code: 'malformed-message', status: 400 });
      await answers(agent);
    },
  );

  test.each([
    ['subject', 1_000],
    ['marks', 50],
  ] as const)(
    '%s answers %d questions that it was asked before it ends on SIGTERM, and is started again',
    async (agent, count) => {
      const { pid = 0, restarts } = await desk.becomes(agent, 'active');
      process.kill(pid, 'SIGSTOP'); // so that none is answered before the end begins
      const questions = Array.from({ length: count }, () => ask(agent, mail));
      await desk.bus.flush();
      process.kill(pid, 'SIGTERM');
      process.kill(pid, 'SIGCONT');
      expect(await Promise.all(questions)).toHaveLength(count);
      await startedAgain(agent, restarts);
    },
    30_000,
  );

  test.each(foreign)(
    '%s is killed while mail is judged: no mail is lost, and it gives opinions again',
    async (agent) => {
      const { pid = 0, restarts } = await desk.becomes(agent, 'active');
      const rulings = await desk.rule(mails(60, `killed-${agent}`), (count) => {
        if (count === 10) process.kill(pid, 'SIGKILL');
      });
      expect(new Set(rulings.map(({ id }) => id)).size).toBe(60);
      const other = foreign.find((one) => one !== agent) ?? agent;
      expect(without(rulings, other)).toEqual([]);
      const again = await startedAgain(agent, restarts);
      expect(again.pid).not.toBe(pid);
      expect(without(await desk.rule(mails(4, `again-${agent}`)), agent)).toEqual([]);
    },
    60_000,
  );

  test('find the server again after it was killed', async () => {
    const before = await Promise.all(foreign.map((agent) => desk.observed(agent)));
    const server = desk.session.processes().find(({ name }) => name === 'nats-server');
    process.kill(server?.pid ?? 0, 'SIGKILL');
    for (const agent of foreign) await answers(agent);
    const rulings = await desk.rule(mails(10, 'after'));
    for (const agent of foreign) expect(without(rulings, agent)).toEqual([]);
    const after = await Promise.all(foreign.map((agent) => desk.observed(agent)));
    expect(after.map((seen) => seen?.pid)).toEqual(before.map((seen) => seen?.pid));
  }, 60_000);

  test('end well when they are no longer selected', async () => {
    const { exit, stderr } = await desk.mabeam('variable', 'set', 'specialists', 'links,style');
    expect({ exit, stderr }).toMatchObject({ exit: 0 });
    for (const agent of foreign) {
      expect(await desk.becomes(agent, 'inactive')).toMatchObject({ reason: 'exit code 0' });
    }
  }, 60_000);
});

describe('a second terminal', () => {
  test('hosts the Python specialist as one more agent, which is asked in JSON', async () => {
    const script = fileURLToPath(new URL('../specialist.py', import.meta.url));
    const terminal = desk.terminal('run', '--as', 'guest', '--', 'python3', script);
    try {
      await desk.becomes('guest', 'active');
      await answers('guest');
      const definition = await readKey(desk.bus, spaceNames(desk.space).bucket, 'definition.agent.guest');
      expect(parseJson(definition?.data ?? new Uint8Array())).toMatchObject({ id: 'guest', wire: 'json' });
      const guest = await waitFor(
        async () => {
          const { agents, revision } = JSON.parse((await desk.mabeam('ps', '-o', 'json')).stdout);
          const seen = agents.find(({ instance }: { instance: string }) => instance === 'guest.0');
          return seen?.applied === revision ? seen : undefined;
        },
        { what: 'its host speaks for the guest', timeoutMs: 15_000 },
      );
      expect(guest).toMatchObject({ status: 'active' });
      terminal.kill('SIGTERM');
      const [exit] = await once(terminal, 'exit', { signal: AbortSignal.timeout(15_000) });
      expect(exit).toBe(0);
      expect(await desk.observed('guest')).toMatchObject({ status: 'inactive', reason: 'exit code 0' });
    } finally {
      terminal.kill('SIGKILL');
    }
  }, 60_000);
});

/** Resolves once an agent answers. */
async function answers(agent: string): Promise<void> {
  await waitFor(() => ask(agent, mail), { what: `${agent} answers`, timeoutMs: 20_000, everyMs: 50 });
}

/** Resolves with the next life of an agent, once it answers. */
async function startedAgain(agent: string, restarts: number): Promise<{ readonly pid?: number | undefined }> {
  const again = await waitFor(
    async () => {
      const seen = await desk.observed(agent);
      return seen !== undefined && seen.status === 'active' && seen.restarts > restarts ? seen : undefined;
    },
    { what: `${agent} was started again`, timeoutMs: 20_000 },
  );
  await answers(agent);
  return again;
}
