import { describe, expect, inject, it } from 'vitest';
import { attendConflicts, type ConflictVoice } from '../src/conflicts/attend.ts';
import type { Conflict } from '../src/conflicts/conflict.ts';
import type { Verdict } from '../src/conflicts/messages.ts';
import { holderAt, type Schedule } from '../src/conflicts/schedule.ts';
import { settleConflicts } from '../src/conflicts/settle.ts';
import { endSchedule, followSchedule, readSchedule, storeSchedule } from '../src/conflicts/turns.ts';
import { readRounds } from '../src/session/kept-rounds.ts';
import { roundSubject } from '../src/session/round.ts';
import { startFixture } from './fixtures/processes.ts';
import { openSpaceStage } from './space-stage.ts';

const conflict: Conflict = {
  id: 'model',
  target: 'model',
  kind: 'value-incompatible',
  claims: [
    { party: 'ann', value: 'small', priority: 1 },
    { party: 'bob', value: 'large', priority: 2 },
  ],
};

async function openQuarrel(voices: Readonly<Record<string, Omit<ConflictVoice, 'told'>>>) {
  const stage = await openSpaceStage(inject('natsUrl'));
  const verdicts: Record<string, Verdict> = {};
  for (const [party, voice] of Object.entries(voices)) {
    const told = (verdict: Verdict): void => {
      verdicts[party] = verdict;
    };
    await attendConflicts(stage.bus, stage.space, party, { ...voice, told }).ready();
  }
  const settle = (strategy: string, options = {}) =>
    settleConflicts(stage.bus, stage.space, [conflict], strategy, options);
  return { ...stage, verdicts, settle, [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose]() };
}

describe('settling', () => {
  it('the overridden are told by whom and why, the winner that it keeps its value', async () => {
    await using quarrel = await openQuarrel({ ann: {}, bob: {} });
    const { told } = await quarrel.settle('priority-based');
    expect(told.map(({ outcome }) => outcome)).toEqual(['replied', 'replied']);
    expect(quarrel.verdicts['bob']).toMatchObject({ outcome: 'kept', value: 'large' });
    expect(quarrel.verdicts['ann']).toMatchObject({ outcome: 'overridden', wanted: 'small', value: 'large' });
    expect(quarrel.verdicts['ann']?.reason).toContain('bob');
    expect(await readRounds(quarrel.bus, quarrel.space)).toMatchObject([
      { protocol: 'conflict', subject: 'model', strategy: 'priority-based', outcome: { kind: 'resolved' } },
    ]);
  });

  it('who cannot be told is named, and the conflict is resolved all the same', async () => {
    await using quarrel = await openQuarrel({ bob: {} });
    const { resolved, told } = await quarrel.settle('priority-based');
    expect(resolved.kind).toBe('resolved');
    expect(told.find(({ party }) => party === 'ann')?.outcome).toBe('unavailable');
  });

  it('the best of the living leads, and decides as it thinks fit', async () => {
    await using quarrel = await openQuarrel({ ann: { decide: () => 'medium' } });
    const { resolved } = await quarrel.settle('leader-election');
    expect(resolved.resolutions[0]).toMatchObject({
      leader: 'ann',
      value: 'medium',
      compromise: 'priority-override',
    });
  });

  it.each([
    ['stands aside', { stand: { kind: 'abstain' }, decide: { kind: 'delegate' } }],
    ['says nothing to the point when it is to stand', { stand: 7, decide: { kind: 'delegate' } }],
    ['stands aside when it is to decide', { stand: { kind: 'standing' }, decide: { kind: 'abstain' } }],
    [
      'says nothing to the point when it is to decide',
      { stand: { kind: 'standing' }, decide: { kind: 'decision' } },
    ],
  ])('who %s does not lead', async (_, answers) => {
    await using quarrel = await openQuarrel({ ann: { decide: () => 'medium' } });
    const { bus, space } = quarrel;
    for (const [phase, answer] of Object.entries(answers))
      bus.serve(roundSubject(space, 'bob', 'conflict', phase), () => answer);
    await bus.flush();
    const { resolved } = await quarrel.settle('leader-election');
    expect(resolved.resolutions[0]).toMatchObject({ leader: 'ann', value: 'medium' });
  });

  it('a decision binds until its lease ends, whoever would lead meanwhile', async () => {
    await using quarrel = await openQuarrel({ ann: { decide: () => 'medium' } });
    await quarrel.settle('leader-election', { leaseMs: 60_000 });
    await attendConflicts(quarrel.bus, quarrel.space, 'bob', {
      told: () => undefined,
      decide: () => 'huge',
    }).ready();
    const again = await quarrel.settle('leader-election');
    expect(again.resolved.resolutions[0]).toMatchObject({ leader: 'ann', value: 'medium' });
  });
});

