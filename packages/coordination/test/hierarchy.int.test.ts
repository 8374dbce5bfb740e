import { putKey } from '@mabeam/bus';
import { describe, expect, inject, it } from 'vitest';
import { coordinateHierarchy } from '../src/hierarchy/coordinate-hierarchy.ts';
import type { CoordinationPlan } from '../src/hierarchy/plan.ts';
import { serveHierarchy, type HierarchyVoice } from '../src/hierarchy/serve-hierarchy.ts';
import { readRounds } from '../src/session/kept-rounds.ts';
import { recordsBucket } from '../src/session/records.ts';
import { startFixture } from './fixtures/processes.ts';
import { openSpaceStage, type SpaceStage } from './space-stage.ts';

const plan: CoordinationPlan = {
  goal: 'ship it',
  tasks: [
    { id: 'test', requires: ['test'], dependsOn: ['write'] },
    { id: 'write', requires: ['code'] },
    { id: 'review', requires: ['code'], dependsOn: ['write'] },
  ],
};
const subordinates = [
  { party: 'ann', capabilities: ['code'] },
  { party: 'bob', capabilities: ['code', 'test'] },
  { party: 'cid', capabilities: ['test'] },
];

async function openTeam(voices: Readonly<Record<string, HierarchyVoice>> = {}) {
  const stage = await openSpaceStage(inject('natsUrl'));
  for (const party of ['boss', 'ann', 'bob', 'cid', ...Object.keys(voices)].filter(
    (one, at, all) => all.indexOf(one) === at,
  ))
    serveHierarchy(stage.bus, stage.space, party, voices[party]);
  await stage.bus.flush();
  return stage;
}

const run = (
  { bus, space }: SpaceStage,
  options: Partial<Parameters<typeof coordinateHierarchy>[3]> = {},
  given = plan,
) =>
  coordinateHierarchy(bus, space, given, {
    coordinator: 'boss',
    subordinates,
    timeoutMs: 15_000,
    ...options,
  });

describe('coordinating a plan', () => {
  it('gives each task once, in the order of their dependencies, and only to who can do it', async () => {
    await using team = await openTeam();
    const { coordinator, directives } = await run(team);
    expect(coordinator).toBe('boss');
    expect(directives.map(({ task }) => task)).toEqual(['write', 'test', 'review']);
    expect(directives.find(({ task }) => task === 'test')?.party).toMatch(/bob|cid/);
    expect(directives.every(({ superior }) => superior === 'boss')).toBe(true);
  });

  it('what the parties report flows up the tree, level by level', async () => {
    const heard: Record<string, string[]> = {};
    const listen = (party: string): HierarchyVoice => ({
      begin: () => `${party} has begun`,
      hear: ({ reports }) => {
        heard[party] = reports.map(({ note = '' }) => note).toSorted();
      },
    });
    await using team = await openTeam({ boss: listen('boss'), ann: listen('ann'), bob: listen('bob') });
    const tasks = [
      { id: 'one', requires: ['code'] },
      { id: 'two', requires: ['test'] },
      { id: 'three', requires: ['code'] },
    ];
    await run(team, {}, { goal: 'g', tasks, strategy: 'tree', branching: 1 });
    expect(heard).toEqual({
      boss: ['ann has begun', 'bob has begun', ''].toSorted().filter((note) => note !== ''),
      ann: ['bob has begun'],
    });
  });

  it('a refused task goes to another, and the one who refused never begins it', async () => {
    const begun: string[] = [];
    const note =
      (party: string): Required<HierarchyVoice>['begin'] =>
      ({ tasks }) => {
        begun.push(...tasks.map(({ id }) => `${id} by ${party}`));
        return undefined;
      };
    await using team = await openTeam({
      ann: { take: ({ task }) => (task.id === 'write' ? 'no time' : true), begin: note('ann') },
      bob: { begin: note('bob') },
      cid: { begin: note('cid') },
    });
    const { directives } = await run(team);
    expect(directives.find(({ task }) => task === 'write')?.party).toBe('bob');
    expect(begun.toSorted()).toEqual(directives.map(({ party, task }) => `${task} by ${party}`).toSorted());
  });

  it('a task that three refuse, or nobody can do, is unassignable by name', async () => {
    const never: HierarchyVoice = { take: () => 'no' };
    await using team = await openTeam({ ann: never, bob: never, cid: never });
    const everybody = subordinates.map(({ party }) => ({ party, capabilities: ['any'] }));
    const given = { goal: 'g', tasks: [{ id: 'one', requires: ['any'] }] };
    await expect(run(team, { subordinates: everybody }, given)).rejects.toMatchObject({
      code: 'unassignable',
      details: { task: 'one' },
    });
    await expect(run(team, {}, given)).rejects.toMatchObject({ code: 'unassignable' });
  });

  it('an answer that gives a task to no subordinate makes way for the deputy', async () => {
    await using team = await openTeam({
      boss: { divide: () => [{ task: 'write', party: 'boss' }] },
      deputy: {},
    });
    expect((await run(team, { deputies: ['deputy'] })).coordinator).toBe('deputy');
  });

  it('without coordinator and deputy it is coordinator-unavailable', async () => {
    await using team = await openTeam();
    const absent = run(team, { coordinator: 'nobody', deputies: ['none'] });
    await expect(absent).rejects.toMatchObject({ code: 'coordinator-unavailable' });
    const [kept] = await readRounds(team.bus, team.space);
    expect(kept?.outcome).toMatchObject({ kind: 'failed', code: 'coordinator-unavailable' });
  });

  it('a plan that is given no time ends with timeout, and cycles are refused before anybody is asked', async () => {
    await using team = await openTeam({ boss: { divide: () => new Promise(() => undefined) } });
    await expect(run(team, { timeoutMs: 150 })).rejects.toMatchObject({ code: 'timeout' });
    const tasks = [{ id: 'x', dependsOn: ['x'] }];
    await expect(run(team, {}, { goal: 'g', tasks })).rejects.toMatchObject({ code: 'cyclic-plan' });
  });
});

