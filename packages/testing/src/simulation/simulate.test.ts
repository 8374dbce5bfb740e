import { describe, expect, it } from 'vitest';
import type { PartyStep, SimulatedParty } from './party.ts';
import { simulate, type SimulationOptions } from './simulate.ts';

/** Hears what it is sent, and sends each number once at the start. */
interface Heard {
  readonly heard: readonly number[];
  readonly started: number;
}

function talker(to: string, count: number): SimulatedParty<Heard, number> {
  return {
    initial: { heard: [], started: 0 },
    step: (state, input): PartyStep<Heard, number> => {
      if (input.kind === 'timer') return { state, sends: [{ to, message: -1 }], timers: [] };
      if (input.kind === 'message') {
        return { state: { ...state, heard: [...state.heard, input.message] }, sends: [], timers: [] };
      }
      const sends = Array.from({ length: count }, (_, message) => ({ to, message }));
      return { state: { ...state, started: state.started + 1 }, sends, timers: [] };
    },
  };
}

const run = (options: SimulationOptions<Heard>, count = 1_000): readonly number[] =>
  simulate(
    new Map([
      ['ada', talker('bob', count)],
      ['bob', talker('ada', 0)],
    ]),
    options,
  ).states.get('bob')?.heard ?? [];

const ordered = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);
const all = Array.from({ length: 1_000 }, (_, i) => i);

describe('the simulated network', () => {
  it('delivers everything once, out of order', () => {
    const heard = run({ seed: 1 });
    expect(ordered(heard)).toEqual(all);
    expect(heard).not.toEqual(all);
  });

  it('says the same thing twice for one seed, and another thing for another', () => {
    const weather = { dropRate: 0.3, duplicateRate: 0.3 };
    expect(run({ seed: 7, weather })).toEqual(run({ seed: 7, weather }));
    expect(run({ seed: 7, weather })).not.toEqual(run({ seed: 8, weather }));
  });

  it('loses and doubles the share it is told', () => {
    expect(run({ seed: 2, weather: { dropRate: 0.25 } }).length).toBeGreaterThan(690);
    expect(run({ seed: 2, weather: { dropRate: 0.25 } }).length).toBeLessThan(810);
    expect(run({ seed: 2, weather: { duplicateRate: 0.25 } }).length).toBeGreaterThan(1_190);
    expect(run({ seed: 2, weather: { duplicateRate: 0.25 } }).length).toBeLessThan(1_310);
  });

  it('cuts groups off, and heals', () => {
    const partitions = [{ fromMs: 0, toMs: 50, groups: [['ada'], ['bob']] }];
    expect(run({ seed: 3, weather: { partitions } })).toEqual([]);
    expect(ordered(run({ seed: 3, weather: { partitions, healsAtMs: 0 } }))).toEqual(all);
  });

  it('lets a crashed party hear nothing, and starts it again with what survived', () => {
    const heard = run({
      seed: 4,
      crashes: [{ party: 'bob', atMs: 5, backAtMs: 8 }],
      survives: (state) => ({ ...state, heard: state.heard.slice(0, 3) }),
    });
    expect(heard.length).toBeGreaterThan(100);
    expect(heard.length).toBeLessThan(700);
  });

  it('rings a timer when it is due, unless it was set again, put off, or its party crashed', () => {
    const rung: [string, number][] = [];
    const alarm = (timers: PartyStep<number, never>['timers']): SimulatedParty<number, never> => ({
      initial: 0,
      step: (state, input, nowMs) => {
        if (input.kind === 'timer') rung.push([input.timer, nowMs]);
        return { state, sends: [], timers: input.kind === 'start' ? timers : [] };
      },
    });
    const parties = new Map([
      [
        'ada',
        alarm([
          { timer: 'a', afterMs: 5 },
          { timer: 'a', afterMs: 20 },
          { timer: 'b', afterMs: 7 },
          { timer: 'b' },
        ]),
      ],
      ['bob', alarm([{ timer: 'c', afterMs: 10 }])],
    ]);
    const ended = simulate(parties, { seed: 5, crashes: [{ party: 'bob', atMs: 9 }] });
    expect(rung).toEqual([['a', 20]]);
    expect(ended).toMatchObject({ ending: 'quiet', nowMs: 20 });
  });

  it('ends at a limit of steps or of time, and says which', () => {
    const restless: SimulatedParty<number, string> = {
      initial: 0,
      step: (state) => ({
        state: state + 1,
        sends: [{ to: 'ada', message: 'again' }],
        timers: [{ timer: 't', afterMs: 1 }],
      }),
    };
    expect(simulate(new Map([['ada', restless]]), { seed: 6, maxSteps: 50 })).toMatchObject({
      ending: 'steps',
      steps: 50,
    });
    const patient = {
      ...restless,
      step: (state: number) => ({ state, sends: [], timers: [{ timer: 't', afterMs: 1 }] }),
    };
    expect(simulate(new Map([['ada', patient]]), { seed: 6, untilMs: 30 })).toMatchObject({
      ending: 'time',
      nowMs: 30,
    });
    const isOver = (states: ReadonlyMap<string, number>): boolean => (states.get('ada') ?? 0) >= 9;
    expect(simulate(new Map([['ada', restless]]), { seed: 6, isOver })).toMatchObject({
      ending: 'over',
      steps: 9,
    });
  });
});