describe('turns', () => {
  it.each([
    ['slots that no clock can tell apart', { startMs: 0, slotMs: 1e-300 }],
    ['slots of a fraction of a millisecond', { startMs: 0, slotMs: 0.5 }],
    ['a start before all times', { startMs: -1e300, slotMs: 1_000 }],
    ['a start after all times', { startMs: 1e300, slotMs: 1_000 }],
    ['slots longer than all times', { startMs: 0, slotMs: 1e300 }],
  ])('are not kept with %s, for there would not be one holder at each instant', async (_, times) => {
    await using stage = await openSpaceStage(inject('natsUrl'));
    const one = { ...times, turns: [{ party: 'ann', value: 1 }] };
    await expect(storeSchedule(stage.bus, stage.space, 'one', one)).rejects.toMatchObject({
      code: 'invalid-conflict',
    });
  });

  const turns = [
    { party: 'ann', value: 1 },
    { party: 'bob', value: 2 },
  ];
  const schedule = (slotMs: number): Schedule => ({ startMs: Date.now() - slotMs / 2, slotMs, turns });

  it('the holder really changes at the edges, and each slot is seen once', async () => {
    await using stage = await openSpaceStage(inject('natsUrl'));
    const kept = schedule(200);
    await storeSchedule(stage.bus, stage.space, 'x', kept);
    const seen: string[] = [];
    for await (const slot of followSchedule(stage.bus, stage.space, 'x', {
      signal: AbortSignal.timeout(15_000),
    })) {
      expect(Date.now()).toBeGreaterThanOrEqual(slot.fromMs);
      expect(holderAt(kept, slot.fromMs)).toBe(slot.party);
      seen.push(`${slot.index} ${slot.party}`);
      if (seen.length === 4) await endSchedule(stage.bus, stage.space, 'x');
    }
    expect(new Set(seen).size).toBe(4);
    expect(await readSchedule(stage.bus, stage.space, 'x')).toBeUndefined();
  });

  it('a follower that is killed and started again goes on with the slot that runs', async () => {
    await using stage = await openSpaceStage(inject('natsUrl'));
    await storeSchedule(stage.bus, stage.space, 'x', schedule(600_000));
    for (let life = 0; life < 2; life++) {
      await using follower = startFixture('turns-process', inject('natsUrl'), [stage.space, 'x']);
      expect(await follower.line('slot')).toBe('slot 0 ann 1 true');
      await follower.kill();
    }
  });

  it('a schedule that is replaced counts at once', async () => {
    await using stage = await openSpaceStage(inject('natsUrl'));
    await storeSchedule(stage.bus, stage.space, 'x', schedule(600_000));
    const seen: string[] = [];
    for await (const slot of followSchedule(stage.bus, stage.space, 'x', {
      signal: AbortSignal.timeout(15_000),
    })) {
      seen.push(slot.party);
      if (seen.length === 2) break;
      await storeSchedule(stage.bus, stage.space, 'x', { ...schedule(600_000), turns: turns.toReversed() });
    }
    expect(seen).toEqual(['ann', 'bob']);
  });
});
