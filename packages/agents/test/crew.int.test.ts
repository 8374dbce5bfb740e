/** Many agents in one process. */
import { openTasks, putKey, spaceNames, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import { edgesOf, performanceThreshold, settled } from '@mabeam/variables';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { defineAgent, parseApplied, startAgent, type AppliedReport } from '@mabeam/agents';
import { countConsumers, openStage, type Stage } from './stage.ts';

const crowd = process.env['MABEAM_LONG'] === '1' ? 10_000 : 1_000;

/** Answers with what it sees. */
const mirror = defineAgent({
  ask: (_input, { agent, ordinal, config, variables, revision }) => ({
    agent,
    ordinal,
    config,
    variables,
    revision,
  }),
});

describe('a crew', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage(inject('natsUrl'));
    await stage.store.create(performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1 }), {
      by: 'test',
    });
  });
  afterEach(() => stage[Symbol.asyncDispose]());

  const ask = (agent: string, timeoutMs = 5_000): Promise<unknown> =>
    stage.bus.request(subjects(stage.space).askAgent(agent), null, { timeoutMs });

  it(`${crowd} agents see one revision at once, say so in one signal, and cost the server no consumer`, async () => {
    const crew = await stage.crew(
      Array.from({ length: crowd }, (_, n) => ({ id: `a${n}`, definition: mirror })),
    );
    const reports: AppliedReport[] = [];
    await using _ = stage.bus.subscribe(subjects(stage.space).at('signal.applied.*'), (message) => {
      const report = parseApplied(message.json());
      if (report !== undefined) reports.push(report);
    });
    await stage.bus.flush();
    const { revision } = await stage.store.update('threshold', 0.8, { by: 'test' });
    const said = await waitFor(() => reports.find(({ applied }) => applied >= revision), {
      what: 'the process says that the revision is applied',
    });
    expect(said).toEqual({ process: crew.process, applied: revision, laggards: [], instances: crowd });
    const answers = await Promise.all(Array.from({ length: crowd }, (_, n) => ask(`a${n}`)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer).replace(/"a\d+"/, '"*"')))).toEqual(
      new Set([
        JSON.stringify({ agent: '*', ordinal: 0, config: {}, variables: { threshold: 0.8 }, revision }),
      ]),
    );
    expect(new Set(reports.map(({ process }) => process)).size).toBe(1);
    expect(await countConsumers(stage.bus, stage.space)).toBe(0);
  });

  it('answers for all its members whether a revision has arrived', async () => {
    const names = Array.from({ length: 200 }, (_, n) => `a${n}`);
    const crew = await stage.crew(names.map((id) => ({ id, definition: mirror })));
    const { observed } = spaceNames(stage.space);
    await Promise.all(
      // As a host writes it, which is not here.
      names.map((agent) =>
        putKey(stage.bus, observed, `${agent}.0`, {
          v: 1,
          agent,
          ordinal: 0,
          incarnation: crew.process,
          status: 'active',
          node: 'here',
          pid: process.pid,
        }),
      ),
    );
    const { revision } = await stage.store.update('threshold', 0.7, { by: 'test' });
    const asked = await settled(stage.bus, stage.space, revision);
    expect(asked).toMatchObject({
      kind: 'settled',
      processes: [{ process: crew.process, applied: revision }],
    });
    const instances = asked.kind === 'settled' ? (asked.processes[0]?.instances ?? []) : [];
    expect(instances.map(({ agent }) => agent).toSorted()).toEqual(names.toSorted());
    const ahead = await settled(stage.bus, stage.space, revision + 1, { timeoutMs: 300 });
    expect(ahead).toMatchObject({
      kind: 'unsettled',
      laggards: [{ process: crew.process, applied: revision }],
    });
  });

  it('in a mesh of 200 each reaches another, and in the ring that follows its next one only', async () => {
    const names = Array.from({ length: 200 }, (_, n) => `a${n}`);
    const relay = defineAgent({
      ask: async (to, { ask: askOther, agent }) => (typeof to === 'string' ? askOther(to, null) : agent),
    });
    await stage.crew(names.map((id) => ({ id, definition: relay })));
    const across = (from: number, to: number): Promise<unknown> =>
      stage.bus.request(subjects(stage.space).askAgent(`a${from}`), `a${to}`);
    const edges = (pattern: 'mesh' | 'ring'): ReturnType<typeof edgesOf> => edgesOf({ pattern }, names);
    await stage.wire(names, edges('mesh'));
    const answers = await Promise.all(names.map((_, n) => across(n, (n + 77) % 200)));
    expect(answers).toEqual(names.map((_, n) => `a${(n + 77) % 200}`));
    await stage.wire(names, edges('ring'));
    expect(await across(199, 0)).toBe('a0');
    await expect(across(0, 77)).rejects.toMatchObject({ code: 'edge-not-permitted' });
    // Past the sender's own look, the receiver judges by the graph too.
    await expect(
      stage.bus.request(subjects(stage.space).askAgent('a77'), null, { from: 'a0' }),
    ).rejects.toMatchObject({ code: 'edge-not-permitted' });
  });

  it('takes members in and lets them go while the others work', async () => {
    const crew = await stage.crew([{ id: 'stays', definition: mirror }]);
    await crew.add({ id: 'comes', definition: mirror, config: { desk: 2 } });
    expect(await ask('comes')).toMatchObject({ agent: 'comes', config: { desk: 2 } });
    expect(await crew.remove('comes')).toBe(true);
    await expect(ask('comes')).rejects.toMatchObject({ code: 'no-responders' });
    expect(await ask('stays')).toMatchObject({ agent: 'stays' });
    expect(await crew.remove('comes')).toBe(false);
    expect(crew.statuses()).toEqual(new Map([['stays.0', 'active']]));
  });

  it('an instance is in it once; another ordinal of the agent is another instance', async () => {
    const crew = await stage.crew([{ id: 'twin', definition: mirror }]);
    await expect(crew.add({ id: 'twin', definition: mirror })).rejects.toMatchObject({
      code: 'agent-exists',
    });
    await crew.add({ id: 'twin', definition: mirror, ordinal: 1 });
    expect(crew.size).toBe(2);
  });

  it('if one cannot start, none of them is there, and the reason is its own', async () => {
    const broken = defineAgent({
      start: () => {
        throw new Error('no dictionary');
      },
    });
    await expect(
      stage.crew([
        { id: 'fine', definition: mirror },
        { id: 'broken', definition: broken },
      ]),
    ).rejects.toThrow('no dictionary');
    await expect(ask('fine')).rejects.toMatchObject({ code: 'no-responders' });
  });

  it('an agent that is still starting is a laggard', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = defineAgent({ start: () => gate.promise });
    const crew = await stage.crew([]);
    const starting = crew.add({ id: 'slow', definition: slow });
    const report = Promise.withResolvers<AppliedReport | undefined>();
    await using _ = stage.bus.subscribe(subjects(stage.space).signal('applied', crew.process), (message) =>
      report.resolve(parseApplied(message.json())),
    );
    await stage.bus.flush();
    await stage.store.update('threshold', 0.9, { by: 'test' });
    expect(await report.promise).toMatchObject({ laggards: ['slow.0'], instances: 0 });
    gate.resolve();
    await starting;
    expect(crew.statuses().get('slow.0')).toBe('active');
  });

  it('one that is told to stop while it starts never becomes active, and whoever starts it hears so', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = defineAgent({ start: () => gate.promise, ask: () => 'here' });
    const crew = await stage.crew([]);
    const starting = crew.add({ id: 'slow', definition: slow });
    const closing = crew.close();
    gate.resolve();
    await expect(starting).rejects.toMatchObject({ code: 'illegal-transition' });
    await closing;
    await expect(ask('slow')).rejects.toMatchObject({ code: 'no-responders' });
    expect(crew.size).toBe(0);
  });

  it('closing takes nothing new and finishes what it has', async () => {
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow = defineAgent({
      ask: async () => {
        begun.resolve();
        await gate.promise;
        return 'done';
      },
    });
    const crew = await stage.crew([{ id: 'slow', definition: slow }]);
    const last = ask('slow');
    await begun.promise;
    const closing = crew.close();
    await waitFor(
      () =>
        ask('slow', 100).then(
          () => false,
          (error: { code?: string }) => error.code === 'no-responders',
        ),
      {
        what: 'nothing new is taken',
      },
    );
    gate.resolve();
    expect(await last).toBe('done');
    await closing;
    expect(crew.size).toBe(0);
  });

  it('a member that fails in the background leaves, and the others go on', async () => {
    const doomed = defineAgent({
      start: ({ fold }) =>
        fold('event.lesson.*.taught', () => {
          throw new Error('cannot learn');
        }),
      ask: () => 'here',
    });
    const crew = await stage.crew([
      { id: 'doomed', definition: doomed },
      { id: 'stays', definition: mirror },
    ]);
    await stage.bus.store(subjects(stage.space).event('lesson', 'one', 'taught'), new Uint8Array([123, 125]));
    await waitFor(() => !crew.statuses().has('doomed.0'), { what: 'it has left' });
    expect(await ask('stays')).toMatchObject({ agent: 'stays' });
  });

  it('works on the tasks of its groups, and answers in their name', async () => {
    const worker = defineAgent<unknown, unknown>({
      ask: () => 'asked',
      task: (input, { task }) => ({ input, task }),
    });
    await using _ = await startAgent(stage.bus, stage.space, 'worker', worker, {
      group: 'workers',
      store: stage.store,
    });
    await openTasks(stage.bus, stage.space).submit('workers', 't1', 7);
    await waitFor(
      async () => (await openTasks(stage.bus, stage.space).outcomeOf('t1'))?.kind === 'completed',
      { what: 'the task is done' },
    );
    expect(await stage.bus.request(subjects(stage.space).askGroup('workers'), null)).toBe('asked');
  });

  it('what has no handler says so by its code', async () => {
    await stage.crew([{ id: 'deaf', definition: defineAgent({}) }]);
    await expect(ask('deaf')).rejects.toMatchObject({ code: 'nothing-to-ask' });
    await expect(ask('nobody')).rejects.toMatchObject({ code: 'no-responders' });
  });
});