describe('kills', () => {
  it('the deputy takes over from a coordinator that is killed while it thinks', async () => {
    await using team = await openTeam({ deputy: {} });
    await using chief = startFixture('coordinator-process', inject('natsUrl'), [team.space, 'chief']);
    await chief.line('ready');
    const running = run(team, { coordinator: 'chief', deputies: ['deputy'], requestTimeoutMs: 500 });
    await chief.line('asked');
    await chief.kill();
    const { coordinator, directives } = await running;
    expect(coordinator).toBe('deputy');
    expect(directives).toHaveLength(3);
  });

  it('a round that was begun about another plan, or with others, is not gone on with', async () => {
    await using team = await openTeam();
    const round = 'r-1';
    await run(team, { round });
    const others = subordinates.filter(({ party }) => party !== 'bob');
    await expect(
      run(team, { round, subordinates: [...others, { party: 'dan', capabilities: ['test'] }] }),
    ).rejects.toMatchObject({ code: 'round-reused' });
    const tasks = plan.tasks.map((task) => (task.id === 'review' ? { ...task, id: 'praise' } : task));
    await expect(run(team, { round }, { ...plan, tasks })).rejects.toMatchObject({ code: 'round-reused' });
    await putKey(team.bus, recordsBucket(team.space), 'plan.r-2', { v: 1, round: 'r-2' });
    await expect(run(team, { round: 'r-2' })).rejects.toMatchObject({ code: 'malformed-message' });
  });

  it('another conductor goes on where one was killed, and what was accepted stays', async () => {
    const asked = Promise.withResolvers<void>();
    let offers = 0;
    let isHolding = true;
    const begun: string[] = [];
    const hold: HierarchyVoice['take'] = async ({ task }) => {
      offers += 1;
      if (task.id !== 'review' || !isHolding) return true;
      asked.resolve();
      return 'not now';
    };
    const begin: HierarchyVoice['begin'] = ({ tasks }) => void begun.push(...tasks.map(({ id }) => id));
    let divisions = 0;
    const held = Promise.withResolvers<void>();
    await using team = await openTeam({
      boss: {
        divide: async ({ given, refused, tasks }) => {
          divisions += 1;
          if (divisions === 2) {
            held.resolve();
            if (isHolding) await new Promise(() => undefined);
          }
          expect(given.length + tasks.length).toBe(3);
          return tasks.map(({ id }) => ({
            task: id,
            party: id === 'test' ? 'cid' : refused.length > 0 ? 'ann' : 'bob',
          }));
        },
      },
      ann: { take: hold, begin },
      bob: { take: hold, begin },
      cid: { take: hold, begin },
    });
    const options = { coordinator: 'boss', subordinates, round: 'r-1' };
    const texts = [team.space, JSON.stringify(plan), JSON.stringify(options)];
    await using first = startFixture('conductor-process', inject('natsUrl'), texts);
    await Promise.all([asked.promise, held.promise]);
    await first.kill();
    isHolding = false;
    expect([offers, begun]).toEqual([3, []]);
    const { directives } = await run(team, options);
    expect(directives.map(({ party, task }) => [task, party])).toEqual([
      ['write', 'bob'],
      ['test', 'cid'],
      ['review', 'ann'],
    ]);
    expect(offers).toBe(4);
    expect(begun.toSorted()).toEqual(['review', 'test', 'write']);
  });
});
